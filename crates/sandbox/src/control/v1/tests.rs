//! Where the trees of cgroup v1 are found.

use std::fs;
use std::path::Path;

use super::{locate, remove_earlier};

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

#[test]
fn trees_of_killed_kernels_of_one_home_are_removed_unless_somebody_lives_in_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = |name: &str| folder.path().join(name);
    for name in ["ostoja-home-a-1", "ostoja-home-a-2", "ostoja-home-a-3", "ostoja-home-b-1", "else"] {
        fs::create_dir_all(tree(name).join("module")).expect("made");
    }
    fs::write(tree("ostoja-home-a-2").join("module/cgroup.procs"), "17\n").expect("written");
    remove_earlier(folder.path(), &tree("ostoja-home-a-3"), "home-a-3");
    let left = ["ostoja-home-a-1", "ostoja-home-a-2", "ostoja-home-a-3", "ostoja-home-b-1", "else"];
    let left = left.map(|name| tree(name).exists());
    assert_eq!(left, [false, true, true, true, true]);
}
