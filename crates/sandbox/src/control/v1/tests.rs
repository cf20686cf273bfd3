//! Where the trees of cgroup v1 are found.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::{Caps, Control, Weight};
use super::{V1, locate, remove_earlier};

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
    let all = [
        "ostoja-home-a-1",
        "ostoja-home-a-31.sandbox",
        "ostoja-home-a-2.stable",
        "ostoja-home-a-3.sandbox",
        "ostoja-home-b-1.sandbox",
        "else",
    ];
    for name in all {
        fs::create_dir_all(tree(name).join("module")).expect("made");
    }
    fs::write(tree("ostoja-home-a-2.stable").join("module/cgroup.procs"), "17\n").expect("written");
    remove_earlier(folder.path(), "home-a-3");
    assert_eq!(all.map(|name| tree(name).exists()), [false, false, true, true, true, true]);
}

/// What looks like three trees of v1, with a pool and a module in each.
fn trees(folder: &Path) -> (V1, [PathBuf; 2]) {
    let point = folder.display();
    let mounts = ["cpu,cpuacct", "memory", "pids"]
        .map(|name| format!("cgroup {point}/{name} cgroup rw,{name} 0 0\n"))
        .concat();
    let groups = "5:cpu,cpuacct:/a\n4:memory:/\n3:pids:/\n";
    for own in ["cpu,cpuacct/a", "memory", "pids"] {
        fs::create_dir_all(folder.join(own)).expect("made");
    }
    let control = V1::open(&mounts, groups, "one-1").expect("it can be written");
    let pool = folder.join("cpu,cpuacct/a/ostoja-one-1.sandbox");
    (control, [pool.clone(), pool.join("m")])
}

/// The system makes a group's files with it; here they have to be there before.
fn with_files(groups: &[PathBuf; 2], folder: &Path) {
    for cpu in groups {
        let rest = cpu.strip_prefix(folder.join("cpu,cpuacct/a")).expect("it lies there");
        for (dir, files) in [
            (cpu.clone(), &["cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.shares"][..]),
            (folder.join("memory").join(rest), &["memory.limit_in_bytes"][..]),
            (folder.join("pids").join(rest), &["pids.max"][..]),
        ] {
            fs::create_dir_all(&dir).expect("made");
            files.iter().for_each(|file| fs::write(dir.join(file), "").expect("written"));
        }
    }
}

#[test]
fn a_modules_quota_is_never_above_its_pools() {
    let folder = tempfile::tempdir().expect("a folder");
    let (control, groups) = trees(folder.path());
    with_files(&groups, folder.path());
    let v2 = Path::new("/v2/ostoja/one-1/sandbox");
    let quota = |group: &Path| fs::read_to_string(group.join("cpu.cfs_quota_us")).expect("read");
    let caps = |cpu| Caps { cpu_permille: Some(cpu), weight: Weight::of(20), ..Caps::default() };
    let clear = || fs::write(groups[1].join("cpu.cfs_quota_us"), "").expect("written");
    control.hold(&v2.join("m"), caps(800)).expect("held");
    assert_eq!(quota(&groups[1]), "16000");
    control.hold_pool(v2, caps(900)).expect("held");
    assert_eq!([quota(&groups[0]), quota(&groups[1])], ["18000", "16000"], "it is below");
    fs::write(groups[1].join("cpu.cfs_quota_us"), "18000").expect("written");
    control.hold_pool(v2, caps(900)).expect("held");
    // A file keeps the end of a longer word that stood there; the system would not.
    assert_eq!(quota(&groups[1]), "-1000", "as much as its pool has it gets without a quota of its own");
    clear();
    control.hold(&v2.join("m"), caps(950)).expect("held");
    assert_eq!(quota(&groups[1]), "-1");
    clear();
    control.hold(&v2.join("m"), caps(100)).expect("held");
    assert_eq!(quota(&groups[1]), "2000");
    let shares = fs::read_to_string(groups[0].join("cpu.shares")).expect("read");
    assert_eq!(shares, "204");
}

#[test]
fn a_pool_has_no_group_before_one_of_its_modules_needs_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (control, groups) = trees(folder.path());
    control.hold_pool(Path::new("/v2/ostoja/one-1/sandbox"), Caps::default()).expect("it is remembered");
    assert!(!groups[0].exists());
    control.close();
}
