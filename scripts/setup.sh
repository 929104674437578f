#!/usr/bin/env bash
# Installs what is missing to run, check, test or bench: says beforehand what and where, then does it step by step.
#
#   SETUP_DRY_RUN=1     print the plan, install nothing
#   SETUP_WASM=debian   take Rust with its WASM target from Debian's packages, even where rustup could add the target
#
# A thing counts as here when it answers, and a folder of npm's or Python's packages when a stamp written after success is
# in it.
# So the set-up may be interrupted anywhere and repeated.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

leptos=0.3.11
binaryen=132
oldest_postgresql=14
oldest_redis=6
# Not in the data directory, which an ordinary user may want to remove.
tools=${XDG_CACHE_HOME:-$HOME/.cache}/recipe-monitoring/tools
logs=target/setup
rustlib=/usr/lib/rustlib
wasm=wasm32-unknown-unknown

started=$(now)
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1

# ---- what is here

oldest_rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
rust_is_new() {
  local version
  version=$("$1" --version 2>/dev/null) && version=${version#* } && at_least "$oldest_rust" "${version%% *}"
}

# Only a compiled and linked library shows that target, standard library and linker fit together.
compiles_wasm() {
  rust_is_new "$1" &&
    "$1" --target $wasm --crate-type cdylib -o "$logs/works.wasm" - <<<'pub fn works() {}' 2>/dev/null
}

wasm_works() {
  [[ ${SETUP_WASM:-} != debian || $(rustc --print sysroot) = /usr ]] && compiles_wasm rustc
}

has_postgresql() {
  local initdb version
  for initdb in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb)"; do
    version=$("$initdb" --version 2>/dev/null) || continue
    version=${version#*) }
    at_least $oldest_postgresql "${version%% *}" && return
  done
  return 1
}

has_redis() {
  local version
  version=$(redis-server --version 2>/dev/null) && version=${version#*v=} && at_least $oldest_redis "${version%% *}"
}

has_japanese() { [[ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc || -n $(fc-list :lang=ja 2>/dev/null) ]]; }

# A newer wasm-opt of the user's own is welcome; the one of Debian 12 is too old for today's Rust.
has_wasm_opt() {
  local version
  version=$(wasm-opt --version 2>/dev/null) && version=${version#* version } && at_least $binaryen "${version%% *}"
}

# Packages that an interrupted dpkg left behind look installed, as their programs answer already.
half_installed() {
  dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null |
    awk '$2 ~ /^(half|unpacked|triggers)/ { printf " %s ", $1 }' || true
}

has_prometheus() { have prometheus && have promtool; }

# Of Debian's Python, which need not be the first on PATH.
has_aiosmtpd() { /usr/bin/python3 -c 'import aiosmtpd.smtp'; }

locked_version() { awk -v name="name = \"$1\"" '$0 == name { getline; gsub(/[^0-9.]/, ""); print }' Cargo.lock; }

# A folder without package-lock.json has nothing to install.
npm_is_current() { [[ ! -e $1/package-lock.json || $(cat "$1/node_modules/.set-up" 2>/dev/null) = "$(npm_state "$1")" ]]; }
npm_state() { sha256sum <"$1/package-lock.json"; }

# Debian has venv apart from Python itself.
has_venv() { python3 -c 'import ensurepip, venv'; }

venv=end2end/.venv
venv_is_current() { "$venv/bin/python" -c '' 2>/dev/null && [[ $(cat "$venv/.set-up" 2>/dev/null) = "$(venv_state)" ]]; }
venv_state() { sha256sum <end2end/applications/requirements.txt; }

echarts=frontend/echarts
echarts_is_current() {
  [[ ! -e $echarts/package.json ]] || {
    compgen -G 'frontend/assets/echarts-*.js' >/dev/null && compgen -G 'frontend/assets/page-*.js' >/dev/null &&
      [[ $(cat $echarts/node_modules/.built 2>/dev/null) = "$(echarts_state)" ]]
  }
}
echarts_state() { find $echarts -name node_modules -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum; }

# ---- how it is installed

as_root() {
  if [[ $EUID = 0 ]]; then
    "$@"
  else
    sudo -n true 2>/dev/null || die "this needs root, or sudo without a password"
    sudo -n -- "$@"
  fi
}

# Debian would start a Redis on 6379, a PostgreSQL on 5432, a pooler on 6432, an nginx on 80, a Prometheus on 9090, an Alertmanager on
# 9093, an exporter on 9100 and a Netdata on 19999; the program and its tests start their own where they need them. So
# nothing is started now, nor at the next boot, and no cluster is made. Runs as root, alone: see install.
apt_install() {
  local mark='recipe-monitoring set-up' policy=/usr/sbin/policy-rc.d service
  local apt=(apt-get -y -o DPkg::Lock::Timeout=300)
  export DEBIAN_FRONTEND=noninteractive
  [[ -z $(ls /var/lib/dpkg/updates) ]] || dpkg --configure -a || true
  "${apt[@]}" update || echo "the package lists could not be brought up to date; going on with those at hand"
  "${apt[@]}" install --no-install-recommends --download-only "$@"

  trap '' INT TERM HUP # an interrupted dpkg would leave the machine's packages half-installed
  if [[ ! -e $policy ]] || grep -qs "$mark" $policy; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\n# %s\nexit 101\n' "$mark" >$policy && chmod +x $policy
  fi
  if ! dpkg-query -W postgresql-common >/dev/null 2>&1; then
    mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  fi
  "${apt[@]}" install --no-install-recommends "$@"
  for service in redis-server pgbouncer nginx prometheus prometheus-alertmanager prometheus-node-exporter netdata; do
    [[ " $* " != *" $service "* ]] || update-rc.d $service disable || echo "$service may start at the next boot"
  done
}

install() { as_root bash -euc "$(declare -f apt_install); apt_install \"\$@\"" install "$@"; }

rustup_target() { timeout 180 rustup target add $wasm; }

debian_linker() {
  local llvm host
  llvm=$(/usr/bin/rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
  host=$(/usr/bin/rustc -vV | sed -n 's/^host: //p')
  install "lld-$llvm"
  as_root mkdir -p "$rustlib/$host/bin"
  as_root ln -sfn "/usr/lib/llvm-$llvm/bin/lld" "$rustlib/$host/bin/rust-lld"
}

# Debian has no standard library for this target; an empty crate makes cargo build it from Debian's source.
# Like the one of rustup it holds bitcode besides, for release builds with link-time optimisation.
debian_std() {
  local crate=$root/$logs/std new=$rustlib/$wasm.new
  rm -rf "$crate" && mkdir -p "$crate/src" && touch "$crate/src/lib.rs"
  printf '[package]\nname = "empty"\nedition = "2024"\n[workspace]\n' >"$crate/Cargo.toml"
  (cd "$crate" && RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTFLAGS="-C embed-bitcode=yes" \
    /usr/bin/cargo build --release --target $wasm --target-dir target -Z build-std=std,panic_abort)
  rm "$crate/target/$wasm/release/deps/"libempty-*
  as_root rm -rf "$new" $rustlib/$wasm
  as_root mkdir -p "$new/lib"
  as_root cp "$crate/target/$wasm/release/deps/"lib*.rlib "$new/lib/"
  as_root mv "$new" $rustlib/$wasm
  rm -rf "$crate"
}

debian_override() {
  rustup toolchain link debian /usr
  rustup override set debian --path "$root"
}

# cargo_tool NAME VERSION OPT-LEVEL: their own release profiles take over 20 minutes and gain nothing here. As locked by
# the tool's authors (some of that claims to need a newer Rust than it does); else, where a mirror lacks a locked version,
# as resolved for this Rust.
cargo_tool() {
  if cargo binstall -V >/dev/null 2>&1; then
    if timeout 300 cargo binstall --no-confirm --force --disable-strategies compile "$1@$2"; then return; fi
  fi
  local install=(cargo install --force --target-dir "$logs/$1" --version "$2" "$1")
  export CARGO_PROFILE_RELEASE_OPT_LEVEL=$3 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
  "${install[@]}" --locked --ignore-rust-version ||
    CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback "${install[@]}"
  rm -rf "${logs:?}/$1"
}

wasm_opt() {
  npm install --prefix "$tools" --no-audit --no-fund "binaryen@$binaryen"
  mkdir -p "$cargo_bin"
  ln -sfn "$tools/node_modules/.bin/wasm-opt" "$cargo_bin/wasm-opt"
}

npm_packages() {
  npm ci --prefix "$1" --no-audit --no-fund
  mkdir -p "$1/node_modules"
  npm_state "$1" >"$1/node_modules/.set-up"
}

python_packages() {
  python3 -m venv --clear $venv
  $venv/bin/pip install --no-input --disable-pip-version-check -r end2end/applications/requirements.txt
  venv_state >$venv/.set-up
}

echarts_build() {
  npm_is_current $echarts || npm_packages $echarts
  npm run build --prefix $echarts
  echarts_state >$echarts/node_modules/.built
}

# ---- the plan

# need NAME PLACE COMMAND ADVICE
need() { names+=("$1") places+=("$2") commands+=("$3") advices+=("$4"); }

# package NAME [TEST]: a Debian package, unless the test finds another one that will do
package() {
  [[ $half != *" $1 "* ]] && "${@:2}" >/dev/null 2>&1 || packages+=("$1")
}

make_plan() {
  local bindgen online="see that the registry can be reached" clippy half
  half=$(half_installed)
  packages=() names=() places=() commands=() advices=() wasm_missing=no
  bindgen=$(locked_version wasm-bindgen)

  package postgresql has_postgresql
  package redis-server has_redis
  if ((level >= 2)) || [[ $for = package ]]; then
    package dpkg-dev have dpkg-shlibdeps
  fi
  if ((level >= 2)); then
    package chromium have chromium
    package chromium-headless-shell have chromium-headless-shell
    package pgbouncer have pgbouncer
    package faketime have faketime
    package fonts-noto-cjk has_japanese
    package nginx have nginx
    package prometheus has_prometheus
    package prometheus-alertmanager have prometheus-alertmanager
    package python3-aiosmtpd has_aiosmtpd
    package python3-venv has_venv
    package curl have curl
    # For a machine to install the package on, see scripts/machine.sh.
    package adduser have adduser
    package iproute2 have ip
    package procps have pgrep
    package systemd have systemd-analyze
  fi
  if ((level >= 3)); then
    package wrk have wrk
    package prometheus-node-exporter have prometheus-node-exporter
    package netdata have netdata
  fi

  wasm_works || wasm_missing=yes
  if ((level >= 1)) && have rustup && [[ $wasm_from = rustup ]]; then
    for clippy in clippy rustfmt; do
      cargo "${clippy/rustfmt/fmt}" --version >/dev/null 2>&1 ||
        need "$clippy" "rustup, the toolchain in use" "rustup component add $clippy" "$online"
    done
  fi
  [[ $(cargo-leptos --version 2>/dev/null) = "cargo-leptos $leptos" ]] ||
    need "cargo-leptos $leptos" "$cargo_bin, by cargo, 4 to 8 minutes" "cargo_tool cargo-leptos $leptos 0" "$online"
  [[ $(wasm-bindgen --version 2>/dev/null) = "wasm-bindgen $bindgen" ]] ||
    need "wasm-bindgen-cli $bindgen" "$cargo_bin, by cargo, 1 to 4 minutes" "cargo_tool wasm-bindgen-cli $bindgen 1" \
      "$online"
  has_wasm_opt ||
    need "wasm-opt $binaryen" "$tools, by npm; a link to it in $cargo_bin" wasm_opt "$online"
  echarts_is_current ||
    need "ECharts for the page" "$echarts/node_modules, by npm; built into frontend/assets" echarts_build "$online"
  if ((level >= 2)) && ! npm_is_current end2end; then
    need "Playwright, PM2, applications" "end2end/node_modules, by npm" "npm_packages end2end" "$online"
  fi
  if ((level >= 2)) && ! venv_is_current; then
    need "OpenTelemetry for Python" "$venv, by pip" python_packages "see that PyPI can be reached"
  fi
  if ((level >= 3)) && ! npm_is_current bench; then
    need "the peers to measure against" "bench/node_modules, by npm" "npm_packages bench" "$online"
  fi
}

nothing_missing() { ((${#packages[@]} + ${#names[@]} == 0)) && [[ $wasm_missing = no ]]; }

print_plan() {
  local i debian_rust="Debian's Rust into /usr, its standard library for WASM into $rustlib"
  line() { printf '  %-28s %s\n' "$1" "$2"; }
  say "set-up: these are missing and will be installed (output of each step: $logs/)"
  for i in "${packages[@]}"; do
    case $i in
      postgresql) line "$i" "Debian package; no cluster of its own is made, now or by later packages" ;;
      redis-server | pgbouncer | nginx | prometheus | prometheus-alertmanager | prometheus-node-exporter | netdata)
        line "$i" "Debian package; its service is neither started nor enabled"
        ;;
      *) line "$i" "Debian package" ;;
    esac
  done
  case $wasm_missing-$wasm_from in
    yes-rustup) line "Rust's WASM target" "rustup target add; if that cannot be had, $debian_rust" ;;
    yes-debian) line "Rust's WASM target" "$debian_rust" ;;
  esac
  for i in "${!names[@]}"; do line "${names[i]}" "${places[i]}"; done
}

# ---- the steps

declare -A jobs=() starts=()
stop_jobs() {
  local job
  for job in "${jobs[@]}"; do kill -TERM -- "-$job" 2>/dev/null || true; done
}
stop() {
  stop_jobs
  say "" "set-up: interrupted; the same command goes on from here" >&2
  exit 130
}
trap stop INT TERM HUP

log_of() { printf '%s' "$logs/$(tr -cs 'A-Za-z0-9.\n' - <<<"$1").log"; }

# begin NAME COMMAND...: a step is a process group of its own, so that it ends with the set-up.
begin() {
  local name=$1
  shift
  starts[$name]=$(now)
  set -m
  (set -e; "$@") </dev/null >"$(log_of "$name")" 2>&1 &
  jobs[$name]=$!
  set +m
  [[ -t 1 ]] || say "  ..  $name"
}

under_way() { kill -0 "${jobs[$1]}" 2>/dev/null; }

# show_progress TICK NAME...: of the steps under way, in a terminal, once a second
show_progress() {
  local name line=
  [[ -t 1 && $# -gt 1 ]] && (($1 % 5 == 0)) || return 0
  for name in "${@:2}"; do line+="${line:+, }$name … $(since "${starts[$name]}")"; done
  printf '\r  ..  %s \e[K' "$line"
}

# finish NAME: false if it failed
finish() {
  local took word=ok
  wait "${jobs[$1]}" || word=no
  took=$(since "${starts[$1]}")
  unset "jobs[$1]"
  [[ ! -t 1 ]] || printf '\r\e[K'
  say "  $word  $1 … $took"
  [[ $word = ok ]]
}

# attempt NAME COMMAND...: false if it failed
attempt() {
  local tick=0
  begin "$@"
  while under_way "$1"; do
    show_progress $((tick++)) "$1"
    sleep 0.2
  done
  finish "$1"
}

# failed NAME ADVICE
failed() {
  stop_jobs
  tail -n 20 "$(log_of "$1")" | sed 's/^/      /' >&2
  die "'$1' failed; $2, then run the same command again (the whole output: $(log_of "$1"))"
}

# step ADVICE NAME COMMAND...
step() { attempt "${@:2}" || failed "$2" "$1"; }

# What cargo builds, one after the other; beside it all else, which waits for disk and network most of the time.
all_steps() {
  local waiting=("${!names[@]}") row i tick=0 command
  local -A current=()
  while ((${#waiting[@]} + ${#current[@]})); do
    for row in "${!current[@]}"; do
      i=${current[$row]}
      under_way "${names[i]}" && continue
      finish "${names[i]}" || failed "${names[i]}" "${advices[i]}"
      unset "current[$row]"
    done
    for i in "${waiting[@]}"; do
      read -ra command <<<"${commands[i]}"
      if [[ ${command[0]} = cargo_tool ]]; then row=cargo; else row=other; fi
      [[ -z ${current[$row]:-} ]] || continue
      begin "${names[i]}" "${command[@]}"
      current[$row]=$i
      unset "waiting[i]"
    done
    show_progress $((tick++)) "${!jobs[@]}"
    sleep 0.2
  done
}

# In a terminal sudo may ask for the password once, before the first step.
root_rights() {
  [[ $EUID = 0 ]] || sudo -n true 2>/dev/null || { [[ -t 0 ]] && have sudo && sudo -v; }
}

# Before anything is touched: may the packages be installed at all?
allow() {
  have apt-get || die "there is no apt-get here: install these yourself, then run the same command again: $*"
  root_rights || die "these packages are missing and only root may install them; an administrator can run:" \
    "apt-get update && apt-get install -y --no-install-recommends $*"
}

debian_rust=(rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web)

install_wasm() {
  local rustups="Rust's WASM target, by rustup"
  local aptly="see that 'apt-get update' works and the security suite is among its sources"
  if [[ $wasm_from = rustup ]]; then
    attempt "$rustups" rustup_target || true
    if wasm_works; then return; fi
    say "      rustup could not bring it, so it comes from Debian (rustup's words: $(log_of "$rustups"))"
  fi
  if ! compiles_wasm /usr/bin/rustc; then
    allow "${debian_rust[@]}"
    step "$aptly" "Debian's Rust" install "${debian_rust[@]}"
    step "$aptly" "its linker for WASM" debian_linker
    step "see that cargo reaches its registry" "its standard library for WASM" debian_std
  fi
  ! have rustup || step "see what rustup says" "Debian's Rust for this checkout" debian_override
  hash -r
  wasm_works ||
    die "the WASM target does not work with $(command -v rustc): see what 'rustc -vV' and \$RUSTUP_TOOLCHAIN say"
}

main() {
  local missing
  for=${1:-}
  case $for in
    run | package) level=0 ;;
    check) level=1 ;;
    test) level=2 ;;
    bench) level=3 ;;
    *) die "say what to set up for: run, package, check, test or bench" ;;
  esac
  have cargo || die "there is no cargo: install Rust from https://rustup.rs, then run the same command again"
  if ! have node || ! have npm; then
    die "Node.js or npm is missing: install both (Debian: apt-get install nodejs npm), then run the same command again"
  fi
  have cc ||
    die "there is no C compiler: install one (Debian: apt-get install gcc libc6-dev), then run the same command again"
  [[ -e Cargo.lock ]] || die "there is no Cargo.lock: is this a whole checkout?"

  wasm_from=rustup
  if [[ ${SETUP_WASM:-} = debian ]] || ! have rustup; then wasm_from=debian; fi
  [[ $wasm_from = debian ]] || rust_is_new rustc ||
    die "Rust $oldest_rust or later is needed: run 'rustup update', or have Debian's by SETUP_WASM=debian"

  mkdir -p $logs
  exec {lock}>"$logs/lock"
  flock -n "$lock" || { say "set-up: waiting for another one that is under way in this checkout" && flock "$lock"; }

  make_plan
  if nothing_missing; then
    say "set-up: everything is here ($(since "$started"))"
    return
  fi
  print_plan
  [[ -z ${SETUP_DRY_RUN:-} ]] || return 0

  ((${#packages[@]} == 0)) || allow "${packages[@]}"
  # Alone, for it may need packages of its own.
  [[ $wasm_missing = no ]] || install_wasm
  if ((${#packages[@]})); then
    names=("Debian packages" "${names[@]}")
    commands=("install ${packages[*]}" "${commands[@]}")
    advices=("see that 'apt-get update' works" "${advices[@]}")
  fi
  all_steps

  hash -r
  make_plan
  missing=("${packages[@]}" "${names[@]}")
  nothing_missing || die "installed, and yet not in use: ${missing[*]}; does PATH name another one first?"
  say "set-up: done ($(since "$started"))"
  [[ $path_had_cargo_bin = yes ]] || say "add $cargo_bin to PATH for a plain 'cargo leptos serve'"
}

main "$@"
