#!/usr/bin/env bash
# Tries the packages that package.sh has made: the sandbox of the units; PM2 with the tarball; and the Debian package on a
# throw-away machine with a systemd of its own (see machine.sh), where it is installed, opened in the browser, killed,
# upgraded over an older database, split into two services, removed and purged. Nothing on this machine changes.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

name=recipe-monitoring
user=$name
url=http://127.0.0.1:5001/
packages=target/package
work=$(mktemp -d)
chmod 755 "$work"
from_disk=
finish() {
  local status=$?
  if [[ -n $from_disk ]]; then
    kill "$from_disk" 2>/dev/null || true
    wait "$from_disk" || true
  fi
  # A machine that failed says why before it goes.
  if ((status)) && [[ -e $work/machine/pid ]]; then
    scripts/machine.sh run "$work/machine" journalctl --no-pager --lines 40 --unit "$name-*" >&2 || true
  fi
  scripts/machine.sh end "$work/machine"
  rm -rf "$work"
}
trap finish EXIT

step() { say "-- $*"; }

# until_true WHAT COMMAND...: within a minute
until_true() {
  local what=$1 tries
  shift
  for ((tries = 0; tries < 300; tries++)); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  die "not within a minute: $what"
}

# ---- the packages

deb=$(echo $packages/*.deb)
[[ -e $deb ]] || die "there are no packages; run scripts/package.sh first"
tar -xzf $packages/*.tar.gz -C "$work"
tree=$(echo "$work/$name"-*)

step "units: exposure of at most 2.0; completions"
if [[ $EUID = 0 || -d /run/systemd ]]; then
  systemd-analyze security --offline=true --threshold=20 "$tree"/systemd/*.service | grep -F 'Overall exposure'
else
  say "left out: the exposure, for which systemd-analyze takes root where no systemd runs"
fi
for program in dashboard collector; do
  bash -c '. "$1" && complete -p "$2"' complete "$tree/completions/$name-$program.bash" $name-$program >/dev/null
done

chromium=${CHROMIUM:-$(command -v chromium)}
if [[ $EUID != 0 ]]; then
  node end2end/pm2.mjs "$tree"
  say "left out: installing the package, for which a throw-away machine is made that takes root, or sudo without a password"
  exit 0
fi

# ---- the machine

step "a throw-away machine"
mkdir "$work/machine"
if ! scripts/machine.sh may "$work/machine"; then
  say "left out: installing the package, for root may not make a throw-away machine here (see above); a container that takes --privileged may"
  exit 0
fi
scripts/machine.sh boot "$work/machine"
run() { scripts/machine.sh run "$work/machine" "$@"; }
near() { scripts/machine.sh near "$work/machine" "$@"; }
as_user() { run setpriv --reuid=$user --regid=$user --init-groups -- "$@"; }
settings() { as_user sh -c "cd /etc/$name && $name-collector settings"; }
ready() { near curl -sf "${url}readyz"; }
# active UNIT: started and, as it said itself, at work
active() { [[ $(run systemctl is-active "$name-$1") = active ]]; }
live() { near env CHROMIUM="$chromium" node end2end/installed.mjs $url; }
# installs FILE
installs() {
  run sh -c 'cat >/tmp/package.deb' <"$1"
  run dpkg --force-unsafe-io --install /tmp/package.deb
}

# This machine may have it, or data of a 'make run' as root.
run sh -c "dpkg --purge $name; rm -rf /var/lib/$name /etc/$name" >/dev/null 2>&1

step "PM2, where no network is"
near node end2end/pm2.mjs "$tree"

step "install"
installs "$deb"
[[ $(run systemctl is-enabled $name-dashboard) = enabled ]] || die "the dashboard would not start at the next boot"
[[ $(run systemctl is-enabled $name-collector || true) = disabled ]] || die "the collector is not to be enabled"
active dashboard || die "the dashboard was not started"
until_true "ready" ready
[[ $(run systemctl show --value --property StatusText $name-dashboard) = "serving $url" ]] || die "systemd was not told"
# The sandbox lets it see what it measures.
measured() { near curl -sf "${url}api/v1/current" | grep '"mount":"/"' | grep '"cpu_usage":[0-9]'; }
until_true "the host is read in the sandbox" measured
as_user sh -c "cd /etc/$name && $name-collector check" >/dev/null || die "not all of the 15 checks passed"
live
[[ $(run ps -o user:32= -C postgres | sort -u) = "$user" ]] || die "PostgreSQL does not run as $user"
[[ -z $(run find /var/lib/$name /etc/$name -perm /o=rwx ! -type l -path "/etc/$name*") ]] ||
  die "somebody else may read the settings"
settings | grep "^data_dir = \"/var/lib/$name\"" >/dev/null ||
  die "the settings file is not in use"

step "every file as from disk"
# The same program once more, on the files of the build.
LEPTOS_SITE_ROOT=$root/target/site scripts/machine.sh near "$work/machine" "$tree/bin/$name-dashboard" --address 127.0.0.1:5003 --data-dir "$work/data" \
  --set redis.enabled=false 2>"$work/from-disk.log" &
from_disk=$!
until_true "the program on files on disk" near curl -sf http://127.0.0.1:5003/healthz
answers() {
  local path coding
  while read -r path; do
    for coding in 'br, gzip' gzip 'br;q=0'; do
      say "$path, $coding: $(near curl -si -H "accept-encoding: $coding" "$1$path" | grep -aiv '^date:' | sha256sum)"
    done
  done < <(cd target/site && find . -type f ! -name '*.br' ! -name '*.gz' -printf '%P\n' | sort)
}
answers $url >"$work/embedded"
answers http://127.0.0.1:5003/ >"$work/on-disk"
[[ -s $work/embedded ]] || die "there are no files to compare"
diff "$work/embedded" "$work/on-disk" || die "files in the program are not those on disk"
# All other spellings are in server/tests/integration/attacked/traversal.rs, on files on disk.
up=../../../../../../../..
for site in $url http://127.0.0.1:5003/; do
  for target in "$up" "pkg/$up" "${up//./%2e}" "${up//\//%2f}" "pkg/${up//\//%5c}" "${up//./%252e}" "${up//./%c0%ae}" /; do
    answer=$(near curl -s --path-as-is -w ' %{http_code}' "$site$target/etc/passwd")
    [[ $answer = *" 404" && $answer != *root:* ]] || die "$site$target/etc/passwd is answered by $answer"
  done
done
kill $from_disk
wait $from_disk
from_disk=

step "reload, kill"
run systemctl reload $name-dashboard
run systemctl kill --kill-whom=main --signal=KILL $name-dashboard
restarted() { [[ $(run systemctl show --value --property NRestarts $name-dashboard) = 1 ]] && active dashboard; }
until_true "a restart after the kill" restarted
until_true "ready after the kill" ready

step "upgrade over an older database"
run systemctl stop $name-dashboard
# A database as the first two migrations made it, with rows, in place of the one that is there.
older() {
  say "DROP DATABASE recipe_db; CREATE DATABASE recipe_db;" '\connect recipe_db'
  cat migrations/20261124*.sql
  say "CREATE TABLE system_metrics_$(date -u +%Y_%m) PARTITION OF system_metrics
         FOR VALUES FROM ('$(date -u +%Y-%m-01) 00:00+00') TO ('$(date -u -d "$(date -u +%Y-%m-01) +1 month" +%F) 00:00+00');
       INSERT INTO system_metrics (timestamp, metric_name, metric_value)
         SELECT date_trunc('month', now(), 'UTC') + n * interval '1 second', 'cpu_usage', 42.5 FROM generate_series(1, 100) n;
       INSERT INTO alert_history (timestamp, rule_name, severity, category, message, resolved, resolved_at)
         VALUES (now() - interval '1 hour', 'OlderThanThePackage', 'warning', 'system', 'kept', true, now());
       CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
         installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL,
         execution_time BIGINT NOT NULL);"
  local file version
  for file in migrations/20261124*.sql; do
    version=${file##*/} version=${version%%_*}
    say "INSERT INTO _sqlx_migrations VALUES ($version, 'older', now(), true,
           decode('$(sha384sum "$file" | cut -d ' ' -f 1)', 'hex'), 1);"
  done
}
# With PostgreSQL's own programs, as nobody else may start it while the service is stopped.
data=/var/lib/$name/postgres
bin=$(run sh -c "echo /usr/lib/postgresql/\$(cat $data/PG_VERSION)/bin")
as_user "$bin/pg_ctl" --pgdata=$data --wait --silent --log=/tmp/postgres.log \
  --options="-c unix_socket_directories=/tmp -c listen_addresses=" start
