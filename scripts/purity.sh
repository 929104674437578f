#!/usr/bin/env bash
# Proves that the types which browsers share compile to WASM, that no server code comes along, and that applications
# which wear the layer get nothing of what watches them.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

target=wasm32-unknown-unknown

# refuse WHERE "PACKAGE AND FLAGS" CRATE...: none of the crates may be among the package's dependencies
refuse() {
  local where=$1 package tree found
  read -ra package <<<"-p $2 -e normal"
  shift 2
  tree=$(cargo tree --locked "${package[@]}" --prefix none --format '{p}')
  found=$(cut -d' ' -f1 <<<"$tree" | sort -u | grep -Fx "$(printf '%s\n' "$@")" | paste -sd' ') || true
  [[ -z $found ]] ||
    die "${package[1]} must not bring $found to $where;" \
      "'cargo tree ${package[*]} -i ${found%% *}' shows how it got in"
}

cargo check --locked -p collector --target "$target"
refuse "the browser" "collector --target $target" tokio sqlx fred sysinfo axum hyper leptos mio socket2 rustls clap
refuse "the browser" "frontend --target $target" sqlx fred sysinfo axum hyper mio
refuse "the applications that are watched" "collector --features http" \
  tokio sqlx fred axum reqwest hyper rustls sysinfo clap tracing
say "collector and frontend are free of server code, and the layer of ours"
