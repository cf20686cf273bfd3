//! What can be seen of a process that we start ourselves.

use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::{cpu_ms, is_alive, memory_mib, signal, tree_without, wait_gone};

#[test]
fn a_child_is_seen_until_it_is_killed() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let own = std::process::id();
    assert!(is_alive(child.id()));
    assert!(tree_without(own, "/nowhere".as_ref()).contains(&child.id()));
    let (rss, pss) = memory_mib(&[own]);
    assert!(rss > 0.1 && pss > 0.1 && pss <= rss, "{rss} {pss}");
    assert!(cpu_ms(&[own]) > 0.0);
    signal(child.id(), Signal::KILL);
    // A zombie is no life: it is gone before anybody reaps it.
    assert_eq!(wait_gone(&[child.id()], Duration::from_secs(20)), 0);
    child.wait().unwrap();
}

#[test]
fn a_program_can_be_left_out_of_a_tree() {
    let exe = std::env::current_exe().unwrap();
    assert!(tree_without(std::process::id(), &exe).is_empty());
}
