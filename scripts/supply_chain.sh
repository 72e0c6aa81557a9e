#!/usr/bin/env bash
# What is compiled in: `deny` for licences, bans and sources (deny.toml), `audit` for known vulnerabilities.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cd "$root"

case ${1:-} in
  deny)
    "$tools/bin/cargo-deny" --workspace check licenses bans sources
    ;;
  audit)
    if [ ! -d "$advisories/crates" ]; then
      say "skipped: no copy of the RustSec advisory database at $advisories (ALTHING_ADVISORY_DB names another)"
      exit 0
    fi
    "$tools/bin/cargo-audit" audit --db "$advisories" --no-fetch --stale
    ;;
  *)
    echo "supply_chain.sh: expected deny or audit, found '${1:-nothing}'" >&2
    exit 2
    ;;
esac
