//! Bounds as they are written to a cgroup v2 hierarchy, here to folders that look like one.

use std::fs;
use std::path::{Path, PathBuf};

use super::v2::V2;
use super::{Caps, Control, GroupUse, Weight, field, quota_us};

/// A folder that looks like a v2 hierarchy with controllers: own group, family, tree, one module.
fn hierarchy(folder: &Path) -> (PathBuf, PathBuf) {
    let tree = folder.join("own/ostoja/one");
    let module = tree.join("sandbox/m");
    fs::create_dir_all(&module).expect("made");
    for dir in [folder.join("own"), folder.join("own/ostoja"), tree.clone(), tree.join("sandbox")] {
        fs::write(dir.join("cgroup.subtree_control"), "").expect("written");
    }
    fs::write(folder.join("own/cgroup.controllers"), "cpuset cpu io memory pids\n").expect("written");
    for file in ["cpu.max", "cpu.weight", "memory.max", "memory.oom.group", "pids.max"] {
        fs::write(module.join(file), "").expect("written");
        fs::write(tree.join("sandbox").join(file), "").expect("written");
    }
    (tree, module)
}

#[test]
fn v2_bounds_are_written_in_the_systems_own_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tree, module) = hierarchy(folder.path());
    let control = V2::open(&tree).expect("controllers are there");
    assert_eq!(control.controllers(), ["cpu", "memory", "pids"]);
    for dir in [tree.clone(), tree.join("sandbox")] {
        assert!(fs::read_to_string(dir.join("cgroup.subtree_control")).expect("read").starts_with('+'));
    }
    let caps = Caps {
        cpu_permille: Some(500),
        memory_bytes: Some(1 << 20),
        processes: None,
        weight: Weight::of(20),
    };
    control.hold(&module, caps).expect("held");
    let read = |name: &str| fs::read_to_string(module.join(name)).expect("read");
    assert_eq!(read("cpu.max"), "10000 20000");
    assert_eq!(
        (read("cpu.weight"), read("memory.max"), read("pids.max")),
        ("20".into(), "1048576".into(), "max".into())
    );
    assert_eq!(read("memory.oom.group"), "1");
}

#[test]
fn v2_bounds_of_a_pool_are_on_the_group_above_its_modules() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tree, module) = hierarchy(folder.path());
    let control = V2::open(&tree).expect("controllers are there");
    let caps = Caps { cpu_permille: Some(1500), processes: Some(99), ..Caps::default() };
    control.hold_pool(&tree.join("sandbox"), caps).expect("held");
    let read = |dir: &Path, name: &str| fs::read_to_string(dir.join(name)).expect("read");
    let pool = tree.join("sandbox");
    let found = ["cpu.max", "cpu.weight", "memory.max", "pids.max"].map(|name| read(&pool, name));
    assert_eq!(found, ["30000 20000", "100", "max", "99"]);
    assert_eq!(read(&pool, "memory.oom.group"), "", "one module is killed as a whole, never all of a pool");
    assert_eq!(read(&module, "pids.max"), "");
}

#[test]
fn a_weight_is_within_what_both_versions_take() {
    let all = [0, 1, 20, 100, 10_000, 99_999].map(Weight::of);
    assert_eq!(all.map(|weight| weight.0), [1, 1, 20, 100, 10_000, 10_000]);
    assert_eq!(all.map(Weight::shares), [10, 10, 204, 1024, 102_400, 102_400]);
}

/// Puts these processes into what looks like our own group, which is not the hierarchy's root.
fn inhabited(folder: &Path, pids: &[u32]) -> (PathBuf, PathBuf) {
    let own = folder.join("own");
    let leaf = own.join("ostoja-kernel");
    fs::create_dir_all(&leaf).expect("made");
    let words: Vec<String> = pids.iter().map(u32::to_string).collect();
    fs::write(own.join("cgroup.type"), "domain\n").expect("written");
    fs::write(own.join("cgroup.procs"), words.join("\n")).expect("written");
    fs::write(leaf.join("cgroup.procs"), "").expect("written");
    (own, leaf)
}

#[test]
fn a_kernel_alone_in_its_group_steps_aside_and_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tree, _) = hierarchy(folder.path());
    let (own, leaf) = inhabited(folder.path(), &[std::process::id()]);
    let control = V2::open(&tree).expect("controllers are there");
    let pid = std::process::id().to_string();
    assert_eq!(fs::read_to_string(leaf.join("cgroup.procs")).expect("read"), pid);
    assert_eq!(control.controllers(), ["cpu", "memory", "pids"]);
    fs::write(own.join("cgroup.procs"), "").expect("written");
    fs::write(own.join("cgroup.subtree_control"), "").expect("written");
    control.close();
    assert_eq!(fs::read_to_string(own.join("cgroup.procs")).expect("read"), pid);
    // A file keeps what the system would have taken: the last word, over longer ones before it.
    assert!(fs::read_to_string(own.join("cgroup.subtree_control")).expect("read").starts_with("-pids"));
}

#[test]
fn with_company_in_the_own_group_nothing_is_handed_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tree, _) = hierarchy(folder.path());
    let (own, leaf) = inhabited(folder.path(), &[1, std::process::id()]);
    assert!(V2::open(&tree).is_none());
    assert_eq!(fs::read_to_string(own.join("cgroup.subtree_control")).expect("read"), "");
    assert_eq!(fs::read_to_string(leaf.join("cgroup.procs")).expect("read"), "");
}

#[test]
fn v2_counts_what_is_a_groups_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tree, module) = hierarchy(folder.path());
    let control = V2::open(&tree).expect("controllers are there");
    fs::write(module.join("memory.stat"), "anon 4096\nfile 999999\nshmem 10\n").expect("written");
    fs::write(module.join("memory.events"), "low 0\noom 2\noom_kill 1\n").expect("written");
    fs::write(module.join("cpu.stat"), "usage_usec 77\nuser_usec 7\n").expect("written");
    fs::write(module.join("pids.current"), "3\n").expect("written");
    fs::write(module.join("pids.events"), "max 12\n").expect("written");
    let expected = GroupUse {
        cpu_us: Some(77),
        memory_bytes: Some(4106),
        processes: Some(3),
        memory_kills: Some(1),
        births_refused: Some(12),
    };
    assert_eq!(control.used(&module), expected);
}

#[test]
fn a_hierarchy_without_controllers_gives_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tree, _) = hierarchy(folder.path());
    fs::write(folder.path().join("own/cgroup.controllers"), "\n").expect("written");
    assert!(V2::open(&tree).is_none());
}

#[test]
fn quotas_are_never_below_what_the_system_takes() {
    assert_eq!([0, 1, 50, 51, 1000, 2500].map(quota_us), [1000, 1000, 1000, 1020, 20_000, 50_000]);
    assert_eq!(field("a 1\nab 2\n", "ab"), Some(2));
    assert_eq!(field("a x\n", "a"), None);
}
