#!/usr/bin/env bash
# Everything that CI checks, or with --quick what needs neither a test run nor a browser. Repeated in place, tests that passed
# within a day, on this machine as it is and with the same files, are known to pass; --rerun runs them all the same.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

logs=target/test
kept=$logs/passed
table=() passed=0 known=0
declare -A beside=() states=()
trap 'for group in "${beside[@]}"; do kill -- "-$group" 2>/dev/null || sudo -n kill -- "-$group" 2>/dev/null || true; done' EXIT

# run NAME COMMAND...: the first one that fails ends it all
run() {
  local name=$1 start
  shift
  start=$(now)
  say "" "== $name"
  if "$@"; then ended ok "$name" "$(since "$start")"; else ended FAILED "$name" "$(since "$start")"; fi
}

# unless_known run|begin NAME COMMAND...: not if it passed before with the same files, but for those in $apart, which are
# nothing to it
unless_known() {
  local name=$2
  states[$name]="$machine $(files_without "${apart[@]}")"
  if [[ $rerun = no && -n $(find "$kept/$name" -mmin -1440 2>/dev/null) && $(<"$kept/$name") = "${states[$name]}" ]]; then
    table+=("$(printf '%-7s %-44s %8s' known "$name" -)")
    known=$((known + 1))
  else
    rm -f "$kept/$name"
    "$@"
  fi
}

# What else a test's result may depend on.
machine() {
  id -u
  uname -rm
  rustc -vV
  node --version
  dpkg-query --show
  # Without it, packages are not installed.
  if sudo -n true 2>/dev/null; then echo sudo; fi
  env | grep -E '^(CARGO|CHROMIUM|DATABASE|LANG|LC_|LEPTOS|PG|REDIS|RUST|TMPDIR|TZ)' | sort || true
}

# begin NAME COMMAND...: runs it beside all that follows until `finish NAME`, which shows its output
begin() {
  local name=$1
  shift
  say "" "== $name: begun, to be finished below"
  mkdir -p $logs
  # In a process group of its own, by which all of it can be ended.
  set -m
  beside_others "$name" "$@" >"$logs/$name" 2>&1 </dev/null &
  set +m
  beside[$name]=$!
}

beside_others() {
  local name=$1 start status=0
  shift
  start=$(now)
  "$@" || status=$?
  since "$start" >"$logs/$name: time"
  return $status
}

finish() {
  local name=$1 status=0
  [[ -n ${beside[$name]:-} ]] || return 0
  say "" "== $name"
  tail -n +1 -s 0.2 --pid="${beside[$name]}" -f "$logs/$name"
  wait "${beside[$name]}" || status=$?
  unset "beside[$name]"
  if ((status)); then ended FAILED "$name" "$(<"$logs/$name: time")"; else ended ok "$name" "$(<"$logs/$name: time")"; fi
}

# ended ok|FAILED NAME TIME
ended() {
  table+=("$(printf '%-7s %-44s %8s' "$@")")
  if [[ $1 = ok ]]; then
    passed=$((passed + 1))
    if [[ -n ${states[$2]:-} && $(files_without) = "$began" ]]; then mkdir -p $kept && echo "${states[$2]}" >"$kept/$2"; fi
  else
    say "" "${table[@]}" "" "steps: $passed passed, 1 failed"
    exit 1
  fi
}

# What the machine that builds has in its settings stays there.
release() {
  local planted=PLANTEDatthebuild
  DATABASE_URL=postgres://user:$planted@127.0.0.1:1/db REDIS_URL=redis://:$planted@127.0.0.1:1 REDIS_PASSWORD=$planted \
    scripts/build.sh --embed || return
  scripts/package.sh || return
  # 1 is "in none of them"; 2 is that there is nothing to look at.
  grep -rlaF "$planted" target/site target/release/recipe-monitoring-{collector,dashboard}
  [[ $? = 1 ]]
}

packages() { as_root_may scripts/package_test.sh && as_root_may scripts/manual_test.sh; }

# Who may use sudo has the machines, too.
as_root_may() {
  if [[ $EUID = 0 ]] || ! sudo -n true 2>/dev/null; then "$@"; else sudo -n env PATH="$PATH" CHROMIUM="${CHROMIUM:-}" "$@"; fi
}

# In the Chromium that has no window to draw: the same pages for a third less work.
end_to_end() (cd end2end && CHROMIUM=${CHROMIUM:-$(command -v chromium-headless-shell)} npx playwright test)

# Tests that start programs wait most of the time.
waiting() { RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))} "$@"; }

# Hundreds of databases are made: in memory where there is room to run programs, for a disk makes each of them wait.
in_memory() {
  local memory=/dev/shm
  [[ -z ${TMPDIR:-} && -w $memory ]] || return 0
  (($(df --output=avail --block-size=G $memory | tr -dc 0-9) >= 4)) || return 0
  [[ ,$(findmnt --noheadings --output OPTIONS --target $memory), = *,noexec,* ]] || export TMPDIR=$memory
}

# Has clippy compile what of cargo's work is ours, so that nothing is compiled once for it and once more to be run.
linted() { RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings "$@"; }

# All that is not for browsers, always with the same features: with others, most libraries would be compiled again.
native=(--locked --package collector --package app --package server --features collector/runtime,collector/http,app/ssr)

quick=no rerun=no
case ${1:-} in
  --quick) quick=yes ;;
  --rerun) rerun=yes ;;
  '') ;;
  *) die "unknown argument '$1': there are only --quick and --rerun" ;;
esac
has_git || rerun=yes

if [[ $quick = yes ]]; then run "set-up" scripts/setup.sh check; else run "set-up" scripts/setup.sh bench; fi
run "format" cargo fmt --all --check
if [[ $quick = yes ]]; then
  run "clippy: collector, app, server" cargo clippy "${native[@]}" --all-targets -- -D warnings
  run "clippy: the layer alone" cargo clippy --locked --package collector --all-targets --features http -- -D warnings
fi
run "clippy: frontend" cargo clippy --locked -p frontend --target wasm32-unknown-unknown -- -D warnings
run "purity of what browsers get" scripts/purity.sh
run "licences, sources, advisories" node scripts/audit.mjs
if [[ $quick = no ]]; then
  in_memory
  machine=$(machine | sha256sum)
  began=$(files_without)
  run "clippy, and tests built" linted cargo test "${native[@]}" --no-run
  apart=(end2end bench docs style '*.md')
  # As browsers and watched applications have them, with fewer features also of the libraries.
  unless_known run "clippy, tests: collector's types" linted cargo test --locked --package collector
  unless_known run "clippy, tests: the layer" linted cargo test --locked --package collector --features http
  # Attacks not beside those that count seconds.
  unless_known run "tests: collector, app, server" waiting linted cargo test "${native[@]}" -- --skip attacked::
  unless_known run "tests: server, attacked" waiting linted cargo test "${native[@]}" --test integration attacked::
  run "release build, packages" release
  apart=(bench collector/tests server/tests)
  # On machines of their own, which wait most of the time.
  unless_known begin "packages, installed and run; the manual" packages
  unless_known run "end to end, in Chromium" end_to_end
  finish "packages, installed and run; the manual"
  apart=(end2end collector/tests server/tests docs '*.md')
  unless_known run "bench, the short form" node bench/run.mjs --short
fi

say "" "${table[@]}" "" "steps: $passed passed, 0 failed"
((known == 0)) || say "$known more are known to pass, for they did with the same files; make test ARGS=--rerun runs them, too"
