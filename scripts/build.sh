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

# cargo-leptos makes and compresses the page's files anew each time. So nothing is built of the same, when all that was built
# of it is still there.
stamp=target/release/.built-of
sources() {
  echo "${features[@]}"
  rustc -vV
  cargo-leptos --version
  env | grep -E '^(CARGO|LEPTOS|RUST)' | sort || true
  files_without bench docs end2end collector/tests server/tests '*.md'
  sums frontend/assets
}
built() { sums target/site target/release/recipe-monitoring-{collector,dashboard}; }
sums() { find "$@" -type f -print0 | sort -z | xargs -0 sha256sum; }

sources=$(sources | sha256sum)
if has_git && [[ $(cat $stamp 2>/dev/null) = "$sources $(built 2>/dev/null | sha256sum)" ]]; then
  say "build: nothing has changed"
  exit
fi
rm -f $stamp
cargo leptos build --release --precompress "${features[@]}"
echo "$sources $(built | sha256sum)" >$stamp
