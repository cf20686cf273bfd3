//! The family of daemontools: a folder per service, a process per folder, a process that scans. The `run` of each
//! folder is a link to the command itself, which is the best case: no shell is started in between.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::Signal;

use super::super::process;
use super::{Arena, Children, Peer, debian_version, itself};
use crate::shell;

pub(super) fn s6() -> Peer {
    Peer {
        name: "s6",
        settings: "`run` is the command itself; default: at least 1 s between two starts of a service",
        version: || debian_version("s6"),
        prepare: services,
        start: |arena| Ok(scan("s6-svscan", arena)),
        supervisor: itself,
        stop: |arena, _| {
            shell::read(Command::new("s6-svscanctl").arg("-t").arg(arena.folder.join("services"))).map(drop)
        },
        children: Children::Stop,
        pids: None,
    }
}

pub(super) fn runit() -> Peer {
    Peer {
        name: "runit",
        settings: "`run` is the command itself; default: a service that ran for less than 1 s waits 1 s",
        version: || debian_version("runit"),
        prepare: services,
        start: |arena| Ok(scan("runsvdir", arena)),
        supervisor: itself,
        // SIGHUP is how runsvdir is told to end its services too; SIGTERM leaves them running.
        stop: |_, pid| {
            process::signal(pid, Signal::HUP);
            Ok(())
        },
        children: Children::Stop,
        pids: None,
    }
}

pub(super) fn daemontools() -> Peer {
    Peer {
        name: "daemontools",
        settings: "`run` is the command itself; default: at least 1 s between two starts of a service",
        version: || debian_version("daemontools"),
        prepare: services,
        start: |arena| Ok(scan("svscan", arena)),
        supervisor: itself,
        stop: stop_daemontools,
        children: Children::Stop,
        pids: None,
    }
}

/// A folder per service, named by its number.
fn services(arena: &Arena) -> Result<()> {
    for number in 0..arena.count {
        let folder = arena.folder.join("services").join(number.to_string());
        std::fs::create_dir_all(&folder)?;
        std::os::unix::fs::symlink(&arena.tick, folder.join("run")).context("linking `run`")?;
    }
    Ok(())
}

fn scan(program: &str, arena: &Arena) -> Command {
    let mut command = Command::new(program);
    command.arg(arena.folder.join("services"));
    command
}

/// The scanner first, since it would start the services again.
fn stop_daemontools(arena: &Arena, pid: u32) -> Result<()> {
    process::signal(pid, Signal::TERM);
    process::wait_gone(&[pid], Duration::from_secs(5));
    let folders = (0..arena.count).map(|number| arena.folder.join("services").join(number.to_string()));
    shell::read(Command::new("svc").arg("-dx").args(folders)).map(drop)
}
