//! Other programs' process files in, an `ostoja.yaml` out, with a comment at each thing that could not be carried over.
//!
//! # What is and isn't in this crate
//! Texts in, a text out. No file is opened and no program is asked: who calls brings the texts, also those of a folder
//! ([`pons`]). It is a room of its own, beside `protocol`, because nothing that runs modules may depend on the formats
//! of other programs, and because it must stay pure: it reads what strangers wrote, and is fuzzed.
//!
//! - [`detect()`] says which format a file is in.
//! - [`import`] reads one file; each format has a module of its own below.
//! - [`survey`] looks at a folder's own files and proposes a first project.
//! - [`draft`] holds what was understood; [`mod@write`] makes the text.
//!
//! ```text
//! text ─► a format's reader ─► Draft ─► settle (names, needs, limits) ─► write ─► read once more ─► Imported
//! ```
//!
//! # Invariants
//! - Nothing is invented: every word of a command stands in the source, or follows from it by the other program's rules.
//! - What is given out is read by the reader of `ostoja.yaml` first: nobody is handed a file that Ostoja refuses.
//! - What is wrong in the source is told with file, line and column, and values of environments are in no message.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod compose;
pub mod detect;
pub mod draft;
mod fields;
mod mcp;
mod pm2;
pub mod pons;
mod process_compose;
mod procfile;
mod spans;
mod supervisord;
pub mod survey;
mod systemd;
mod words;
mod write;

use protocol::files::project::Project;
use protocol::files::{Area, FILE_BYTES_MAX, Fault, FileError, FileErrors, Position};

pub use detect::{Format, detect};
pub use draft::{Draft, LeftOut, Module};

/// What an import gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// What was understood.
    pub draft: Draft,
    /// The `ostoja.yaml`.
    pub yaml: String,
}

/// Reads a file of another program; `file` is its name in errors, and its last part may name what is in it.
///
/// # Errors
/// Everything that is wrong in it, by place.
pub fn import(format: Format, file: &str, text: &str) -> Result<Imported, FileErrors> {
    if text.len() > FILE_BYTES_MAX {
        return Err(complaint(file, Position::START, Fault::TooLarge { bytes: text.len() }));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let draft = match format {
        Format::Procfile => procfile::read(file, text),
        Format::Compose => compose::read(file, text),
        Format::Pm2 => pm2::read(file, text),
        Format::Supervisord => supervisord::read(file, text),
        Format::ProcessCompose => process_compose::read(file, text),
        Format::Systemd => systemd::read(file, text),
        Format::Mcp => mcp::read(file, text),
    }?;
    finish(file, draft)
}

/// Settles a draft and makes its text.
///
/// # Errors
/// When it makes more than an `ostoja.yaml` may hold.
pub fn finish(file: &str, draft: Draft) -> Result<Imported, FileErrors> {
    let draft = draft.settle();
    let yaml = write::project(&draft);
    match Project::parse("ostoja.yaml", &yaml) {
        Ok(_) => Ok(Imported { draft, yaml }),
        Err(errors) => {
            let why = format!("makes a project that Ostoja can't read: {}", errors.first().fault);
            let found = format!("{} modules", draft.modules().count());
            let fault = Fault::BadValue { field: "the file".to_owned(), found, why };
            Err(complaint(file, Position::START, fault))
        }
    }
}

/// One complaint about a source file.
fn complaint(file: &str, at: Position, fault: Fault) -> FileErrors {
    FileError { file: file.to_owned(), at, area: Area::Import, fault }.into()
}

/// A complaint about text that is not of the format.
fn syntax(file: &str, line: usize, column: usize, message: &str) -> FileErrors {
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
    let at = Position { line: narrow(line), column: narrow(column) };
    complaint(file, at, Fault::Syntax(message.to_owned()))
}
