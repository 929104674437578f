# What the scripts share: where the checkout is, how they speak, how they tell the time. To be sourced.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit

# cargo-leptos looks for wasm-bindgen and wasm-opt on PATH, where cargo's own folder need not be.
cargo_bin=${CARGO_HOME:-$HOME/.cargo}/bin
case ":$PATH:" in
  *":$cargo_bin:"*) path_had_cargo_bin=yes ;;
  *) path_had_cargo_bin=no PATH=$cargo_bin:$PATH ;;
esac
# Where administrators' programs are, not every user's PATH looks, nor root's after a plain `su`.
PATH=$PATH:/usr/sbin:/sbin
export PATH path_had_cargo_bin

say() { printf '%s\n' "$@"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# at_least WANTED VERSION
at_least() { printf '%s\n%s\n' "$1" "$2" | sort -VC; }

# Microseconds; the separator follows the locale.
now() { printf '%s' "${EPOCHREALTIME/[.,]/}"; }

# since START: "0.4 s" up to ten seconds, then "171 s"
since() {
  local tenths=$((($(now) - $1) / 100000))
  if ((tenths < 100)); then printf '%d.%d s' $((tenths / 10)) $((tenths % 10)); else printf '%d s' $((tenths / 10)); fi
}

# files_without PATHSPEC...: one line that says what is in the files of this checkout but these
files_without() {
  { git ls-files -z --cached --others --exclude-standard -- . "${@/#/:!}" | xargs -0 sha256sum || true; } 2>&1 | sha256sum
}

# Without git nobody says which files are the checkout's.
has_git() { git rev-parse --is-inside-work-tree >/dev/null 2>&1; }
