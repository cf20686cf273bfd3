//! The one stream of what happens: what an operator wants of it, the place where it begins, and its numbered lines.
//!
//! Records and log lines are numbered as they come, whoever listens, so that two readers mean the same by a number. The
//! numbering has a name, its epoch: a kernel that starts anew begins another one, a kernel whose binary was replaced goes
//! on with it. An id is both together and means one event for ever.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Event;

#[cfg(test)]
mod tests;

/// 64 bytes: the longest name of an epoch that is read.
const EPOCH_BYTES_MAX: usize = 64;

/// What of the stream is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventsRequest {
    /// Which kinds; records alone when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<EventTopic>,
    /// Records and log lines of these modules only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// Records of these codes only; one that ends in a dot stands for its area.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// Messages on these topics of the bus as well, as with `subscribe`; they have no number and are not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hear: Vec<String>,
    /// Milliseconds between two `usage` events, 100 or more; 2,000 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_ms: Option<u64>,
    /// First what came after the event with this id, as far as it is kept; `oldest`: everything that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// A kind of event that can be wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventTopic {
    /// Decisions.
    Records,
    /// What modules say.
    Logs,
    /// What modules use; without a number, since how things are now is told again anyway.
    Usage,
}

impl EventsRequest {
    /// Whether this kind is wanted.
    pub fn wants(&self, topic: EventTopic) -> bool {
        self.topics.contains(&topic) || self.topics.is_empty() && topic == EventTopic::Records
    }

    /// Whether it asks for what modules say or send, which their owners may not show to everybody.
    pub fn hears_modules(&self) -> bool {
        self.wants(EventTopic::Logs) || !self.hear.is_empty()
    }
}

/// The answer of `events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventsBegun {
    /// The id of the last event so far: whoever resumes with it gets what comes from now on.
    pub id: String,
}

/// The stream can't be whole: something that came after the id it was resumed with is not kept any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventsGone {
    /// The id it was to be resumed with.
    pub since: String,
    /// Why.
    pub reason: GoneReason,
}

/// Why what was missed can't be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoneReason {
    /// More came since than is kept; what is kept follows.
    TooOld,
    /// The id belongs to another numbering, as after a restart of the kernel; what is kept of this one follows.
    OtherEpoch,
}

/// One line of the stream: an event and, if it is numbered, its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventLine {
    /// `EPOCH-NUMBER`; what has none can't be resumed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// The name of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventId {
    /// Of which numbering.
    pub epoch: String,
    /// Its number there, from 1; 0 is before the first.
    pub number: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.number)
    }
}

/// A text that is the name of no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no id of an event: `EPOCH-NUMBER`, as events have it")]
pub struct NoEventId;

impl FromStr for EventId {
    type Err = NoEventId;

    fn from_str(text: &str) -> Result<Self, NoEventId> {
        let (epoch, number) = text.rsplit_once('-').ok_or(NoEventId)?;
        let is_epoch = (1..=EPOCH_BYTES_MAX).contains(&epoch.len())
            && epoch.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| is_epoch && is_number).ok_or(NoEventId)?;
        Ok(Self { epoch: epoch.to_owned(), number })
    }
}
