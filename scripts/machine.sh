#!/usr/bin/env bash
# A throw-away machine: this one's files with every change kept in memory, a systemd of its own as process 1, and a
# network with nothing but a loopback. What is installed, started and deleted there is gone with it.
#
#   machine.sh may DIRECTORY          whether one can be made here, and if not, why
#   machine.sh boot DIRECTORY         makes one; says in DIRECTORY/pid who is its process 1
#   machine.sh run DIRECTORY CMD...   runs a command on it
#   machine.sh near DIRECTORY CMD...  runs a command of this machine in its network
#   machine.sh end DIRECTORY          ends it
#
# Needs root, and a kernel that lets it have namespaces.
set -euo pipefail

usage() { sed -n 's/^#   //p' "$0" >&2 && exit 2; }
(($# >= 2)) || usage
verb=$1 directory=$2
shift 2

# Processes of the machine are in a control group of their own, which is how systemd knows its services, and how all of
# them can be ended.
in_cgroup() {
  mount --make-rprivate /
  mkdir -p "$directory/cgroup"
  mount -t cgroup2 cgroup2 "$directory/cgroup"
  "$@"
}

# What boot does that a container may forbid, to root too.
may() {
  local memory=$directory/may
  mkdir -p "$directory/cgroup/recipe-monitoring-test-$$"
  rmdir "$directory/cgroup/recipe-monitoring-test-$$"
  mkdir "$memory"
  mount -t tmpfs tmpfs "$memory"
  mkdir "$memory/"{changes,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$memory/changes,workdir=$memory/work" "$memory/root"
  unshare --mount --pid --fork --cgroup --ipc --uts --net --kill-child \
    sh -c 'mount -t proc proc "$1/proc" && mount -t sysfs -o ro sysfs "$1/sys" && ip link set lo up && unshare --user true' \
    may "$memory/root"
}

boot() {
  local group=$directory/cgroup/recipe-monitoring-test-$$
  mkdir "$group"
  echo $$ >"$group/cgroup.procs"
  echo "${group##*/}" >"$directory/group"
  exec unshare --mount --pid --fork --cgroup --ipc --uts --net --kill-child bash "$0" become "$directory"
}

# As process 1 of the new namespaces.
become() {
  local new=$directory/memory/root device
  mkdir -p "$directory/memory"
  mount -t tmpfs -o size=2g,mode=755 tmpfs "$directory/memory"
  mkdir -p "$directory/memory/"{changes,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/memory/changes,workdir=$directory/memory/work" "$new"
  mount -t proc proc "$new/proc"
  # As in any container: with a /sys that cannot be written to, systemd leaves the devices alone.
  mount -t sysfs -o ro sysfs "$new/sys"
  mount -t cgroup2 cgroup2 "$new/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 tmpfs "$new/run"
  # To look at what was changed, and what is left of it in the end.
  mkdir "$new/run/changes"
  mount --bind "$directory/memory/changes" "$new/run/changes"
  mount -t tmpfs -o mode=1777 tmpfs "$new/tmp"
  mount -t tmpfs -o mode=755 tmpfs "$new/dev"
  for device in null zero full random urandom tty; do
    touch "$new/dev/$device"
    mount --bind "/dev/$device" "$new/dev/$device"
  done
  mkdir "$new/dev/pts" "$new/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$new/dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$new/dev/shm"
  ln -s pts/ptmx "$new/dev/ptmx"
  ln -s /proc/self/fd "$new/dev/fd"
  # The machine of the tests may forbid packages to start anything; here that is what is tested.
  rm -f "$new/usr/sbin/policy-rc.d"
  ip link set lo up
  cd "$new"
  mkdir .old
  pivot_root . .old
  # Nothing that this machine has switched on is started: only what a service of a package needs to be.
  exec env -i container=recipe-monitoring-test PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    sh -c 'umount -l /.old && rmdir /.old && exec /lib/systemd/systemd --system --unit=sysinit.target' \
    >/dev/null 2>&1 </dev/null
}

enter() {
  local pid
  pid=$(<"$directory/pid")
  exec nsenter --target "$pid" --mount --pid --cgroup --ipc --uts --net --root --wdns=/ -- \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive HOME=/root "$@"
}

case $verb in
  boot)
    unshare --mount bash "$0" under "$directory" >"$directory/boot.log" 2>&1 &
    outer=$!
    echo $outer >"$directory/outer"
    for ((tries = 0; tries < 600; tries++)); do
      kill -0 $outer 2>/dev/null || { cat "$directory/boot.log" >&2 && exit 1; }
      if pid=$(pgrep -P $outer -x systemd); then
        echo "$pid" >"$directory/pid"
        if (enter systemctl is-active --quiet sysinit.target) 2>/dev/null; then exit 0; fi
      fi
      sleep 0.1
    done
    echo "systemd did not come up on the throw-away machine" >&2
    exit 1
    ;;
  under) in_cgroup boot ;;
  may) unshare --mount bash "$0" probe "$directory" ;;
  probe) in_cgroup may ;;
  become) become ;;
  run) enter "$@" ;;
  near) exec nsenter --target "$(<"$directory/pid")" --net -- "$@" ;;
  end)
    [[ ! -e $directory/outer ]] || kill -KILL "$(<"$directory/outer")" 2>/dev/null || true
    # What is left of the control group, once its processes are gone.
    [[ ! -e $directory/group ]] || unshare --mount bash "$0" clear "$directory"
    ;;
  clear)
    mount --make-rprivate /
    mkdir -p "$directory/cgroup"
    mount -t cgroup2 cgroup2 "$directory/cgroup"
    group=$directory/cgroup/$(<"$directory/group")
    for ((tries = 0; tries < 100; tries++)); do
      [[ -d $group ]] || exit 0
      find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
    done
    ;;
  *) usage ;;
esac
