#!/usr/bin/env bash
# The end-to-end cases, each kind with what it needs.
#
#   scripts/e2e.sh               all of them: on processes, ways to install, on a cluster
#   scripts/e2e.sh NAME          those with NAME in theirs
#   scripts/e2e.sh local [NAME]  those of one kind: local, install, cluster
#
# Clusters need root, or a kubeconfig in ALTHING_E2E_KUBECONFIG; without either their cases say that they are skipped.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cd "$root"

kinds=(local install cluster)
case ${1:-} in
  local | install | cluster)
    kinds=("$1")
    shift
    ;;
esac

has_cluster() {
  [ "$(id -u)" -eq 0 ] || [ -n "${ALTHING_E2E_KUBECONFIG:-}" ]
}

# The cases stop their clusters themselves, also when they fail; this is for those that were killed before they could.
stop_cluster() {
  [ "$(id -u)" -eq 0 ] && [ -x "$CARGO_TARGET_DIR/debug/althing-cluster" ] || return 0
  "$CARGO_TARGET_DIR/debug/althing-cluster" down --name "$1" >/dev/null
}

# All cargo commands name the whole workspace: another selection would mean other features and a second build.
cases() {
  cargo test --workspace --test "$@"
}

# Whether a kind has cases with the name that was given. The whole list is read, or its writer fails.
has_cases() {
  local listed
  [ $# -gt 1 ] || return 0
  listed=$(cargo test --workspace --quiet --test "$1" -- --list "${@:2}")
  [[ $listed == *': test'* ]]
}

scripts/setup.sh build
for kind in "${kinds[@]}"; do
  has_cases "$kind" "$@" || continue
  if [ "$kind" = local ]; then
    scripts/setup.sh clients
    step 'build' cargo build --workspace --bins
  elif has_cluster; then
    for part in cluster kube-checks gitops; do scripts/setup.sh "$part"; done
    step 'images' scripts/images.sh
  fi
  case $kind in
    local) step 'cases on processes' cases local -- --nocapture "$@" ;;
    install)
      trap 'told=$?; stop_cluster install; exit $told' EXIT
      step 'ways to install' cases install -- "$@"
      ;;
    cluster)
      trap 'told=$?; stop_cluster cases; stop_cluster second; exit $told' EXIT
      step 'cases on a cluster' cases cluster -- "$@"
      ;;
  esac
done
