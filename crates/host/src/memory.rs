//! Context variables on disk: read at the start, written a moment after they changed, and at the end.
//!
//! The file is whole at every instant; what was set in the last [`GATHERED_FOR`] before a power cut is lost. An end is
//! kept as a moment of the wall clock, so that a variable does not live longer because the kernel was down.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use abi::{ModuleId, Payload, Scope, Wall};
use kernel::{Event, Kept, Word};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::wall_now;
use crate::shell::Shell;

#[cfg(test)]
mod tests;

/// 2 s from a change to its being written: a module that changes its variables all the time costs one file in that time.
const GATHERED_FOR: Duration = Duration::from_secs(2);

/// 64 MiB: the most of a file that is read; four times what the kernel keeps, as texts take more room than bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// For the owner alone.
const MODE: u32 = 0o600;

/// How a trouble with it begins.
const TROUBLE: &str = "context variables can't be kept";

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    variables: Vec<Row>,
}

/// The only form of the file so far.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    scope: String,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    value: Box<RawValue>,
}

/// One variable as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    scope: Scope,
    key: Word,
    value: Payload,
    until: Option<Wall>,
    owner: Option<ModuleId>,
}

/// Gives the kernel what an earlier run left. A file that can't be understood is set aside, never deleted.
pub(crate) fn restore(shell: &mut Shell) {
    let path = shell.files.home.context();
    let entries = match read(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            let aside = path.with_extension("json.damaged");
            // Where even that fails, the next write replaces it, and this is told all the same.
            let _kept = std::fs::rename(&path, &aside);
            return shell.trouble(format!(
                "the context variables of the last run can't be read ({error}) and lie now at `{}`",
                aside.display()
            ));
        }
    };
    let now = wall_now();
    let all = entries.into_iter().filter_map(|entry| {
        Some((
            entry.scope,
            entry.key,
            Kept {
                value: entry.value,
                ttl: match entry.until {
                    // What ended while the kernel was down has ended.
                    Some(until) => {
                        Some(Duration::from_millis(until.0.checked_sub(now.0).filter(|left| *left > 0)?))
                    }
                    None => None,
                },
                owner: entry.owner,
            },
        ))
    });
    shell.feed(Event::ContextRestored(all.collect()));
    shell.context_written = shell.kernel.context().changes();
}

fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let bytes = std::fs::metadata(path)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has {bytes} bytes")));
    }
    parse(&std::fs::read_to_string(path)?)
}

fn parse(text: &str) -> io::Result<Vec<Entry>> {
    let file: File = serde_json::from_str(text)?;
    if file.version != VERSION {
        return Err(io::Error::other(format!("its form is {}, known is {VERSION}", file.version)));
    }
    let bad = || io::Error::other("it holds a name that none can have");
    file.variables
        .into_iter()
        .map(|row| {
            let owner = row.owner.as_deref().map(ModuleId::parse).transpose().map_err(|_| bad())?;
            Ok(Entry {
                scope: Scope::parse(&row.scope).ok_or_else(bad)?,
                key: Word::parse(&row.key).map_err(|_| bad())?,
                value: Payload::new(row.value.get().as_bytes()),
                until: row.expires_at_ms.map(Wall),
                owner,
            })
        })
        .collect()
}

fn text(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let row = |entry: &Entry| {
        let value = String::from_utf8(entry.value.as_bytes().to_vec()).map_err(io::Error::other)?;
        Ok(Row {
            scope: entry.scope.to_string(),
            key: entry.key.to_string(),
            expires_at_ms: entry.until.map(|until| until.0),
            owner: entry.owner.as_ref().map(ToString::to_string),
            value: RawValue::from_string(value)?,
        })
    };
    let variables = entries.iter().map(row).collect::<io::Result<Vec<Row>>>()?;
    Ok(serde_json::to_vec(&File { version: VERSION, variables })?)
}

/// Writes the variables a moment after they changed, for as long as the kernel runs.
pub(crate) async fn write_when_changed(shell: Rc<RefCell<Shell>>) {
    let bells = shell.borrow().bells.clone();
    loop {
        bells.context.notified().await;
        tokio::time::sleep(GATHERED_FOR).await;
        write_now(&shell).await;
    }
}

/// Writes the variables, if they changed since they were written last. What goes wrong is told as a trouble, and tried
/// again with the next change.
pub(crate) async fn write_now(shell: &Rc<RefCell<Shell>>) {
    let (path, entries, changes) = {
        let shell = shell.borrow();
        let changes = shell.kernel.context().changes();
        if changes == shell.context_written {
            return;
        }
        (shell.files.home.context(), shell.entries(), changes)
    };
    let writing = tokio::task::spawn_blocking(move || {
        let bytes = text(&entries).map_err(|error| error.to_string())?;
        store::write_whole(&path, &bytes, MODE).map_err(|error| crate::launch::sentence(&error))
    });
    let result = writing.await.unwrap_or_else(|_| Err("the thread that writes has died".to_owned()));
    let mut shell = shell.borrow_mut();
    shell.context_written = changes;
    shell.no_trouble(TROUBLE);
    if let Err(why) = result {
        shell.trouble(format!("{TROUBLE}: {why}"));
    }
}

/// The file with the variables of a cut that was made then.
pub(crate) fn of_cut(all: &[(Scope, Word, Kept)], at: Wall) -> io::Result<Vec<u8>> {
    let until = |ttl: Duration| Wall(at.0.saturating_add(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)));
    let entry = |(scope, key, kept): &(Scope, Word, Kept)| Entry {
        scope: scope.clone(),
        key: key.clone(),
        value: kept.value.clone(),
        until: kept.ttl.map(until),
        owner: kept.owner.clone(),
    };
    text(&all.iter().map(entry).collect::<Vec<_>>())
}

impl Shell {
    /// All variables; their values are shared, not copied.
    fn entries(&self) -> Vec<Entry> {
        let all = self.kernel.context().variables(self.now());
        all.map(|(scope, key, variable)| Entry {
            scope: scope.clone(),
            key: key.clone(),
            value: variable.value.clone(),
            until: variable.until.map(|until| self.clock.wall_of(until)),
            owner: variable.owner.clone(),
        })
        .collect()
    }
}
