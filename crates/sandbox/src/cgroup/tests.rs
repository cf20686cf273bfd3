//! Where the own group is.

use std::fs;
use std::path::PathBuf;

use super::{Tree, Unavailable, locate};

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

#[test]
fn a_group_that_can_hold_no_process_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = folder.path().join("ostoja/one");
    fs::create_dir_all(&tree).expect("made");
    fs::write(tree.join("cgroup.kill"), "").expect("written");
    for kind in ["domain\n", "domain threaded\n"] {
        fs::write(tree.join("cgroup.type"), kind).expect("written");
        assert_eq!(Tree::open_below(folder.path(), "one").expect("it can").dir(), tree);
    }
    for kind in ["domain invalid", "threaded"] {
        fs::write(tree.join("cgroup.type"), format!("{kind}\n")).expect("written");
        // What looks like a group here can't be removed, since it holds files.
        let refused = Tree::open_below(folder.path(), "one").expect_err("nothing can be born there");
        assert!(
            matches!(&refused, Unavailable::NoProcesses { dir, kind: told } if *dir == tree && told == kind)
        );
    }
}
