//! Nothing: this package only pins the sources of the peers that `scripts/sm_peers.sh` builds.
