#!/usr/bin/env bash
# Runs the dashboard, the example recipe API on :5000 and its visitors; Ctrl-C ends all three. Arguments, such as
# --data-dir or --set, go to the dashboard. The API keeps its recipes in a database of its own on the server that the
# dashboard uses.
#
#   DEMO_API=127.0.0.1:5000     where the API listens; elsewhere, tell the dashboard what to scrape
#   DEMO_LOAD="--requests-per-second 20 --day 10m --for 24h"
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

api=${DEMO_API:-127.0.0.1:5000}
read -ra load <<<"${DEMO_LOAD:---requests-per-second 20 --day 10m --for 24h}"
bin=target/release
patience=60

scripts/examples.sh recipe_api recipe_traffic

log=$(mktemp -d)
pids=()
# The visitors go first, so that nothing fails in the API's log at the end.
finish() {
  trap '' INT TERM HUP
  local i
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill -TERM "${pids[i]}" 2>/dev/null || true
    wait "${pids[i]}" 2>/dev/null || true
  done
  rm -rf "$log"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# launch NAME COMMAND...: in the background, in a process group of its own, so that Ctrl-C reaches it through us only
launch() {
  local name=$1
  shift
  : >"$log/$name"
  set -m
  "$@" </dev/null >"$log/$name" 2>&1 &
  pids+=($!)
  set +m
}

# await NAME PATTERN: the first thing in its log that matches; ends the demo if the program ends or says nothing
await() {
  local name=$1 pattern=$2 tries=0
  until grep -om1 "$pattern" "$log/$name"; do
    if ! kill -0 "${pids[-1]}" 2>/dev/null; then
      cat "$log/$name" >&2
      die "the $name has ended; see above what it said"
    fi
    ((tries++ < patience * 10)) || die "the $name did not come up in $patience s"
    sleep 0.1
  done
}

launch dashboard $bin/recipe-monitoring-dashboard "$@"
url=$(await dashboard '"url":"[^"]*"')
url=${url#*:\"} url=${url%\"}
# The collector has the dashboard's settings, but for the address.
shared=()
for ((i = 1; i <= $#; i++)); do
  case ${!i} in
    --address) i=$((i + 1)) ;;
    --address=*) ;;
    *) shared+=("${!i}") ;;
  esac
done
database=$($bin/recipe-monitoring-collector env "${shared[@]}" | sed -n 's/^DATABASE_URL=//p')
DATABASE_URL=$database launch API $bin/examples/recipe_api --address "$api" --database recipe_site --faults
await API 'serving .*' >/dev/null
launch visitors $bin/examples/recipe_traffic --url "http://$api/" "${load[@]}"
await visitors 'visiting .*' >/dev/null

say "" "  The dashboard is at $url" "  The recipe API is at http://$api/recipes, its metrics at http://$api/metrics" \
  "  Ctrl-C ends both" ""
wait -n "${pids[@]}" || true
exit 0
