//! What a command in front says, shown as it comes and whole: it is read from the files that the kernel writes, since a
//! reader of events may be too slow for a command that says much at once.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use abi::ModuleId;
use protocol::operator::{LogsRequest, Request};
use store::{LogCursor, LogQuery, follow_logs, read_logs};

use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::failure::{Failure, Outcome};
use crate::follow;
use crate::render::logs::{Clock, LogPrinter};
use crate::target::Target;

/// 40 ms between two looks: quick enough to seem at once, and one listing of a folder each.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// 10,000 lines at one look: the most that one page holds.
const LINES_MAX: usize = 10_000;

/// Where the logs end before a command is started, so that only what it says is shown.
#[derive(Debug)]
pub(super) struct Beginning {
    logs: PathBuf,
    cursor: LogCursor,
}

impl Beginning {
    /// # Errors
    /// When the logs can't be read.
    pub(super) fn now(target: &Target) -> Outcome<Self> {
        let logs = target.home.logs();
        let cursor = read_logs(&logs, &LogQuery::last(0))?.cursor;
        Ok(Self { logs, cursor })
    }
}

/// A thread that shows what one command says.
#[derive(Debug)]
pub(super) struct Lines {
    thread: JoinHandle<Outcome<()>>,
    /// Dropped to say that nothing more will come.
    open: SyncSender<()>,
}

impl Lines {
    /// Begins to show; when nobody reads it any more, the command is removed.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn show(ctx: &Ctx, target: &Target, id: &str, from: Beginning) -> Outcome<Self> {
        let Ok(module) = ModuleId::parse(id) else {
            return Err(Failure::new(
                "cli::run::name",
                format!("the kernel gave the command the name `{id}`"),
            )
            .into());
        };
        let (open, closed) = sync_channel(0);
        let (ctx, target) = (ctx.clone(), target.clone());
        let spawned = std::thread::Builder::new().name("lines".to_owned()).spawn(move || {
            let shown = show_until(&ctx, module.clone(), from, &closed);
            if shown.is_err()
                && let Some(mut door) = Door::try_open_at(&target, ANSWER_TIMEOUT_DEFAULT)
            {
                // A kernel that is gone has nothing left to be removed.
                let _ = door.ask_raw(&Request::ModuleRemove { module_id: module.as_str().to_owned() });
            }
            shown
        });
        let failed = |error: std::io::Error| {
            Failure::new("cli::run::thread", "can't start a thread").caused_by(error.to_string())
        };
        Ok(Self { thread: spawned.map_err(failed)?, open })
    }

    /// Shows the rest and comes to an end. Asking the kernel for a line makes it write all that it holds.
    ///
    /// # Errors
    /// What showing came to.
    pub(super) fn finish(self, door: &mut Door, id: &str) -> Outcome<()> {
        let modules = vec![id.to_owned()];
        let last = LogsRequest { modules, lines: Some(1), ..LogsRequest::default() };
        // A kernel that is gone has written all that it ever will.
        let _ = door.ask_raw(&Request::Logs(last));
        drop(self.open);
        self.thread.join().unwrap_or(Ok(()))
    }
}

fn show_until(ctx: &Ctx, module: ModuleId, from: Beginning, closed: &Receiver<()>) -> Outcome<()> {
    let mut printer = LogPrinter::new(ctx.theme, ctx.zone.clone(), Clock::Hidden);
    let Beginning { logs, mut cursor } = from;
    let query = LogQuery { modules: vec![module], ..LogQuery::last(LINES_MAX) };
    let mut is_last = false;
    loop {
        let found = follow_logs(&logs, &query, &cursor)?;
        cursor = found.cursor.clone();
        let is_empty = found.entries.is_empty();
        let page = follow::to_page(found);
        if !ctx.is_json() {
            follow::show_page(ctx, &mut printer, &page)?;
        } else {
            follow::page_as_events(ctx, page)?;
        }
        if !is_empty {
            continue;
        }
        if is_last {
            return Ok(());
        }
        // After the end is told there is one more look, which finds nothing more.
        is_last = closed.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Disconnected);
    }
}
