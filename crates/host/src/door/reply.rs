//! What handling a request comes to: a response now, or a refusal with its stable code.

use abi::Explain;
use kernel::{Answer, Failure, Outcome};
use protocol::operator::Response;
use serde::Serialize;
use serde_json::Value;

use crate::launch::text_of_causes;
use crate::translate::raw_value;

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) error: String,
    pub(super) help: Option<String>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, error: impl Into<String>) -> Self {
        Self { code, error: error.into(), help: None }
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// There is no module of this name.
    pub(super) fn no_module(id: &str) -> Self {
        Self::new("kernel::order::not_found", format!("Module \"{id}\" not found")).help("ostoja ps")
    }

    /// What an error says about itself, with its causes.
    pub(super) fn of(error: &dyn Explain) -> Self {
        Self { code: error.code(), error: text_of_causes(error), help: error.help() }
    }

    /// What the kernel answered instead.
    pub(super) fn of_failure(failure: Failure, why: String) -> Self {
        let code = match failure {
            Failure::NotFound => "kernel::order::not_found",
            Failure::Denied => "kernel::order::denied",
            Failure::Failed => "kernel::order::failed",
            Failure::TimedOut => "kernel::order::timed_out",
            Failure::ShuttingDown => "kernel::order::shutting_down",
            Failure::Refused => "kernel::order::refused",
        };
        Self::new(code, why)
    }
}

/// The outcome of a request: the data of its response, or why not.
pub(super) type Done = Result<Option<Value>, Refusal>;

/// The response that an outcome is.
pub(super) fn response(done: Done) -> Response {
    match done {
        Ok(data) => Response::done(data),
        Err(refusal) => Response::failed(refusal.code, refusal.error, refusal.help),
    }
}

/// Data of a response.
pub(super) fn data<T: Serialize>(value: &T) -> Done {
    match serde_json::to_value(value) {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            Err(Refusal::new("host::door::encode", format!("the answer can't be written: {error}")))
        }
    }
}

/// Whether an order changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ordered {
    Done,
    Already,
}

/// An answer that can only be done, done already, or failed.
pub(super) fn plain_answer(answer: Answer) -> Result<Ordered, Refusal> {
    match answer {
        Answer::Already => Ok(Ordered::Already),
        Answer::Failed(failure, why) => Err(Refusal::of_failure(failure, why)),
        Answer::Done
        | Answer::Swapped(_)
        | Answer::Cut(_)
        | Answer::Called(_)
        | Answer::Published(_)
        | Answer::Settled(_) => Ok(Ordered::Done),
    }
}

/// The answer to a call.
pub(super) fn call_answer(answer: Answer) -> Done {
    match answer {
        Answer::Called(Outcome::Result(result)) => Ok(result.as_ref().map(raw_value)),
        Answer::Called(Outcome::Error(error)) => Err(Refusal::new("kernel::call::error", error)),
        other => plain_answer(other).map(|_| None),
    }
}
