#!/usr/bin/env bash
# Makes target/package/recipe-monitoring_<version>_<architecture>.deb and recipe-monitoring-<version>-<machine>.tar.gz of
# what `build.sh --embed` has built: both programs, the dashboard with its page in itself. The same build gives the same
# files.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

name=recipe-monitoring
built=target/release
out=target/package
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
architecture=$(dpkg --print-architecture)
machine=$(uname -m)
maintainer="The Recipe Monitoring authors <maintainers@recipe-monitoring.invalid>"
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.toml)}
export TZ=UTC LC_ALL=C
umask 022

[[ -x $built/$name-collector ]] && $built/$name-dashboard --has-page 2>/dev/null ||
  die "there is no release build with the page in it; run scripts/build.sh --embed first"

rm -rf $out
mkdir -p $out
work=$(mktemp -d "$root/$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# ---- the programs

mkdir "$work/bin"
for program in dashboard collector; do strip -o "$work/bin/$name-$program" "$built/$name-$program"; done

# ---- what is made by the programs

mkdir "$work/completions"
for shell in bash zsh fish; do
  "$work/bin/$name-collector" completions $shell >"$work/completions/$name-collector.$shell"
  "$work/bin/$name-dashboard" --completions $shell >"$work/completions/$name-dashboard.$shell"
done

# All settings, as comments with their defaults; nothing of this machine and its environment is in them.
{
  cat packaging/settings.toml
  (cd "$work" && env -i PATH="$PATH" "bin/$name-collector" settings) | awk '
    /^\[\[|^\[.*\..*\]$/ { print "# " $0; next }
    /^\[.*\]$/ && $0 == "[storage]" { print; print "data_dir = \"/var/lib/recipe-monitoring\""; next }
    /^\[.*\]$/ { print; next }
    /^data_dir = / { next }
    /^$/ { print; next }
    { print "# " $0 }'
} >"$work/$name.toml"

# ---- what comes along, to read and to copy

guides=(docs/manual.md docs/manual.ja.md docs/database_metrics.md docs/metrics_snapshot.md)
examples=(docs/nginx.conf packaging/grafana/* packaging/prometheus/*)

# ---- the tarball

tree=$work/$name-$version
mkdir -p "$tree"
cp -R "$work/bin" "$work/completions" packaging/systemd "$tree"
cp packaging/ecosystem.config.js "$work/$name.toml" LICENSE README.md CHANGELOG.md "$tree"
cp -R --parents "${guides[@]}" "${examples[@]}" "$tree"

# ---- the Debian package

deb=$work/deb
put() { install -D -m "$1" "$2" "$deb/$3"; }
for program in dashboard collector; do
  put 755 "$work/bin/$name-$program" usr/bin/$name-$program
  put 644 packaging/systemd/$name-$program.service lib/systemd/system/$name-$program.service
  put 644 "$work/completions/$name-$program.bash" usr/share/bash-completion/completions/$name-$program
  put 644 "$work/completions/$name-$program.zsh" usr/share/zsh/vendor-completions/_$name-$program
  put 644 "$work/completions/$name-$program.fish" usr/share/fish/vendor_completions.d/$name-$program.fish
done
put 644 "$work/$name.toml" etc/$name/$name.toml
put 644 packaging/ecosystem.config.js usr/share/$name/ecosystem.config.js
put 644 packaging/debian/copyright usr/share/doc/$name/copyright
put 644 README.md usr/share/doc/$name/README.md
gzip -9n "$deb/usr/share/doc/$name/README.md"
for file in "${guides[@]}"; do put 644 "$file" usr/share/doc/$name/"$file"; done
for file in "${examples[@]}"; do put 644 "$file" usr/share/doc/$name/examples/"${file#*/}"; done
gzip -9nc CHANGELOG.md >"$deb/usr/share/doc/$name/NEWS.gz"
printf '%s (%s) stable; urgency=medium\n\n  * See NEWS.gz.\n\n -- %s  %s\n' $name "$version" "$maintainer" \
  "$(date -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9nc >"$deb/usr/share/doc/$name/changelog.gz"

mkdir -p "$work/debian" "$deb/DEBIAN"
printf 'Source: %s\n\nPackage: %s\nArchitecture: any\n' $name $name >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O "bin/$name-dashboard" "bin/$name-collector" | sed 's/^shlibs:Depends=//')
sed -e "s/@version@/$version/; s/@architecture@/$architecture/; s/@maintainer@/$maintainer/; s/@depends@/$depends/" \
  -e "s/@size@/$(du -sk --apparent-size "$deb" | cut -f 1)/" packaging/debian/control.in >"$deb/DEBIAN/control"
install -m 755 packaging/debian/{postinst,prerm,postrm} "$deb/DEBIAN"
install -m 644 packaging/debian/conffiles "$deb/DEBIAN"
(cd "$deb" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)

# ---- both, with the date of the sources

find "$tree" "$deb" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
tar --create --sort=name --owner=0 --group=0 --numeric-owner --directory="$work" "$name-$version" |
  gzip -9n >"$out/$name-$version-$machine.tar.gz"
dpkg-deb --root-owner-group -Zxz --build "$deb" "$out/${name}_${version}_$architecture.deb" >/dev/null
(cd $out && ls -sh ./*.deb ./*.tar.gz)
