#!/usr/bin/env bash
# Runs every command of docs/manual.md, in its order, on a throw-away machine (see machine.sh) with the package that
# package.sh has made; those of docs/manual.ja.md are the same.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

name=recipe-monitoring
work=$(mktemp -d)
chmod 755 "$work"
finish() {
  scripts/machine.sh end "$work/machine"
  rm -rf "$work"
}
trap finish EXIT

# commands FILE: what is between ```sh and ```, without the indentation of a list
commands() {
  awk '
    /^ *```sh$/ { indent = index($0, "`"); inside = 1; next }
    /^ *```$/ && inside { inside = 0; next }
    inside { print substr($0, indent) }' "$1"
}

commands docs/manual.md >"$work/manual.sh"
diff "$work/manual.sh" <(commands docs/manual.ja.md) || die "the manuals in English and Japanese have different commands"
[[ $(wc -l <"$work/manual.sh") -gt 60 ]] || die "the commands of docs/manual.md were not found"

mkdir "$work/machine"
if [[ $EUID != 0 ]] || ! scripts/machine.sh may "$work/machine"; then
  say "left out: running the commands of the manual, for which root makes a throw-away machine"
  exit 0
fi
scripts/machine.sh boot "$work/machine"
run() { scripts/machine.sh run "$work/machine" "$@"; }

# This machine may have it, or data of a 'make run' as root.
run sh -c "dpkg --purge $name; rm -rf /var/lib/$name /etc/$name" >/dev/null 2>&1
# Debian's PostgreSQL comes with a cluster, unless set-up installed it.
run sh -c 'pg_lsclusters --no-header | grep -q . || pg_createcluster "$(ls /usr/lib/postgresql | sort -n | tail -n 1)" main'
run sh -c "cat >/tmp/${name}_0_all.deb" <"$(echo target/package/*.deb)"
# With every command as it is read, so that the one that fails is the last one in the output.
run sh -c 'cat >/tmp/manual.sh' <"$work/manual.sh"
if ! run bash -euo pipefail -v /tmp/manual.sh >"$work/output" 2>&1 </dev/null; then
  tail -n 60 "$work/output" >&2
  die "a command of docs/manual.md failed; it is the last one above"
fi
say "all $(grep -c . "$work/manual.sh") lines of the manual were run"
