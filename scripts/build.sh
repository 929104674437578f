#!/usr/bin/env bash
# The release build: the server and, hashed and compressed beforehand, the page's WASM, script and style.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

cargo leptos build --release --precompress
