//! What a module can ask for, from any thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::door::{FromModule, LogItem, LogLevel, Opaque};
use serde_json::Value;

use crate::core::Core;
use crate::failure::{CallError, SendError};
use crate::ongoing::{Asked, Inbox, Ongoing};
use crate::trace::Context;
use crate::wire::check_name;

/// A module's way to the kernel and to other modules. Cheap to clone, and usable from any thread.
///
/// A handle that came with a call carries the call's trace and deadline, and hands both on.
#[derive(Clone)]
pub struct Handle {
    pub(crate) core: Arc<Core>,
    pub(crate) context: Context,
}

impl Handle {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, context: Context::default() }
    }

    /// A handle whose calls end after `limit`, or at this handle's own deadline if that comes first.
    #[must_use]
    pub fn with_limit(&self, limit: Duration) -> Self {
        let mut other = self.clone();
        let wanted = Instant::now().checked_add(limit);
        other.context.deadline = match (wanted, self.context.deadline) {
            (Some(wanted), Some(own)) => Some(wanted.min(own)),
            (wanted, own) => wanted.or(own),
        };
        other
    }

    /// A handle whose calls and messages belong to this W3C trace context.
    #[must_use]
    pub fn with_traceparent(&self, traceparent: &str) -> Self {
        let mut other = self.clone();
        other.context.traceparent = Some(traceparent.to_owned());
        other
    }

    /// Sends a message to every other module that listens to the topic. Nobody answers.
    ///
    /// # Errors
    /// `NameTooLong`, `LineTooLong`: the kernel would drop it.
    pub fn publish(&self, topic: &str, payload: Value) -> Result<(), SendError> {
        check_name("topic", topic)?;
        self.core.wire.send(&FromModule::Publish {
            topic: topic.to_owned(),
            payload: Opaque(payload),
            deadline_ms: None,
            traceparent: self.context.next_traceparent(),
        })
    }

    /// Calls a service of another module and waits for the result. A `Null` for `params` is left out.
    ///
    /// # Errors
    /// What the call was answered with, or why no answer came.
    pub fn call(&self, service: &str, method: &str, params: Value) -> Result<Value, CallError> {
        self.start(service, method, params)?.answer()
    }

    /// Calls a service and gives the call while it runs: for its progress, its pieces, or to give it up.
    ///
    /// # Errors
    /// It could not be sent.
    pub fn start(&self, service: &str, method: &str, params: Value) -> Result<Ongoing, SendError> {
        check_name("service", service)?;
        check_name("method", method)?;
        let id = self.core.next_id();
        let frame = FromModule::RpcRequest {
            id: id.clone(),
            service: service.to_owned(),
            method: method.to_owned(),
            params: some_unless_null(params),
            deadline_ms: self.context.deadline_ms(),
            traceparent: self.context.next_traceparent(),
        };
        self.ask(id, &frame, Asked::Service)
    }

    /// Asks the kernel itself: `config.get`, `permissions.request`, `service.discover` and so on.
    ///
    /// # Errors
    /// What the kernel answered, or why no answer came.
    pub fn kernel(&self, method: &str, params: Value) -> Result<Value, CallError> {
        check_name("method", method)?;
        let id = self.core.next_id();
        let frame = FromModule::Call {
            id: id.clone(),
            method: method.to_owned(),
            params: some_unless_null(params),
            deadline_ms: self.context.deadline_ms(),
            traceparent: self.context.next_traceparent(),
        };
        self.ask(id, &frame, Asked::Kernel)?.answer()
    }

    /// The value of a secret that was granted (`permissions.secrets`). Use it and let it go; never log it.
    ///
    /// # Errors
    /// What the kernel answered (`secret_not_found`, `vault_locked`, `vault_unavailable`, a violation), or why no answer
    /// came.
    pub fn secret(&self, name: &str) -> Result<String, CallError> {
        let value = self.kernel("secret.get", serde_json::json!({ "name": name }))?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    fn ask(&self, id: String, frame: &FromModule, asked: Asked) -> Result<Ongoing, SendError> {
        let inbox = Arc::new(Inbox::new(asked));
        // Registered first: the answer may be here before `send` returns.
        self.core.expect_answer(id.clone(), inbox.clone());
        if let Err(problem) = self.core.wire.send(frame) {
            self.core.forget_asked(&id);
            return Err(problem);
        }
        Ok(Ongoing::new(self.core.clone(), id, inbox, self.context.deadline))
    }

    /// This module's own section of the configuration.
    pub fn config(&self) -> Arc<Value> {
        self.core.config()
    }

    /// One value of the configuration, by its dotted key inside the own section.
    pub fn config_at(&self, key: &str) -> Option<Value> {
        let section = self.core.config();
        let value = key.split('.').try_fold(&*section, |value, part| value.get(part))?;
        Some(value.clone())
    }

    /// Writes a log record.
    ///
    /// # Errors
    /// `LineTooLong`.
    pub fn log(&self, level: LogLevel, msg: &str) -> Result<(), SendError> {
        self.log_with(level, msg, Value::Null)
    }

    /// Writes a log record with data; a `Null` is left out.
    ///
    /// # Errors
    /// `LineTooLong`.
    pub fn log_with(&self, level: LogLevel, msg: &str, data: Value) -> Result<(), SendError> {
        let data = some_unless_null(data);
        self.core.wire.send(&FromModule::Log { level, msg: msg.to_owned(), data, topic: None })
    }

    /// Writes one record with parts, shown as a tree.
    ///
    /// # Errors
    /// `LineTooLong`.
    pub fn log_group(&self, level: LogLevel, msg: &str, items: Vec<LogItem>) -> Result<(), SendError> {
        self.core.wire.send(&FromModule::LogGroup { level, msg: msg.to_owned(), data: None, items })
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("context", &self.context).finish_non_exhaustive()
    }
}

/// On the door an absent field and an explicit `null` mean the same to the receiver; the absent one is shorter.
fn some_unless_null(value: Value) -> Option<Opaque> {
    (!value.is_null()).then_some(Opaque(value))
}
