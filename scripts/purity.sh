#!/usr/bin/env bash
# Proves that the types which browsers share compile to WASM and that no server code comes along.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

target=wasm32-unknown-unknown

# refuse PACKAGE CRATE...: none of the crates may be among the package's dependencies
refuse() {
  local package=$1 tree found
  shift
  tree=$(cargo tree --locked -p "$package" -e normal --target "$target" --prefix none --format '{p}')
  found=$(cut -d' ' -f1 <<<"$tree" | sort -u | grep -Fx "$(printf '%s\n' "$@")" | paste -sd' ') || true
  [[ -z $found ]] ||
    die "$package must not bring $found to the browser;" \
      "'cargo tree -p $package -e normal --target $target -i ${found%% *}' shows how it got in"
}

cargo check --locked -p collector --target "$target"
refuse collector tokio sqlx fred sysinfo axum hyper leptos mio socket2 rustls clap
refuse frontend sqlx fred sysinfo axum hyper mio
say "collector and frontend are free of server code"
