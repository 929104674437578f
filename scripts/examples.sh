#!/usr/bin/env bash
# The named examples in release form, with the flags and features of build.sh: what that has built serves here too.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

examples=()
for name in "$@"; do examples+=(--example "$name"); done
RUSTFLAGS="--cfg erase_components" cargo build --locked --release --no-default-features --package server \
  --package collector --features collector/runtime "${examples[@]}"
