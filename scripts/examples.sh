#!/usr/bin/env bash
# The named examples in release form, with the flags, features and variable of build.sh: what that has built serves here,
# too.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

examples=()
for name in "$@"; do examples+=(--example "$name"); done
features=collector/runtime
if target/release/recipe-monitoring-dashboard --has-page 2>/dev/null; then features+=,server/embed; fi
LEPTOS_OUTPUT_NAME=recipe-monitoring RUSTFLAGS="--cfg erase_components" cargo build --locked --release \
  --no-default-features --package server --package collector --features $features "${examples[@]}"
