//! What happened in a world: all effects, to compare two runs of one seed; and the last lines, to read after a failure.

use std::collections::{BTreeMap, VecDeque};

use abi::{Generation, ModuleId, Time};
use kernel::{Answer, Effect, Ensemble, Event, Failure, Outcome, Outgoing};

use crate::observer::Cause;
use crate::script::Names;

/// 40 lines are shown of a world that failed: more is not read, less is often not enough.
const SHOWN: usize = 40;

/// 160 characters of an event are shown, so that a whole discovery does not push out everything else.
const EVENT_CHARS_MAX: usize = 160;

#[derive(Debug, Clone)]
enum Entry {
    Told(Event),
    Timer,
    Wanted(Effect),
}

#[derive(Debug, Default)]
pub(crate) struct Trace {
    recent: VecDeque<(Time, Entry)>,
    digest: Digest,
    names: Names,
    lives: BTreeMap<Generation, ModuleId>,
    seen: BTreeMap<&'static str, u64>,
}

impl Trace {
    pub(crate) fn cause(&mut self, now: Time, cause: &Cause) {
        let entry = match cause {
            Cause::Happened(event) => Entry::Told(event.clone()),
            Cause::TimeCame => Entry::Timer,
        };
        self.keep(now, entry);
    }

    pub(crate) fn learn(&mut self, kernel: &Ensemble) {
        self.names.learn(kernel);
    }

    pub(crate) fn effect(&mut self, now: Time, effect: &Effect) {
        *self.seen.entry(kind(effect)).or_default() += 1;
        if let Effect::Record(record) = effect
            && record.code == "module.starting"
            && let (Some(generation), Some(id)) = (record.generation, record.module.clone())
        {
            self.lives.insert(generation, id);
        }
        self.digest.number(now.0);
        self.digest.text(&self.names.line(effect));
        self.keep(now, Entry::Wanted(effect.clone()));
    }

    fn keep(&mut self, now: Time, entry: Entry) {
        if self.recent.len() >= SHOWN {
            self.recent.pop_front();
        }
        self.recent.push_back((now, entry));
    }

    /// Whose life this is.
    pub(crate) fn life(&self, generation: Generation) -> Option<&ModuleId> {
        self.lives.get(&generation)
    }

    /// A number that two runs share only when every effect of theirs was the same, byte for byte.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.0
    }

    /// How often each kind of effect was wanted.
    pub(crate) fn into_seen(self) -> BTreeMap<&'static str, u64> {
        self.seen
    }

    /// The last lines.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        let recent = core::mem::take(&mut self.recent);
        recent.into_iter().map(|(at, entry)| self.line(at, &entry)).collect()
    }

    fn line(&mut self, at: Time, entry: &Entry) -> String {
        match entry {
            Entry::Told(event) => {
                let text: String = format!("{event:?}").chars().take(EVENT_CHARS_MAX).collect();
                format!("{at} > {text}")
            }
            Entry::Timer => format!("{at} > time"),
            Entry::Wanted(effect) => format!("{at}   {}", self.names.line(effect)),
        }
    }
}

/// A record's own code, or a word for what is not a record.
fn kind(effect: &Effect) -> &'static str {
    match effect {
        Effect::Record(record) => record.code,
        Effect::Send(_, _, Outgoing::Call { .. }) => "send rpc_request",
        Effect::Send(_, _, Outgoing::Answer { outcome: Outcome::Result(_), .. }) => {
            "send rpc_response result"
        }
        Effect::Send(_, _, Outgoing::Answer { outcome: Outcome::Error(error), .. }) => refusal(error),
        Effect::Send(_, _, Outgoing::Chunk { .. }) => "send chunk",
        Effect::Send(_, _, Outgoing::Progress { .. }) => "send progress",
        Effect::Send(_, _, Outgoing::Cancel { .. }) => "send cancel",
        Effect::Send(_, _, Outgoing::Credit { .. }) => "send credit",
        Effect::Send(_, _, Outgoing::Deliver { .. }) => "send deliver",
        Effect::Send(..) => "send other",
        Effect::Reply(_, answer) => match answer {
            Answer::Done => "reply done",
            Answer::Already => "reply already",
            Answer::Failed(Failure::NotFound, _) => "reply not found",
            Answer::Failed(Failure::Denied, _) => "reply denied",
            Answer::Failed(Failure::Failed, _) => "reply failed",
            Answer::Failed(Failure::TimedOut, _) => "reply timed out",
            Answer::Failed(Failure::ShuttingDown, _) => "reply shutting down",
            Answer::Failed(Failure::Refused, _) => "reply refused",
            Answer::Called(_) => "reply called",
            Answer::Swapped(_) => "reply swapped",
            Answer::Published(_) => "reply published",
            Answer::Settled(_) => "reply settled",
            Answer::Cut(_) => "reply cut",
        },
        Effect::Spawn(..) => "spawn",
        Effect::Signal(..) => "signal",
        Effect::Watch(..) => "watch",
        Effect::Perform(..) => "perform",
        Effect::SaveGrants(..) => "save",
        Effect::KeepState(..) => "keep-state",
        Effect::Recall(..) => "recall",
        Effect::Settle(..) => "settle",
        Effect::Warn(..) => "warn",
        Effect::Show(..) => "show",
        Effect::Grip(..) => "grip",
        Effect::Promoted(..) => "promoted",
        Effect::Reach(..) => "reach",
        Effect::Note(..) => "note",
        Effect::Forgotten(..) => "forgotten",
        Effect::Finished => "finished",
    }
}

fn refusal(error: &str) -> &'static str {
    let known = [
        ("Module not ready", "send rpc_response Module not ready"),
        ("forbidden", "send rpc_response forbidden"),
        ("service_not_found", "send rpc_response service_not_found"),
        ("module_not_ready", "send rpc_response module_not_ready"),
        ("timeout", "send rpc_response timeout"),
        ("cancelled", "send rpc_response cancelled"),
        ("overloaded", "send rpc_response overloaded"),
    ];
    let died = error.ends_with("stopped while processing RPC");
    let other = if died { "send rpc_response target stopped" } else { "send rpc_response error" };
    known.into_iter().find(|(word, _)| *word == error).map_or(other, |(_, kind)| kind)
}

/// FNV-1a (Fowler, Noll, Vo), 64 bits: enough to tell two traces apart, not to keep anybody from making two alike.
#[derive(Debug)]
struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    fn text(&mut self, text: &str) {
        for byte in text.as_bytes() {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn number(&mut self, number: u64) {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
