//! Where the own group is.

use std::path::PathBuf;

use super::locate;

#[test]
fn the_own_group_lies_below_the_v2_mount() {
    let mounts = "proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n\
                  cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
    let own = locate(mounts, "1:cpu:/\n0::/user.slice/x.scope\n");
    assert_eq!(own, Some(PathBuf::from("/sys/fs/cgroup/unified/user.slice/x.scope")));
    assert_eq!(locate(mounts, "0::/\n"), Some(PathBuf::from("/sys/fs/cgroup/unified/")));
}

#[test]
fn without_a_v2_mount_or_a_place_in_it_there_is_none() {
    assert_eq!(locate("cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n", "0::/\n"), None);
    assert_eq!(locate("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "1:cpu:/\n"), None);
    assert_eq!(locate("", ""), None);
}

#[test]
fn a_group_outside_the_own_view_is_none() {
    assert_eq!(locate("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "0::/../outside\n"), None);
}
