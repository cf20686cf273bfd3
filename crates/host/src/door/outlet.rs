//! What waits to be written to one operator, bounded.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use protocol::operator::{Event, Response};
use serde::Serialize;
use tokio::sync::Notify;

use crate::limits::{EVENT_BYTES_WAITING_MAX, EVENTS_WAITING_MAX};

#[cfg(test)]
mod tests;

/// One operator's queue.
#[derive(Debug, Default)]
pub(crate) struct Outlet {
    state: RefCell<State>,
    more: Notify,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Rc<[u8]>>,
    bytes: usize,
    /// Events that found no room since the last one that did.
    lost: u64,
    /// Events that wait for a response that has to come before them.
    held: Option<Vec<Held>>,
    closed: bool,
}

#[derive(Debug)]
enum Held {
    Event(Event),
    Line(Rc<[u8]>),
}

impl Outlet {
    /// Queues the answer to a request; there is one at a time, so it always fits.
    pub(crate) fn response(&self, response: &Response) {
        let mut state = self.state.borrow_mut();
        push(&mut state, response);
        drop(state);
        self.more.notify_one();
    }

    /// Queues an event, or counts it as lost.
    pub(crate) fn event(&self, event: &Event) {
        self.take(|| Held::Event(event.clone()), |state| queue(state, event));
    }

    /// The same for an event that is written already, as it is for everybody.
    pub(crate) fn line(&self, line: &Rc<[u8]>) {
        self.take(|| Held::Line(line.clone()), |state| queue_line(state, line.clone()));
    }

    fn take(&self, held: impl FnOnce() -> Held, queue: impl FnOnce(&mut State)) {
        let mut state = self.state.borrow_mut();
        if state.closed {
            return;
        }
        match &mut state.held {
            Some(kept) if kept.len() < EVENTS_WAITING_MAX => return kept.push(held()),
            Some(_) => return state.lost += 1,
            None => queue(&mut state),
        }
        drop(state);
        self.more.notify_one();
    }

    /// Keeps events back until [`Self::release`].
    pub(crate) fn hold(&self) {
        self.state.borrow_mut().held.get_or_insert_default();
    }

    /// Queues a response and, after it, the events that were kept back, but for those that it holds already.
    pub(crate) fn release(&self, response: &Response, is_known: impl Fn(&Event) -> bool) {
        let mut state = self.state.borrow_mut();
        push(&mut state, response);
        for held in state.held.take().unwrap_or_default() {
            match held {
                Held::Event(event) if is_known(&event) => {}
                Held::Event(event) => queue(&mut state, &event),
                Held::Line(line) => queue_line(&mut state, line),
            }
        }
        drop(state);
        self.more.notify_one();
    }

    /// Nothing more is taken; what is queued is still written.
    pub(crate) fn close(&self) {
        self.state.borrow_mut().closed = true;
        self.more.notify_one();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.borrow().closed
    }

    /// The next line to write; nothing when it is closed and empty.
    pub(crate) async fn next(&self) -> Option<Rc<[u8]>> {
        loop {
            {
                let mut state = self.state.borrow_mut();
                if let Some(line) = state.lines.pop_front() {
                    state.bytes -= line.len();
                    return Some(line);
                }
                if state.lost > 0 {
                    let lost = std::mem::take(&mut state.lost);
                    return Some(line_of(&Event::Lost(lost)));
                }
                if state.closed {
                    return None;
                }
            }
            self.more.notified().await;
        }
    }
}

fn queue(state: &mut State, event: &Event) {
    // The end is told to everybody: it comes once.
    if !matches!(event, Event::End(_)) && !has_room(state) {
        state.lost += 1;
        return;
    }
    tell_lost(state);
    push(state, event);
}

fn queue_line(state: &mut State, line: Rc<[u8]>) {
    if !has_room(state) {
        state.lost += 1;
        return;
    }
    tell_lost(state);
    state.bytes += line.len();
    state.lines.push_back(line);
}

fn has_room(state: &State) -> bool {
    state.lines.len() < EVENTS_WAITING_MAX && state.bytes < EVENT_BYTES_WAITING_MAX
}

fn tell_lost(state: &mut State) {
    if state.lost > 0 {
        let lost = std::mem::take(&mut state.lost);
        push(state, &Event::Lost(lost));
    }
}

fn push<T: Serialize>(state: &mut State, value: &T) {
    let line = line_of(value);
    state.bytes += line.len();
    state.lines.push_back(line);
}

fn line_of<T: Serialize>(value: &T) -> Rc<[u8]> {
    // The door's types are always JSON; a line that could not be made would be an empty one, which readers skip.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
