#!/usr/bin/env bash
# Everything CI runs, in the order in which it is cheapest to fail.
#
# All cargo commands name the whole workspace: another selection would mean other features and a second build.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cd "$root"

step 'what this machine lacks' scripts/setup.sh
step 'formatting' cargo fmt --all --check
step 'licences and sources of dependencies' scripts/supply_chain.sh deny
step 'known vulnerabilities of dependencies' scripts/supply_chain.sh audit
step 'charts, kustomizations, GitOps examples, alerts, dashboards' scripts/charts.sh
step 'build' cargo build --workspace --bins
step 'lints' cargo clippy --workspace --all-targets -- -D warnings
step 'documentation' env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --quiet
step 'tests, end-to-end cases and clients' cargo test --workspace
step 'simulator' "$CARGO_TARGET_DIR/debug/althing-sim" --seeds "0..${SEEDS:-2000}"
