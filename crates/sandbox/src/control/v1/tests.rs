//! Where the trees of cgroup v1 are found.

use std::path::Path;

use super::locate;

const MOUNTS: &str = "\
tmpfs /sys/fs/cgroup tmpfs ro 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0";

#[test]
fn a_controllers_tree_is_found_by_its_name_among_several() {
    let groups = "5:cpu,cpuacct:/a\n4:memory:/\n3:pids:/../x\n0::/b";
    assert_eq!(locate(MOUNTS, groups, "cpu").as_deref(), Some(Path::new("/sys/fs/cgroup/cpu,cpuacct/a")));
    assert_eq!(locate(MOUNTS, groups, "memory").as_deref(), Some(Path::new("/sys/fs/cgroup/memory/")));
    assert_eq!(locate(MOUNTS, groups, "pids"), None, "above the root of our view");
    assert_eq!(locate(MOUNTS, groups, "freezer"), None);
    assert_eq!(locate(MOUNTS, "", "cpu"), None);
}
