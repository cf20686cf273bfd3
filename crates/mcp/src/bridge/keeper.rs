//! The thread that looks after a server: is it still there, and has it other tools now?

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use sdk::{Failure, Handle, LogLevel};
use serde_json::json;

use super::peer::{Part, Pending, lock};
use super::session::Session;
use super::topic_of;

/// 10 s of silence, and a server is asked for a sign of life.
const PING_AFTER: Duration = Duration::from_secs(10);

/// 90 s without a word, though asked: what three missed pings of the module door come to at its defaults. A server that
/// computes for a minute in its only thread is not hung.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// EX_SOFTWARE of sysexits(3): a server that hangs is a fault of its own.
const EXIT_HUNG: i32 = 70;

/// What silence asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Wait,
    /// A sign of life.
    Ping,
    /// The end.
    Hung,
}

/// Whether a server that is silent was asked for a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// No, or it gave one.
    NotAsked,
    /// Yes, and it owes one.
    Owed,
}

/// What this much silence asks for. Nobody is given up who was not asked.
pub(super) fn judge(silent_for: Duration, sign: Sign) -> Verdict {
    match sign {
        Sign::Owed if silent_for >= SILENCE_MAX => Verdict::Hung,
        Sign::NotAsked if silent_for >= PING_AFTER => Verdict::Ping,
        Sign::Owed | Sign::NotAsked => Verdict::Wait,
    }
}

/// Looks after it until it ends.
pub(super) fn start(session: &Arc<Session>, handle: &Handle) -> Result<(), Failure> {
    let (session, handle) = (session.clone(), handle.clone());
    thread::Builder::new().name("keeper".to_owned()).spawn(move || keep(&session, &handle))?;
    Ok(())
}

fn keep(session: &Session, handle: &Handle) {
    let mut asked: Option<Pending> = None;
    loop {
        let is_over = lock(&session.news.is_over);
        let is_stale = || session.news.is_stale.load(Ordering::SeqCst);
        let waited =
            session.news.changed.wait_timeout_while(is_over, PING_AFTER, |is_over| !*is_over && !is_stale());
        let is_over = waited.map_or_else(|poisoned| *poisoned.into_inner().0, |(guard, _)| *guard);
        if is_over {
            return;
        }
        if is_stale() {
            tell_change(session, handle);
        }
        let is_answered = |ping: &Pending| matches!(ping.next(Duration::ZERO), Some(Part::Answer(_)));
        asked = asked.filter(|ping| !is_answered(ping));
        let sign = if asked.is_some() { Sign::Owed } else { Sign::NotAsked };
        match judge(session.peer.silent_for(), sign) {
            Verdict::Wait => {}
            Verdict::Ping => asked = session.ping().ok(),
            Verdict::Hung => {
                let _unread = handle.log(LogLevel::Error, "the MCP server does not answer any more");
                std::process::exit(EXIT_HUNG);
            }
        }
    }
}

fn tell_change(session: &Session, handle: &Handle) {
    if let Err(failure) = session.list_tools() {
        let _unread = handle.log(LogLevel::Warn, &format!("its tools can't be listed: {failure}"));
        return;
    }
    let _unheard = handle.publish(&topic_of(&session.module), json!({ "tools": session.tool_names() }));
}
