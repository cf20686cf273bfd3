//! One error type for everything that a command can end with: a stable code, one line, a help line, an exit code.
//!
//! Library errors come in through [`Failure::from`] (anything that can [`Explain`] itself) and refusals of the kernel
//! through [`Failure::of_response`]. How it is shown is decided once, in [`crate::report`].

use std::io;
use std::path::Path;

use abi::Explain;
use host::HostError;
use protocol::files::FileErrors;
use protocol::operator::Response;

use crate::exit::Exit;

/// Why a command did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable, `area::thing::what`.
    pub code: String,
    /// What happened and to whom, as one line.
    pub message: String,
    /// The causes below it, the nearest first.
    pub causes: Vec<String>,
    /// What to type or do next.
    pub help: Option<String>,
    /// Further lines that belong to it, such as a module's last stderr lines.
    pub details: Vec<String>,
    /// How the program ends.
    pub exit: Exit,
}

impl Failure {
    /// A failure with its exit taken from its code.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let code = code.into();
        let exit = Exit::of_code(&code);
        Self { code, message: message.into(), causes: Vec::new(), help: None, details: Vec::new(), exit }
    }

    /// An argument that makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new("cli::usage::bad_argument", message) }
    }

    /// A file operation that failed; `doing` is a verb such as `read`.
    pub fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            io::ErrorKind::PermissionDenied => Exit::Denied,
            _ => Exit::Failed,
        };
        Self::new(format!("cli::file::{doing}"), format!("can't {doing} `{}`", path.display()))
            .caused_by(error.to_string())
            .exit(exit)
    }

    /// The kernel refused; nothing when it did not.
    pub fn of_response(response: &Response) -> Option<Self> {
        if response.ok {
            return None;
        }
        let code = response.code.clone().unwrap_or_else(|| "door::request::failed".to_owned());
        let message =
            response.error.clone().unwrap_or_else(|| "the kernel refused without a reason".to_owned());
        let mut failure = Self::new(code, message);
        failure.help.clone_from(&response.help);
        Some(failure)
    }

    /// Adds what to type or do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds further lines.
    #[must_use]
    pub fn details(mut self, lines: Vec<String>) -> Self {
        self.details = lines;
        self
    }

    /// Sets how the program ends.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The same failure as the operator door would tell it, for `--json`.
    pub fn to_response(&self) -> Response {
        let mut error = self.message.clone();
        for cause in &self.causes {
            error.push_str(": ");
            error.push_str(cause);
        }
        Response::failed(&self.code, error, self.help.clone())
    }
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut failure = Self::new(error.code(), error.to_string());
        let mut cause = error.source();
        while let Some(found) = cause {
            failure.causes.push(found.to_string());
            cause = found.source();
        }
        failure.help = error.help();
        failure
    }
}

/// Why a kernel did not start; a file that can't be understood is told complaint by complaint, each with its place.
pub(crate) fn of_host(error: HostError) -> Failure {
    match error {
        HostError::File(errors) => of_files(&errors),
        other => other.into(),
    }
}

/// All complaints about the user's files: the first as the message, the others below it.
pub(crate) fn of_files(errors: &FileErrors) -> Failure {
    let first = errors.first();
    let mut failure = Failure::new(first.code(), first.to_string());
    failure.help = first.help();
    failure.details = errors
        .iter()
        .skip(1)
        .map(|error| match error.help() {
            Some(help) => format!("{error} ({help})"),
            None => error.to_string(),
        })
        .collect();
    failure
}

/// How a command ends before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Something went wrong.
    Failed(Box<Failure>),
    /// Nobody reads the output any more: nothing is wrong, and nothing more is to be said.
    ReaderGone,
}

impl<F: Into<Failure>> From<F> for Stopped {
    fn from(failure: F) -> Self {
        Self::Failed(Box::new(failure.into()))
    }
}

/// What a command gives back.
pub type Outcome<T = Exit> = Result<T, Stopped>;

#[cfg(test)]
mod tests;
