#!/guest/busybox sh
# The first process of the emulated guest: sets it up as a small system, runs each check of the plan, and switches it off.
# What it says is read line by line by `cargo xtask guest`: "@guest begin NAME", "@guest end NAME CODE", "@guest done".
b=/guest/busybox
export PATH=/usr/local/bin:/usr/bin:/usr/sbin HOME=/root LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

if [ "$1" != moved ] && [ "$GUEST_ROOT" != initial ]; then
    # The initial root can't be pivoted away from, and is not what anybody runs programs on: the same files, mounted once more.
    $b mkdir -p /newroot
    $b mount -o bind / /newroot
    cd /newroot && $b mount -o move . / && exec $b chroot . /guest/begin.sh moved
    echo "@guest failed to move its root"
fi

$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
$b mkdir -p /dev/pts /dev/shm
$b mount -t devpts devpts /dev/pts
$b mount -t tmpfs -o mode=1777 tmpfs /dev/shm
$b mount -t tmpfs -o mode=1777,size=1g tmpfs /tmp
$b mount -t tmpfs -o mode=0755 tmpfs /run
$b mount -t cgroup2 cgroup2 /sys/fs/cgroup
$b ln -s /proc/self/fd /dev/fd
$b hostname guest
$b ip link set lo up
$b mount -o remount,size=90% / 2>/dev/null

while read -r name seconds command; do
    echo "@guest begin $name"
    # By its path, or busybox would take its own.
    /usr/bin/timeout --kill-after=5 "$seconds" /usr/bin/sh -c "$command" </dev/null 2>&1
    echo "@guest end $name $?"
done </guest/plan
echo "@guest done"
$b sync
$b reboot -f
