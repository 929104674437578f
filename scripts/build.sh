#!/usr/bin/env bash
# The release build: the server and, hashed and compressed beforehand, the page's WASM, script and style; with --embed the
# page's files are in the server, as packages have it.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

features=()
case ${1:-} in
  --embed) features=(--bin-features server/embed) ;;
  '') ;;
  *) die "unknown argument '$1': there is only --embed" ;;
esac

cargo leptos build --release --precompress "${features[@]}"
