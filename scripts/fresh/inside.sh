#!/bin/sh
# inside.sh ROOT FOLDER COMMAND [FROM TO]...: run by fresh/inside.mjs as the first process of new mount and process namespaces.
# Mounts what a running machine has, and FROM read-only at TO, then runs COMMAND in ROOT. The environment is the command's.
set -eu
root=$1 folder=$2 command=$3
shift 3
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
# Devices of their own: nothing of the machine's but these.
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
for name in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do
  ln -s "/proc/self/${name#*:}" "$root/dev/${name%%:*}"
done
while [ $# -gt 0 ]; do
  mkdir -p "$root/$2"
  mount --bind "$1" "$root/$2"
  mount -o remount,bind,ro "$root/$2"
  shift 2
done
# The root of these namespaces, not only of a process: as on a machine, mounts can be told whom they reach, and users have
# namespaces of their own. What was the root before goes.
cd "$root"
pivot_root . .
umount -l .
# The shell stays: as the first process it must reap what the command leaves behind.
exec chroot . /bin/sh -c "cd '$folder' && { $command
}
exit \$?"
