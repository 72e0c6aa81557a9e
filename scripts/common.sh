# Sourced by the scripts here and by the Makefile: where caches are, and how progress is told.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${ALTHING_CACHE:-$HOME/.cache/althing}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
venv=$cache/venv
tools=$cache/tools
go_clients=$cache/bin/ethclient
advisories=${ALTHING_ADVISORY_DB:-$root/../shared/advisory-db}

# Prints a heading, runs the command, prints how long it took; its failure ends the script.
# The command stands alone, not in a condition: only so `set -e` reaches into functions.
running=
step() {
  running=$1
  local started=$SECONDS
  shift
  printf '\n=== %s\n' "$running"
  "$@"
  printf '=== %s: %d s (the whole run: %d s)\n' "$running" $((SECONDS - started)) "$SECONDS"
  running=
}
trap '[ -z "$running" ] || printf "=== %s: FAILED (the whole run: %d s)\n" "$running" "$SECONDS" >&2' EXIT

has() {
  command -v "$1" >/dev/null 2>&1
}

say() {
  printf '    %s\n' "$*"
}

# Whether a step whose inputs are these files has been done with these very files.
stamp_is_fresh() {
  local stamp=$cache/stamps/$1
  shift
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(cat "$@" | sha256sum)" ]
}

# Notes that it has.
write_stamp() {
  local stamp=$cache/stamps/$1
  shift
  mkdir -p "$cache/stamps"
  cat "$@" | sha256sum >"$stamp"
}
