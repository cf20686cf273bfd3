//! What arrives at a handler: a call of a service, or a message on a topic.

use std::sync::Arc;
use std::time::Duration;

use protocol::door::{FromModule, Opaque};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::core::{Serving, Turn};
use crate::failure::Failure;
use crate::handle::Handle;
use crate::limits::CREDIT_WAIT;

/// One call of a service of this module. What the handler returns is the answer.
pub struct Call {
    pub(crate) handle: Handle,
    pub(crate) from: String,
    pub(crate) service: String,
    pub(crate) method: String,
    pub(crate) params: Value,
    pub(crate) serving: Arc<Serving>,
}

impl Call {
    /// The calling module, as the kernel knows it.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The service that was called.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// What is to be done.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// With what, as it came; `Null` when nothing was given.
    pub fn raw_params(&self) -> &Value {
        &self.params
    }

    /// With what, as the type that the method expects.
    ///
    /// # Errors
    /// A failure to hand to the caller with `?`: it says what is wrong with the params.
    pub fn params<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.params).map_err(|problem| Failure::new(format!("bad params: {problem}")))
    }

    /// A handle whose calls belong to the same trace and end at the same deadline.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// How long the caller still waits; `None` when it named no deadline.
    pub fn remaining(&self) -> Option<Duration> {
        self.handle.context.remaining()
    }

    /// Whether nobody waits for the result any more: look at it in long loops.
    pub fn is_cancelled(&self) -> bool {
        self.serving.is_over() || self.remaining().is_some_and(|left| left.is_zero())
    }

    /// Sleeps, and wakes at once when the call is cancelled; whether it is.
    pub fn wait_cancelled(&self, wait: Duration) -> bool {
        let wait = self.remaining().map_or(wait, |left| left.min(wait));
        self.serving.wait_cancelled(wait) || self.is_cancelled()
    }

    /// Tells the caller how far the work is: `fraction` from 0 to 1, `msg` for people.
    ///
    /// # Errors
    /// The message is too long for a line.
    pub fn progress(&self, fraction: Option<f64>, msg: Option<&str>) -> Result<(), Failure> {
        if !self.serving.is_over() {
            let (id, msg) = (self.serving.id.clone(), msg.map(str::to_owned));
            self.handle.core.wire.send(&FromModule::Progress { id, fraction, msg })?;
        }
        Ok(())
    }

    /// Sends one piece of a streamed result; waits while the caller has not taken what was sent before.
    ///
    /// # Errors
    /// Nobody wants the piece any more, nobody reads the stream, or the piece is too long for a line.
    pub fn emit(&self, data: Value) -> Result<(), Failure> {
        // On the reading thread no credit can come in while we wait.
        let wait = if self.handle.core.is_reading_thread() { Duration::ZERO } else { CREDIT_WAIT };
        match self.serving.take_turn(self.remaining().map_or(wait, |left| left.min(wait))) {
            Turn::Send(seq) => {
                let (id, data) = (self.serving.id.clone(), Opaque(data));
                Ok(self.handle.core.wire.send(&FromModule::Chunk { id, seq, data })?)
            }
            Turn::NoCredit => Err(Failure::new("the caller does not read the stream")),
            Turn::Over => Err(Failure::new("cancelled")),
        }
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("from", &self.from)
            .field("service", &self.service)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// One message on a topic that this module listens to.
pub struct Message {
    pub(crate) handle: Handle,
    pub(crate) topic: String,
    pub(crate) payload: Value,
}

impl Message {
    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// What was published, as it came.
    pub fn raw_payload(&self) -> &Value {
        &self.payload
    }

    /// What was published, as the type that the topic carries.
    ///
    /// # Errors
    /// A failure that says what is wrong with the payload.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.payload).map_err(|problem| Failure::new(format!("bad payload: {problem}")))
    }

    /// The way to the kernel.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("topic", &self.topic).finish_non_exhaustive()
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    T::deserialize(value)
}
