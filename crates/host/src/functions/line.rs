//! How a function asks the kernel from a worker's thread, and how its question becomes its caller's.

use std::sync::mpsc as threads;
use std::time::Duration;

use abi::{ModuleId, Payload};
use kernel::{Answer, CallContext, Event, Incoming, Order, Outcome, Outgoing, Word};
use store::{Level, LogLine, Source};
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use wasm::functions::{Ask, Caller, KernelCalls, OnBehalf};

use super::ask_id;
use crate::clock::wall_now;
use crate::shell::{Handle, Shell};

/// Where the answer to a question goes.
pub(super) type Reply = threads::SyncSender<Result<String, String>>;

/// A function's question.
#[derive(Debug)]
pub(super) struct Asking {
    caller: Caller,
    function: ModuleId,
    question: Question,
    reply: Reply,
}

#[derive(Debug)]
enum Question {
    Log(String),
    Call { service: Word, method: Word, params: Payload, timeout_ms: u64 },
    Publish { topic: Word, payload: Payload },
}

/// The way to the kernel's thread. At most as many questions are open as functions run, since each waits for its answer.
pub(super) struct Line {
    asks: mpsc::UnboundedSender<Asking>,
}

impl Line {
    pub(super) fn new(asks: mpsc::UnboundedSender<Asking>) -> Self {
        Self { asks }
    }
}

impl KernelCalls for Line {
    fn wall_ms(&self) -> u64 {
        wall_now().0
    }

    fn ask(&self, who: &OnBehalf, ask: Ask<'_>, left: Duration) -> Result<String, String> {
        let question = question_of(ask, left)?;
        let (reply, answer) = threads::sync_channel(1);
        let asking =
            Asking { caller: who.caller().clone(), function: who.function().clone(), question, reply };
        let ended = |_| "the kernel ends".to_owned();
        self.asks.send(asking).map_err(|_| "the kernel ends".to_owned())?;
        match answer.recv_timeout(left) {
            Ok(answer) => answer,
            Err(threads::RecvTimeoutError::Timeout) => Err("timeout".to_owned()),
            Err(gone @ threads::RecvTimeoutError::Disconnected) => Err(ended(gone)),
        }
    }
}

fn question_of(ask: Ask<'_>, left: Duration) -> Result<Question, String> {
    let name = |text: &str| Word::parse(text).map_err(|error| format!("the name {error}"));
    let json = |text: &str| match crate::guests::json_of(text.as_bytes().to_vec()) {
        Ok(payload) => Ok(payload.unwrap_or_else(|| Payload::new(b"null"))),
        Err(why) => Err(format!("what it sends is not JSON: {why}")),
    };
    Ok(match ask {
        Ask::Log(text) => Question::Log(text.to_owned()),
        Ask::Call { service, method, params } => Question::Call {
            service: name(service)?,
            method: name(method)?,
            params: json(params)?,
            timeout_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1),
        },
        Ask::Publish { topic, payload } => Question::Publish { topic: name(topic)?, payload: json(payload)? },
    })
}

/// Takes questions until the kernel ends.
pub(super) async fn hear_functions(shell: Handle, mut asks: mpsc::UnboundedReceiver<Asking>) {
    while let Some(asking) = asks.recv().await {
        let Some(shell) = shell.upgrade() else { return };
        let mut shell = shell.borrow_mut();
        shell.hear_function(asking);
        shell.end_turn();
    }
}

impl Shell {
    fn hear_function(&mut self, asking: Asking) {
        let Asking { caller, function, question, reply } = asking;
        match (caller, question) {
            (Caller::Operator, Question::Log(text)) => {
                let line = LogLine::new(Level::Info, Source::Log, text);
                let _admitted = self.talk.say(&function, abi::Generation(0), line);
                tell(&reply, Ok(String::new()));
            }
            (Caller::Module { id, .. }, Question::Log(text)) => {
                if let Some((slot, generation)) = self.life_of(&id) {
                    let line = LogLine::new(Level::Info, Source::Log, format!("{function}: {text}"));
                    self.say(slot, generation, line);
                }
                tell(&reply, Ok(String::new()));
            }
            (Caller::Operator, question) => self.order_for_function(question, reply),
            (Caller::Module { id, .. }, question) => self.ask_as_module(&id, question, reply),
        }
    }

