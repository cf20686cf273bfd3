//! `logs` and `why`: what was said and decided, read from files on a thread of its own, and what is said from now on.

use std::time::Duration;

use abi::{Generation, Wall};
use protocol::operator::{Event, JournalPage, JournalRequest, LogPage, LogsRequest, Story};
use store::{Case, Grep, JournalReader, LogQuery, Order, Query, Said, read_logs};

use super::connection::Caller;
use super::reply::{self, Done, Refusal};
use super::requests::module_id;
use crate::talk::{Follower, LogFilter, Wants, line_of, row_of_entry};

/// 200 lines: a screen or three, when nobody says how many.
const LINES_DEFAULT: u32 = 200;

/// 50 records: a story that can be read.
const RECORDS_DEFAULT: u32 = 50;

/// 10,000 records at the most, as one page of the journal.
const RECORDS_MAX: u32 = 10_000;

/// 500 ms: what the writing threads get to catch up, so that what was just said is in the answer.
const CATCH_UP_WITHIN: Duration = Duration::from_millis(500);

/// 2 ms between two looks whether they have.
const CATCH_UP_EVERY: Duration = Duration::from_millis(2);

/// Answers with a page and, where wanted, goes on with events. Events are kept back until the page is there, and those
/// that it holds are left out, so that no line is missing and none comes twice.
pub(super) async fn handle(caller: &Caller, request: LogsRequest) {
    let filter = match filter(&request) {
        Ok(filter) => filter,
        Err(refusal) => return caller.outlet.response(&reply::response(Err(refusal))),
    };
    if request.follow {
        caller.outlet.hold();
        let follower = Follower { outlet: caller.outlet.clone(), wants: Wants::Logs(filter.clone()) };
        caller.shell.borrow_mut().talk.followers.push(follower);
        caller.follows.set(true);
    }
    let page = page(caller, &request, filter).await;
    let known = page.as_ref().map(|page| page.lines.clone()).unwrap_or_default();
    let done = page.and_then(|page| reply::data(&page));
    if !request.follow {
        return caller.outlet.response(&reply::response(done));
    }
    let is_known = |event: &Event| matches!(event, Event::Log(line) if known.contains(line));
    caller.outlet.release(&reply::response(done), is_known);
}

fn filter(request: &LogsRequest) -> Result<LogFilter, Refusal> {
    Ok(LogFilter {
        modules: request.modules.iter().map(|id| module_id(id)).collect::<Result<_, _>>()?,
        grep: request.grep.clone(),
        generation: request.generation.map(Generation),
    })
}

async fn page(caller: &Caller, request: &LogsRequest, filter: LogFilter) -> Result<LogPage, Refusal> {
    catch_up(caller).await;
    let folder = {
        let shell = caller.shell.borrow();
        if let Some(unknown) = filter.modules.iter().find(|id| {
            shell.kernel.find(id.as_str()).is_none() && !shell.files.home.logs().join(id.as_str()).is_dir()
        }) {
            return Err(Refusal::no_module(unknown.as_str()));
        }
        shell.files.home.logs()
    };
    let query = LogQuery {
        modules: filter.modules,
        lines: usize::try_from(request.lines.unwrap_or(LINES_DEFAULT)).unwrap_or(usize::MAX),
        since: request.since_ms.map(Wall),
        grep: filter.grep.as_deref().map(|text| Grep::new(text, Case::Any)),
        generation: filter.generation,
    };
    let reading = tokio::task::spawn_blocking(move || read_logs(&folder, &query));
    let read =
        reading.await.map_err(|_| Refusal::new("host::logs::read", "the thread that reads has died"))?;
    let read = read.map_err(|error| Refusal::of(&error))?;
    let mut page = LogPage { lines: Vec::new(), lost: 0 };
    for entry in &read.entries {
        match &entry.said {
            Said::Line(line) => page.lines.push(line_of(entry, line)),
            Said::Lost(count) => page.lost += count,
        }
    }
    Ok(page)
}

/// Waits until what was handed to the log's thread before is written, as far as that is soon.
async fn catch_up(caller: &Caller) {
    let wanted = caller.shell.borrow().talk.logs.counts().accepted;
    let written = async {
        while caller.shell.borrow().talk.logs.counts().settled < wanted {
            tokio::time::sleep(CATCH_UP_EVERY).await;
        }
    };
    // A disk that takes longer gives what it has.
    let _late = tokio::time::timeout(CATCH_UP_WITHIN, written).await;
}

async fn catch_up_journal(caller: &Caller) {
    let wanted = caller.shell.borrow().talk.scribe.counts().accepted;
    let written = async {
        while caller.shell.borrow().talk.scribe.counts().settled < wanted {
            tokio::time::sleep(CATCH_UP_EVERY).await;
        }
    };
    let _late = tokio::time::timeout(CATCH_UP_WITHIN, written).await;
}

/// What was decided, newest records first read, oldest first told.
pub(super) async fn journal(caller: &Caller, request: JournalRequest) -> Done {
    let module = request.module.as_deref().map(module_id).transpose()?;
    let limit = request.limit.unwrap_or(RECORDS_DEFAULT).min(RECORDS_MAX);
    let query = Query {
        module,
        codes: request.code.into_iter().collect(),
        before_seq: request.before,
        order: Order::NewestFirst,
        ..Query::last(usize::try_from(limit).unwrap_or(usize::MAX))
    };
    let page = read_journal(caller, query).await?;
    let records = page.entries.iter().rev().map(row_of_entry).collect();
    reply::data(&JournalPage { records, damaged: page.damaged })
}

async fn read_journal(caller: &Caller, query: Query) -> Result<store::Page, Refusal> {
    catch_up_journal(caller).await;
    let path = caller.shell.borrow().files.home.journal();
    let reading = tokio::task::spawn_blocking(move || JournalReader::open(&path)?.read(&query));
    let read =
        reading.await.map_err(|_| Refusal::new("host::journal::read", "the thread that reads has died"))?;
    read.map_err(|error| Refusal::of(&error))
}

/// The story of one module: how it is, what was decided, its last words.
pub(super) async fn why(caller: &Caller, module: &str, limit: Option<u32>) -> Done {
    let id = module_id(module)?;
    let query = Query {
        module: Some(id.clone()),
        order: Order::NewestFirst,
        ..Query::last(
            usize::try_from(limit.unwrap_or(RECORDS_DEFAULT).min(RECORDS_MAX)).unwrap_or(usize::MAX),
        )
    };
    let entries = read_journal(caller, query).await?.entries;
    let shell = caller.shell.borrow();
    let slot = shell.kernel.find(id.as_str());
    if slot.is_none() && entries.is_empty() {
        return Err(Refusal::no_module(module));
    }
    let tail = slot.and_then(|slot| shell.seat(slot)).map(|seat| seat.stderr_tail.lines());
    reply::data(&Story {
        status: slot.and_then(|slot| shell.status_of(slot)),
        records: entries.iter().rev().map(row_of_entry).collect(),
        stderr_tail: tail.unwrap_or_default(),
    })
}
