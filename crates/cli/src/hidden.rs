//! Asking for what must not be seen: a line from the terminal without an echo, or all of stdin where that is no terminal.
//!
//! The terminal is `/dev/tty`, so that a passphrase can be asked for while stdin brings something else. Keys come one by
//! one, Ctrl-C among them, so that no way out leaves the terminal without its echo.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use vault::{SECRET_BYTES_MAX, Secret};

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// Where it may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// From stdin when that is no terminal, else typed.
    StdinFirst,
    /// Typed.
    TerminalOnly,
}

const END_OF_TRANSMISSION: u8 = 4;
const INTERRUPT: u8 = 3;
const BACKSPACE: u8 = 8;
const DELETE: u8 = 0x7f;

/// Reads it.
///
/// # Errors
/// `cli::secret::no_terminal`, `cli::secret::read`, `cli::secret::empty`, `cli::secret::no_text`, and an interruption.
pub(crate) fn read(ctx: &Ctx, source: Source, question: &str) -> Outcome<Secret> {
    let bytes = if source == Source::StdinFirst && !io::stdin().is_terminal() {
        from_stdin()?
    } else {
        typed(ctx, question)?
    };
    taken(bytes)
}

/// Two answers that should have been one.
pub(crate) fn not_the_same() -> Failure {
    Failure::new("cli::secret::not_the_same", "the two passphrases are not the same; nothing was changed")
}

/// The text of these bytes. A failure wipes them too.
fn taken(bytes: Vec<u8>) -> Outcome<Secret> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            vault::wipe(&mut error.into_bytes());
            let failure = Failure::new("cli::secret::no_text", "the value is no text in UTF-8");
            return Err(failure.help("encode it first, for example with base64").into());
        }
    };
    if text.is_empty() {
        return Err(Failure::new("cli::secret::empty", "there was no value; nothing was changed").into());
    }
    Ok(Secret::new(text)?)
}

fn from_stdin() -> Outcome<Vec<u8>> {
    // All the room at once, so that the buffer never moves and leaves a copy behind.
    let mut bytes = Vec::with_capacity(SECRET_BYTES_MAX + 3);
    let read = io::stdin().lock().take(SECRET_BYTES_MAX as u64 + 2).read_to_end(&mut bytes);
    read.map_err(|error| failed(Path::new("stdin"), &error))?;
    // The one line end that `echo` and editors add.
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(bytes)
}

fn typed(ctx: &Ctx, question: &str) -> Outcome<Vec<u8>> {
    let path = Path::new("/dev/tty");
    let Ok(tty) = OpenOptions::new().read(true).write(true).open(path) else {
        let failure = Failure::new("cli::secret::no_terminal", "there is no terminal to ask on");
        return Err(failure.help("pipe the value in, or give systemd credentials").exit(Exit::Usage).into());
    };
    let quiet = Quiet::take(&tty).map_err(|error| failed(path, &error.into()))?;
    // A file may be written through a shared reference too.
    let mut shown = &tty;
    let asked = shown.write_all(question.as_bytes()).and_then(|()| shown.flush());
    let line = asked.and_then(|()| line_of(&tty));
    // The line end was not shown either.
    let _gone = shown.write_all(b"\n");
    drop(quiet);
    match line.map_err(|error| failed(path, &error))? {
        Some(line) => Ok(line),
        None => {
            ctx.say("");
            Err(Failure::new("cli::secret::interrupted", "interrupted; nothing was changed")
                .exit(Exit::Interrupted)
                .into())
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new("cli::secret::read", format!("can't read from `{}`", path.display()))
        .caused_by(error.to_string())
}

/// One line; nothing when it was interrupted.
fn line_of(mut tty: &File) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::with_capacity(SECRET_BYTES_MAX + 1);
    let mut key = [0];
    loop {
        if tty.read(&mut key)? == 0 {
            return Ok(Some(line));
        }
        match key[0] {
            b'\n' | b'\r' | END_OF_TRANSMISSION => return Ok(Some(line)),
            INTERRUPT => {
                vault::wipe(&mut line);
                return Ok(None);
            }
            BACKSPACE | DELETE => take_back(&mut line),
            // What is too long is told when it is taken; it grows no further here.
            byte if line.len() <= SECRET_BYTES_MAX => line.push(byte),
            _ => {}
        }
    }
}

/// Removes the last character, which may have several bytes.
fn take_back(line: &mut Vec<u8>) {
    while let Some(byte) = line.pop() {
        if byte & 0b1100_0000 != 0b1000_0000 {
            break;
        }
    }
}

/// A terminal without an echo. Dropping it gives the echo back.
struct Quiet<'t> {
    tty: &'t File,
    before: Termios,
}

impl<'t> Quiet<'t> {
    fn take(tty: &'t File) -> rustix::io::Result<Self> {
        let before = tcgetattr(tty)?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        // What was typed ahead was typed for somebody else.
        tcsetattr(tty, OptionalActions::Flush, &quiet)?;
        Ok(Self { tty, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _gone = tcsetattr(self.tty, OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
mod tests;
