#!/usr/bin/env bash
# Everything that CI checks, or with --quick what needs neither a test run nor a browser.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

table=() passed=0

# run NAME COMMAND...: the first one that fails ends it all
run() {
  local name=$1 start
  shift
  start=$(now)
  say "" "== $name"
  if "$@"; then
    table+=("ok      $(printf '%-44s %8s' "$name" "$(since "$start")")") passed=$((passed + 1))
  else
    table+=("FAILED  $(printf '%-44s %8s' "$name" "$(since "$start")")")
    say "" "${table[@]}" "" "steps: $passed passed, 1 failed"
    exit 1
  fi
}

# What the machine that builds has in its settings stays there.
release() {
  local planted=PLANTEDatthebuild
  DATABASE_URL=postgres://user:$planted@127.0.0.1:1/db REDIS_URL=redis://:$planted@127.0.0.1:1 REDIS_PASSWORD=$planted \
    scripts/build.sh || return
  # 1 is "in none of them"; 2 is that there is nothing to look at.
  grep -rlaF "$planted" target/site target/release/recipe-monitoring-{collector,dashboard}
  [[ $? = 1 ]]
}

end_to_end() (cd end2end && CHROMIUM=${CHROMIUM:-$(command -v chromium)} npx playwright test)

# Tests that start programs wait most of the time.
waiting() { RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))} "$@"; }

bench() { scripts/setup.sh bench && node bench/run.mjs --short; }

quick=no
case ${1:-} in
  --quick) quick=yes ;;
  '') ;;
  *) die "unknown argument '$1': there is only --quick" ;;
esac

if [[ $quick = yes ]]; then run "set-up" scripts/setup.sh check; else run "set-up" scripts/setup.sh test; fi
run "format" cargo fmt --all --check
run "clippy: collector" cargo clippy --locked -p collector --all-targets --features runtime,http -- -D warnings
run "clippy: the layer alone" cargo clippy --locked -p collector --all-targets --features http -- -D warnings
run "clippy: server" cargo clippy --locked -p server --all-targets -- -D warnings
run "clippy: frontend" cargo clippy --locked -p frontend --target wasm32-unknown-unknown -- -D warnings
run "purity of what browsers get" scripts/purity.sh
run "licences, sources, advisories" node scripts/audit.mjs
if [[ $quick = no ]]; then
  run "tests: collector's types" cargo test --locked -p collector
  run "tests: the layer" cargo test --locked -p collector --features http
  run "tests: collector" waiting cargo test --locked -p collector --features runtime,http
  run "tests: app" cargo test --locked -p app --features ssr
  # Not beside those that count seconds.
  run "tests: server" waiting cargo test --locked -p server -- --skip attacked::
  run "tests: server, attacked" waiting cargo test --locked -p server --test integration attacked::
  run "release build" release
  run "end to end, in Chromium" end_to_end
  run "packages, installed and run" scripts/package_test.sh
  run "every command of the manual" scripts/manual_test.sh
  [[ ! -e bench/run.mjs ]] || run "bench, the short form" bench
fi

say "" "${table[@]}" "" "steps: $passed passed, 0 failed"
