//! The restarts of the last day on disk, so that a new kernel allows no more of them than the earlier one would have.
//!
//! `state/restarts.json` is written whenever a look found a restart, and at the end. Moments are those of the wall clock; one
//! that lies ahead, because the clock was set back, counts as now.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use abi::{ModuleId, Time, Wall};
use kernel::Ledger;
use serde::{Deserialize, Serialize};

use crate::clock::wall_now;
use crate::shell::Shell;

/// 16 MiB: the most of a file that is read; a thousand restarts of a thousand modules.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// For the owner alone.
const MODE: u32 = 0o600;

/// How a trouble with it begins.
const TROUBLE: &str = "restarts can't be remembered";

/// The only form of the file so far.
const FORM: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    form: u32,
    /// By module, milliseconds since the epoch.
    restarts: BTreeMap<String, Vec<u64>>,
}

/// Takes over what an earlier kernel noted. Without it, the day begins anew.
pub(super) fn read(shell: &mut Shell) {
    let path = shell.files.home.restarts();
    let now = shell.clock.now();
    match ledger(&path, (wall_now(), now)) {
        Ok(ledger) => shell.planner.ledger = ledger,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => shell.trouble(format!("the restarts of the last day can't be read: {error}")),
    }
}

pub(super) fn ledger(path: &Path, (wall, now): (Wall, Time)) -> io::Result<Ledger> {
    let bytes = std::fs::metadata(path)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has {bytes} bytes")));
    }
    let file: File = serde_json::from_slice(&std::fs::read(path)?)?;
    if file.form != FORM {
        return Err(io::Error::other(format!("its form is {}, known is {FORM}", file.form)));
    }
    let mut ledger = Ledger::default();
    for (module, times) in file.restarts {
        let Ok(module) = ModuleId::parse(&module) else { continue };
        let ago = times.into_iter().map(|at_ms| Duration::from_millis(wall.0.saturating_sub(at_ms)));
        ledger.remember(now, &module, ago);
    }
    Ok(ledger)
}

pub(super) fn text(ledger: &Ledger, (wall, now): (Wall, Time)) -> Vec<u8> {
    let at_ms = |ago: Duration| wall.0.saturating_sub(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX));
    let of = |(module, ages): (ModuleId, Vec<Duration>)| {
        (module.to_string(), ages.into_iter().map(at_ms).collect())
    };
    let file = File { form: FORM, restarts: ledger.ages(now).into_iter().map(of).collect() };
    serde_json::to_vec(&file).expect("texts and numbers are always JSON")
}

/// Writes what was noted since it was written last. What goes wrong is told as a trouble, and tried again with the next look.
pub(crate) async fn write_now(shell: &Rc<RefCell<Shell>>) {
    let (path, bytes) = {
        let mut shell = shell.borrow_mut();
        let (now, views) = (shell.clock.now(), shell.kernel.views());
        shell.planner.see_lives(now, &views);
        if !std::mem::take(&mut shell.planner.is_unwritten) {
            return;
        }
        (shell.files.home.restarts(), text(&shell.planner.ledger, (wall_now(), now)))
    };
    let writing = tokio::task::spawn_blocking(move || {
        store::write_whole(&path, &bytes, MODE).map_err(|error| crate::launch::sentence(&error))
    });
    let result = writing.await.unwrap_or_else(|_| Err("the thread that writes has died".to_owned()));
    let mut shell = shell.borrow_mut();
    shell.no_trouble(TROUBLE);
    if let Err(why) = result {
        shell.planner.is_unwritten = true;
        shell.trouble(format!("{TROUBLE}: {why}"));
    }
}
