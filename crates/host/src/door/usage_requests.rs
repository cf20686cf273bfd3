//! `usage`: once, or again and again for as long as somebody watches. Nothing is sampled when nobody does.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use protocol::operator::{Event, UsageRow, UsageTable};
use serde_json::json;
use tokio::task::spawn_local;
use tokio::time::{Instant, MissedTickBehavior};

use super::connection::Caller;
use super::reply::{self, Done, Refusal};
use super::rows::{held, limits, state_word};
use crate::clock::wall_now;
use crate::shell::Shell;
use crate::usage::{self, Used};

/// 100 ms: more often a hundred modules' files would take a notable part of a processor.
const INTERVAL_MIN_MS: u64 = 100;

/// What each row was at the last sample: processor time and frames.
type Last = BTreeMap<String, (u64, u64)>;

pub(super) fn once(caller: &Caller) -> Done {
    reply::data(&table(&caller.shell.borrow(), &Last::new(), None))
}

/// Answers, then sends a table at each interval until the operator is gone.
pub(super) fn follow(caller: &Caller, interval_ms: u64) {
    if let Err(refusal) = check(interval_ms) {
        return caller.outlet.response(&reply::response(Err(refusal)));
    }
    caller.outlet.response(&reply::response(Ok(Some(json!({})))));
    caller.follows.set(true);
    // For as long as the connection is there.
    watch(caller, interval_ms, || true);
}

/// Whether this is an interval.
pub(super) fn check(interval_ms: u64) -> Result<(), Refusal> {
    if interval_ms >= INTERVAL_MIN_MS {
        return Ok(());
    }
    let why = format!("intervalMs is {interval_ms}; at least {INTERVAL_MIN_MS} is needed");
    Err(Refusal::new("host::door::bad_request", why))
}

/// Sends a table at each interval until the operator is gone, or it is not wanted any more.
pub(super) fn watch(caller: &Caller, interval_ms: u64, is_wanted: impl Fn() -> bool + 'static) {
    let (shell, outlet) = (Rc::downgrade(&caller.shell), caller.outlet.clone());
    spawn_local(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(interval_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut last, mut sampled) = (Last::new(), None);
        while !outlet.is_closed() {
            ticks.tick().await;
            if !is_wanted() {
                return;
            }
            let Some(shell) = shell.upgrade() else { return };
            let now = Instant::now();
            let table = sample(&shell, &last, sampled.map(|at| now - at));
            sampled = Some(now);
            last = remember(&table);
            outlet.event(&Event::Usage(table));
        }
    });
}

fn sample(shell: &Rc<RefCell<Shell>>, last: &Last, passed: Option<Duration>) -> UsageTable {
    table(&shell.borrow(), last, passed)
}

fn remember(table: &UsageTable) -> Last {
    let rows = table.modules.iter().chain([&table.kernel]);
    rows.map(|row| (row.id.clone(), (row.cpu_ms, row.frames))).collect()
}

fn table(shell: &Shell, last: &Last, passed: Option<Duration>) -> UsageTable {
    let row = |id: String, status: &str, pid: Option<u32>, used: Used, frames: u64| {
        let before = last.get(&id);
        let seconds = passed.map(|passed| passed.as_secs_f64()).filter(|seconds| *seconds > 0.0);
        let rate = |now: u64, before: u64, seconds: f64| number(now.saturating_sub(before)) / seconds;
        UsageRow {
            cpu_percent: before.zip(seconds).map(|((cpu_ms, _), s)| rate(used.cpu_ms, *cpu_ms, s) / 10.0),
            frames_per_s: before.zip(seconds).map(|((_, old), s)| rate(frames, *old, s)),
            id,
            status: status.to_owned(),
            pid,
            cpu_ms: used.cpu_ms,
            rss_bytes: used.rss_bytes,
            frames,
            zone: String::new(),
            limits: BTreeMap::new(),
            held: None,
        }
    };
    let modules = shell.kernel.views().into_iter().filter_map(|view| {
        let seat = shell.seat(view.slot)?;
        let (pid, used) = match (&seat.life, &seat.guest) {
            (Some(life), _) => (Some(life.pid), usage::of_process(life.pid, seat.cgroup.as_deref())),
            (None, Some(guest)) => (None, guest.used()),
            (None, None) => return None,
        };
        let used = used.unwrap_or_default();
        let frames = seat.tally.frames_in + seat.tally.frames_out;
        let row = row(view.id.to_string(), state_word(&view), pid, used, frames);
        Some(UsageRow { zone: view.zone.to_string(), limits: limits(&view), held: held(&view), ..row })
    });
    let own_pid = Some(std::process::id());
    UsageTable {
        ts_ms: wall_now().0,
        modules: modules.collect(),
        pools: shell.pool_rows(),
        kernel: row("kernel".to_owned(), "ready", own_pid, usage::of_self(), shell.frames),
    }
}

#[expect(clippy::cast_precision_loss, reason = "differences of one interval are far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
