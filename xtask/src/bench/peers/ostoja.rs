//! Ostoja itself, through its CLI.

use std::fmt::Write as _;
use std::process::Child;

use anyhow::{Context as _, Result, ensure};

use super::super::home::Home;
use super::super::roll::Pids;
use super::{Arena, Children, Peer};

/// Ostoja with containment on and its restarts raised.
pub(super) fn peer() -> Peer {
    Peer {
        name: "ostoja",
        settings: "`protocol: none`, full containment on; `maxRestarts: 1000`, `restartBaseMs: 1`, \
            `maxRestartBackoffMs: 100` for the rounds of killing all (the first restart after a healthy minute is \
            immediate by default)",
        version: || Some(format!("of this tree ({})", super::super::process::today())),
        prepare: |arena| home(arena).map(drop),
        start: |arena| Ok(home(arena)?.up()),
        supervisor,
        stop: |arena, _| home(arena)?.run(&["down"]).map(drop),
        children: Children::Stop,
        pids: Some(pids),
    }
}

/// The home that belongs to an arena; writing its files again changes nothing.
pub(crate) fn home(arena: &Arena) -> Result<Home> {
    let mut yaml = String::from(
        "name: bench\nlifecycle: {maxRestarts: 1000, restartBaseMs: 1, maxRestartBackoffMs: 100}\nmodules:\n",
    );
    for number in 0..arena.count {
        let (tick, roll) = (arena.tick(), arena.roll());
        let _ = writeln!(yaml, "  t{number}:\n    run: [\"{tick}\", \"{roll}\", \"{number}\"]");
        let _ = writeln!(yaml, "    permissions: {{read: [\"{roll}\"], write: [\"{roll}\"]}}");
    }
    Home::create(&arena.binary, &arena.folder, &yaml)
}

fn supervisor(arena: &Arena, child: &mut Child) -> Result<u32> {
    let status = child.wait()?;
    let said = std::fs::read_to_string(arena.folder.join("output")).unwrap_or_default();
    ensure!(status.success(), "`ostoja up -d` ended with {status}: {}", crate::shell::tail(&said, 20));
    home(arena)?.pid()
}

/// Its children live in namespaces of their own, so it is asked.
fn pids(arena: &Arena) -> Result<Pids> {
    let mut pids = Pids::new();
    for row in home(arena)?.rows()? {
        let number = row["id"].as_str().and_then(|id| id.strip_prefix('t')).and_then(|id| id.parse().ok());
        let pid = row["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        if let Some(pid) = pid {
            pids.insert(number.context("a module that is not of the bench")?, pid);
        }
    }
    Ok(pids)
}
