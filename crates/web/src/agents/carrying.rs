//! What follows from one message, carried out: questions go to the operator door, answers to whoever waits for them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use mcp::serve::Act;
use protocol::operator::{OnBehalf, Response};
use serde_json::Value;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::talks::Talk;
use crate::app::App;
use crate::problem::Problem;

/// 64 messages wait for one who reads slowly; then it is waited for.
pub(super) const WAITING_MAX: usize = 64;

/// 64 characters: what the door takes as the name of who asks.
const NAME_CHARS_MAX: usize = 64;

/// 15 s between two signs of life, as on every stream of ours.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// One message and what follows.
pub(super) struct Carrying {
    app: Arc<App>,
    talk: Arc<Talk>,
    /// Whose token or session it came with.
    name: String,
    /// The requests of this message that are not answered.
    open: Vec<Value>,
    sender: Sender<Value>,
}

impl Carrying {
    pub(super) fn new(
        app: Arc<App>,
        talk: Arc<Talk>,
        name: &str,
        open: Vec<Value>,
        sender: Sender<Value>,
    ) -> Self {
        Self { app, talk, name: name.to_owned(), open, sender }
    }

    /// Does what is to be done, one after the other, until nothing follows any more.
    pub(super) async fn carry(mut self, acts: Vec<Act>) {
        let mut acts = VecDeque::from(acts);
        while let Some(act) = acts.pop_front() {
            match act {
                Act::Say(message) => self.say(message).await,
                Act::Ask { ticket, request, by } => {
                    let asked = self.app.door.ask(&request, &self.named(by)).await;
                    let response = asked.unwrap_or_else(|_| unreachable());
                    acts.extend(self.talk.answered(ticket, response));
                }
            }
        }
    }

    /// The journal shows whose token it was beside what the client calls itself.
    fn named(&self, by: OnBehalf) -> OnBehalf {
        let name = format!("{}, {}", self.name, by.name).chars().take(NAME_CHARS_MAX).collect();
        OnBehalf { name, role: by.role }
    }

    async fn say(&mut self, message: Value) {
        if message.get("method").is_some() {
            // A question to the user: its answer comes with another message, and so does what waits for it here.
            for id in &self.open {
                self.talk.wait(id, self.sender.clone());
            }
            return self.send(message).await;
        }
        let id = message.get("id").cloned().unwrap_or(Value::Null);
        if let Some(place) = self.open.iter().position(|open| *open == id) {
            self.open.remove(place);
            let _answered_here = self.talk.waiter(&id);
        } else if let Some(waiter) = self.talk.waiter(&id) {
            // Whoever has hung up waits for no answer.
            let _gone = waiter.send(message).await;
            return;
        }
        self.send(message).await;
    }

    async fn send(&self, message: Value) {
        let _gone = self.sender.send(message).await;
    }
}

fn unreachable() -> Response {
    let problem = Problem::unreachable();
    Response {
        ok: false,
        data: None,
        error: Some(problem.detail),
        code: Some(problem.code),
        help: problem.help,
    }
}

/// Messages as the body of an answer, until all that was asked is answered.
pub(super) struct Answers {
    first: Option<Value>,
    receiver: Receiver<Value>,
    alive: Interval,
}

impl Answers {
    pub(super) fn new(first: Value, receiver: Receiver<Value>) -> Self {
        let mut alive = interval(ALIVE_EVERY);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once, and the first message is as good as it.
        alive.reset();
        Self { first: Some(first), receiver, alive }
    }
}

impl Body for Answers {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // JSON has no line ends of its own, so one `data` line holds all of it.
        let event = |message: &Value| Bytes::from(format!("event: message\ndata: {message}\n\n"));
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(event(&first)))));
        }
        match self.receiver.poll_recv(context) {
            Poll::Ready(Some(message)) => return Poll::Ready(Some(Ok(Frame::data(event(&message))))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {}
        }
        match self.alive.poll_tick(context) {
            Poll::Ready(_) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b": alive\n\n"))))),
            Poll::Pending => Poll::Pending,
        }
    }
}