older | as_user env PGPASSWORD="$(run cat /var/lib/$name/password)" \
  psql --host=/tmp --username=recipe_user --dbname=postgres --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --output=/dev/null
as_user "$bin/pg_ctl" --pgdata=$data --wait --silent stop

newer=$work/newer
dpkg-deb --raw-extract "$deb" "$newer"
sed -i 's/^Version: .*/&+newer/' "$newer/DEBIAN/control"
dpkg-deb --root-owner-group -Znone --build "$newer" "$work/newer.deb" >/dev/null
rm -r "$newer"
# A change of the administrator's is kept, and the settings that are set take hold.
run sed -i 's/^# push = .*/push = "1s"/' /etc/$name/$name.toml
installs "$work/newer.deb" </dev/null
active dashboard || die "the dashboard was not restarted"
until_true "ready after the upgrade" ready
settings | grep '^push = "1s"' >/dev/null || die "the settings were replaced"
rows() { as_user sh -c "cd /etc/$name && psql \"\$($name-collector env | sed -n 's/^DATABASE_URL=//p')\" -AtX -c \"$1\""; }
[[ $(rows "SELECT count(*) FROM system_metrics WHERE metric_value = 42.5") = 100 ]] || die "samples are gone"
near curl -sf "${url}api/v1/alerts/history" | grep OlderThanThePackage >/dev/null || die "past alerts are gone"
[[ $(rows "SELECT count(*) FROM _sqlx_migrations WHERE success") = $(find migrations -name '*.sql' | wc -l) ]] ||
  die "the tables are not up to date"
live

step "collector and dashboard apart"
run sed -i 's/^# collector = .*/collector = "separate"/' /etc/$name/$name.toml
run systemctl stop $name-dashboard
run systemctl enable --now --quiet $name-collector
run systemctl start $name-dashboard
until_true "ready with a separate collector" ready
for unit in collector dashboard; do active $unit || die "the $unit does not run"; done
live

step "remove, purge"
run dpkg --remove $name
[[ -n $(run find /var/lib/$name/postgres -name PG_VERSION) ]] || die "removing took the data"
[[ -z $(run ps -o pid= -u $user || true) ]] || die "something of it still runs"
run dpkg --purge $name
left=$(run sh -c "find /run/changes -name '*$name*' ! -type c; getent passwd $user; getent group $user" || true)
[[ -z $left ]] || die "the purge left behind: $left"
say "installed, live, killed, upgraded, split, removed and purged"