    fn life_of(&self, id: &ModuleId) -> Option<(abi::Slot, abi::Generation)> {
        let slot = self.kernel.find(id.as_str())?;
        Some((slot, self.kernel.view(slot)?.generation?))
    }

    fn order_for_function(&mut self, question: Question, reply: Reply) {
        let order = match question {
            Question::Call { service, method, params, timeout_ms } => {
                Order::Call { service, method, params: Some(params), timeout_ms: Some(timeout_ms) }
            }
            Question::Publish { topic, payload } => Order::Publish { topic, payload },
            Question::Log(_) => return,
        };
        let (request, answer) = self.desk.expect();
        self.feed(Event::Ordered(request, order));
        spawn_local(async move {
            let answered = answer.await.map_err(|_| "the kernel ends".to_owned());
            tell(&reply, answered.and_then(answer_text));
        });
    }

    /// Its proxy decides, as about everything else that this module says.
    fn ask_as_module(&mut self, id: &ModuleId, question: Question, reply: Reply) {
        let Some((slot, generation)) = self.life_of(id) else {
            return tell(&reply, Err("Module not ready".to_owned()));
        };
        let said = match question {
            Question::Call { service, method, params, timeout_ms } => {
                self.functions.last_ask += 1;
                let id = ask_id(self.functions.last_ask, self.functions.nonce);
                self.functions.asked.insert((slot, generation, id.as_str().to_owned()), reply);
                let context = CallContext { deadline_ms: Some(timeout_ms), traceparent: None };
                Incoming::Call { id, service, method, params: Some(params), context }
            }
            Question::Publish { topic, payload } => {
                tell(&reply, Ok(String::new()));
                Incoming::Publish { topic, payload, context: CallContext::default() }
            }
            Question::Log(_) => return,
        };
        self.feed(Event::Said(slot, generation, said));
    }

    /// Takes an answer that a function waits for, and gives back every other frame.
    pub(crate) fn take_for_function(
        &mut self,
        slot: abi::Slot,
        generation: abi::Generation,
        frame: Outgoing,
    ) -> Option<Outgoing> {
        if self.functions.asked.is_empty() {
            return Some(frame);
        }
        match frame {
            Outgoing::Answer { id, outcome } => {
                let key = (slot, generation, id.as_str().to_owned());
                match self.functions.asked.remove(&key) {
                    Some(reply) => {
                        tell(&reply, text_of(outcome));
                        None
                    }
                    None => Some(Outgoing::Answer { id, outcome }),
                }
            }
            frame => Some(frame),
        }
    }

    /// Nothing of a life that is over is answered any more.
    pub(crate) fn forget_asks(&mut self, slot: abi::Slot, generation: abi::Generation) {
        self.functions.asked.retain(|(of, life, _), _| (*of, *life) != (slot, generation));
    }
}

fn answer_text(answer: Answer) -> Result<String, String> {
    match answer {
        Answer::Called(outcome) => text_of(outcome),
        Answer::Failed(_, why) => Err(why),
        Answer::Published(_)
        | Answer::Swapped(_)
        | Answer::Cut(_)
        | Answer::Done
        | Answer::Already
        | Answer::Settled(_) => Ok(String::new()),
    }
}

fn text_of(outcome: Outcome) -> Result<String, String> {
    match outcome {
        Outcome::Result(None) => Ok("null".to_owned()),
        Outcome::Result(Some(result)) => Ok(String::from_utf8_lossy(result.as_bytes()).into_owned()),
        Outcome::Error(error) => Err(error),
    }
}

/// A function that has run out of time listens no more.
fn tell(reply: &Reply, answer: Result<String, String>) {
    let _late = reply.try_send(answer);
}
