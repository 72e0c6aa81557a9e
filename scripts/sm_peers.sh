# Sourced by setup.sh: the command-line tools of OpenSSL 4 and Tongsuo, which speak TLS 1.3 with SM2, SM3 and SM4 and are
# nobody's work here. Their sources come with two crates, pinned by hash in e2e/peers/Cargo.lock. Beside them a program of
# e2e/clients/gmsm that verifies certificates with Go's gmsm module, pinned by hash in its go.sum.
# shellcheck shell=bash

sm_peers=$cache/sm-peers

# peer_source CRATE prints where Cargo has put that crate.
peer_source() {
  cargo metadata --locked --format-version 1 --manifest-path "$root/e2e/peers/Cargo.toml" | python3 -c '
import json, os, sys
packages = json.load(sys.stdin)["packages"]
print(*(os.path.dirname(package["manifest_path"]) for package in packages if package["name"] == sys.argv[1]))' "$1"
}

# sm_peer NAME CRATE FOLDER OPTION… builds the program `openssl` of that folder of the crate into $sm_peers/NAME, statically,
# unless that was done with these very pins and options. The build is away from the crate, which Cargo wants unchanged.
sm_peer() {
  local name=$1 crate=$2 folder=$3 build=$sm_peers/.build-$1 source
  shift 3
  if [ -x "$sm_peers/$name" ] && stamp_is_fresh "sm-peer-$name" "$root/e2e/peers/Cargo.lock" <(echo "$@"); then
    say 'unchanged'
    return
  fi
  source=$(peer_source "$crate")
  rm -rf "$build"
  mkdir -p "$build"
  cp -r "$source/$folder/." "$build"
  if ! (cd "$build" && perl Configure no-shared no-module no-tests no-legacy "$@" &&
    nice -n 10 make build_generated && nice -n 10 make -j2 apps/openssl) >"$sm_peers/$name.log" 2>&1; then
    say "$name did not build; the end of $sm_peers/$name.log:" >&2
    tail -n 20 "$sm_peers/$name.log" >&2
    return 1
  fi
  mv "$build/apps/openssl" "$sm_peers/$name"
  rm -rf "$build" "$sm_peers/$name.log"
  write_stamp "sm-peer-$name" "$root/e2e/peers/Cargo.lock" <(echo "$@")
}

openssl4() { sm_peer openssl4 openssl-src openssl no-docs; }

# Its NTLS stays out: that is another protocol, TLCP, with two certificates a side.
tongsuo() { sm_peer tongsuo tongsuo-src tongsuo; }

gmsm() {
  mkdir -p "$sm_peers"
  (cd "$root/e2e/clients/gmsm" && go build -o "$sm_peers/gmsm" .)
}
