//! Ostoja itself, through its CLI.

use std::fmt::Write as _;
use std::process::Child;

use anyhow::{Context as _, Result, ensure};

use super::super::home::Home;
use super::super::roll::Pids;
use super::{Arena, Children, OURS, Peer};

/// What is the same in both rows.
macro_rules! settings {
    ($commands:literal) => {
        concat!(
            "`protocol: none`; ",
            $commands,
            "; `maxRestarts: 1000`, `restartBaseMs: 1`, `maxRestartBackoffMs: 100` for the rounds of killing all (the \
             first restart after a healthy minute is immediate by default)"
        )
    };
}

/// Commands as the peers have them: whoever comes from one writes `run` and nothing else.
pub(super) fn plain() -> Peer {
    Peer {
        name: OURS[0],
        settings: settings!("commands without `permissions`, held by bounds and a system call filter"),
        version,
        prepare: |arena| open(arena).map(drop),
        start: |arena| Ok(open(arena)?.up()),
        supervisor: |arena, child| supervisor(&open(arena)?, arena, child),
        stop: |arena, _| open(arena)?.run(&["down"]).map(drop),
        children: Children::Stop,
        pids: Some(|arena| pids(&open(arena)?)),
    }
}

/// Commands with permissions, which are held to them by every layer that this machine has.
pub(super) fn contained() -> Peer {
    Peer {
        name: OURS[1],
        settings: settings!("commands with `permissions`, full containment on"),
        version,
        prepare: |arena| confined(arena).map(drop),
        start: |arena| Ok(confined(arena)?.up()),
        supervisor: |arena, child| supervisor(&confined(arena)?, arena, child),
        stop: |arena, _| confined(arena)?.run(&["down"]).map(drop),
        children: Children::Stop,
        pids: Some(|arena| pids(&confined(arena)?)),
    }
}

fn version() -> Option<String> {
    Some(format!("of this tree ({})", super::super::process::today()))
}

fn open(arena: &Arena) -> Result<Home> {
    home(arena, "")
}

fn confined(arena: &Arena) -> Result<Home> {
    let roll = arena.roll();
    home(arena, &format!("    permissions: {{read: [\"{roll}\"], write: [\"{roll}\"]}}\n"))
}

/// The home that belongs to an arena; writing its files again changes nothing.
fn home(arena: &Arena, permissions: &str) -> Result<Home> {
    let mut yaml = String::from(
        "name: bench\nlifecycle: {maxRestarts: 1000, restartBaseMs: 1, maxRestartBackoffMs: 100}\nmodules:\n",
    );
    for number in 0..arena.count {
        let (tick, roll) = (arena.tick(), arena.roll());
        let _ = writeln!(yaml, "  t{number}:\n    run: [\"{tick}\", \"{roll}\", \"{number}\"]");
        yaml.push_str(permissions);
    }
    Home::create(&arena.binary, &arena.folder, &yaml)
}

fn supervisor(home: &Home, arena: &Arena, child: &mut Child) -> Result<u32> {
    let status = child.wait()?;
    let said = std::fs::read_to_string(arena.folder.join("output")).unwrap_or_default();
    ensure!(status.success(), "`ostoja up -d` ended with {status}: {}", crate::shell::tail(&said, 20));
    home.pid()
}

/// Its children may live in namespaces of their own, so it is asked.
fn pids(home: &Home) -> Result<Pids> {
    let mut pids = Pids::new();
    for row in home.rows()? {
        let number = row["id"].as_str().and_then(|id| id.strip_prefix('t')).and_then(|id| id.parse().ok());
        let pid = row["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        if let Some(pid) = pid {
            pids.insert(number.context("a module that is not of the bench")?, pid);
        }
    }
    Ok(pids)
}
