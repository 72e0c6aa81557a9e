#!/usr/bin/env bash
# Everything CI runs, in the order in which it is cheapest to fail.
#
# All cargo commands name the whole workspace: another selection would mean other features and a second build.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cd "$root"

# Every integration test but the end-to-end cases, which come last.
integration_tests() {
  local name names=()
  for name in $(cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
packages = json.load(sys.stdin)["packages"]
print(*sorted({target["name"] for package in packages if package["name"] != "althing-e2e"
              for target in package["targets"] if "test" in target["kind"]}))'); do
    names+=(--test "$name")
  done
  cargo test --workspace "${names[@]}"
}

step 'what this machine lacks' scripts/setup.sh
step 'formatting' cargo fmt --all --check
step 'licences and sources of dependencies' scripts/supply_chain.sh deny
step 'known vulnerabilities of dependencies' scripts/supply_chain.sh audit
step 'charts, kustomizations, GitOps examples, alerts, dashboards' scripts/charts.sh
step 'build' cargo build --workspace --bins
step 'lints' cargo clippy --workspace --all-targets -- -D warnings
step 'documentation' env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --quiet
step 'unit tests' cargo test --workspace --lib --bins
step 'integration tests' integration_tests
step 'examples in the documentation' cargo test --workspace --doc
step 'simulator' "$CARGO_TARGET_DIR/debug/althing-sim" --seeds "0..${SEEDS:-2000}"
step 'end-to-end: clients and faults, on processes' scripts/e2e.sh local
step 'end-to-end: ways to install' scripts/e2e.sh install
step 'end-to-end: on a cluster' scripts/e2e.sh cluster
