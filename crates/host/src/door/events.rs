//! `events`: one stream of several kinds, filtered here, begun now or where an earlier one broke off.
//!
//! A connection follows one stream; another `events` on it takes the place of the earlier one, without a gap when it is
//! resumed with the last id that was seen.

use std::rc::Rc;

use abi::RequestId;
use protocol::operator::{Event, EventTopic, EventsBegun, EventsRequest};

use super::connection::Caller;
use super::reply::{self, Refusal};
use super::requests::{hear, module_id};
use super::usage_requests;
use crate::clock::wall_now;
use crate::stream::{Resumed, Wanted};
use crate::talk::{Follower, Wants};

/// 2,000 ms between two `usage` events when nobody says how many.
const INTERVAL_DEFAULT_MS: u64 = 2_000;

/// A stream that somebody follows.
#[derive(Debug)]
pub(super) struct Following {
    /// Whoever measures for this stream looks whether it is still there.
    token: Rc<()>,
    heard: Option<RequestId>,
}

/// Answers with the place at which it begins, then with what was missed, then with what comes.
pub(super) async fn handle(caller: &Caller, request: &EventsRequest) {
    let wanted = match wanted(caller, request) {
        Ok(wanted) => wanted,
        Err(refusal) => return caller.outlet.response(&reply::response(Err(refusal))),
    };
    // Messages come as soon as the kernel has heard of it, but not before the answer.
    caller.outlet.hold();
    let heard = match &request.hear {
        topics if topics.is_empty() => Ok(None),
        topics => hear(caller, topics).await.map(Some),
    };
    match heard {
        Ok(heard) => begin(caller, request, wanted, heard),
        Err(refusal) => caller.outlet.release(&reply::response(Err(refusal)), |_| false),
    }
}

/// What is wanted, if it can be: every name is one, the interval is one, and what is resumed with is an id.
fn wanted(caller: &Caller, request: &EventsRequest) -> Result<Wanted, Refusal> {
    let modules = request.modules.iter().map(|id| module_id(id)).collect::<Result<_, _>>()?;
    usage_requests::check(request.interval_ms.unwrap_or(INTERVAL_DEFAULT_MS))?;
    let wanted = Wanted::of(request, modules);
    if let Some(since) = &request.since
        && caller.shell.borrow().talk.stream.after(since, &wanted).is_none()
    {
        let why = "since is no id of an event: `EPOCH-NUMBER`, as events have it, or `oldest`";
        return Err(Refusal::new("host::door::bad_request", why));
    }
    Ok(wanted)
}

/// All in one turn, so that nothing comes in between.
fn begin(caller: &Caller, request: &EventsRequest, wanted: Wanted, heard: Option<RequestId>) {
    end_earlier(caller);
    let token = Rc::new(());
    let is_wanted = {
        let token = Rc::downgrade(&token);
        move || token.strong_count() > 0
    };
    *caller.stream.borrow_mut() = Some(Following { token, heard });
    caller.follows.set(true);
    let mut shell = caller.shell.borrow_mut();
    let talk = &mut shell.talk;
    let begun = EventsBegun { id: talk.stream.last() };
    let resumed = request.since.as_ref().and_then(|since| talk.stream.after(since, &wanted));
    if wanted.hears_lines() {
        talk.stream.keep_lines(wall_now());
    }
    talk.followers.push(Follower { outlet: caller.outlet.clone(), wants: Wants::Events(wanted) });
    drop(shell);
    caller.outlet.release(&reply::response(reply::data(&begun)), |_| false);
    tell_missed(caller, resumed);
    if request.wants(EventTopic::Usage) {
        let interval_ms = request.interval_ms.unwrap_or(INTERVAL_DEFAULT_MS);
        usage_requests::watch(caller, interval_ms, is_wanted);
    }
}

fn tell_missed(caller: &Caller, resumed: Option<Resumed>) {
    let Some(resumed) = resumed else { return };
    if let Some(gone) = resumed.gone {
        caller.outlet.event(&Event::Gone(gone));
    }
    for told in resumed.missed {
        caller.outlet.line(&told.line);
    }
}

/// The connection's earlier stream ends.
fn end_earlier(caller: &Caller) {
    let Some(earlier) = caller.stream.borrow_mut().take() else { return };
    drop(earlier.token);
    let mut shell = caller.shell.borrow_mut();
    shell.talk.followers.retain(|follower| {
        !(Rc::ptr_eq(&follower.outlet, &caller.outlet) && matches!(follower.wants, Wants::Events(_)))
    });
    if let Some(heard) = earlier.heard {
        caller.heard.borrow_mut().retain(|request| *request != heard);
        shell.depart(heard);
    }
}
