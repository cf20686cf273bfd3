//! The terminal as a screen: taken over for a while, and given back on every way out.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::interrupt::{Next, on_wish};

/// The second screen, and no cursor: what was on the terminal is there again afterwards. The mouse stays the person's.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// A terminal that was taken over. Dropping it, also by a panic, gives it back.
#[derive(Debug)]
pub(crate) struct Screen {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    before: Mutex<Termios>,
    is_taken: AtomicBool,
}

impl Screen {
    /// Takes the terminal over: keys come one by one and are not shown.
    ///
    /// # Errors
    /// When stdin is no terminal.
    pub(crate) fn take() -> Outcome<Self> {
        let failed = |errno: rustix::io::Errno| {
            Failure::new("cli::terminal::take", "can't take the terminal over").caused_by(errno.to_string())
        };
        let before = tcgetattr(io::stdin()).map_err(failed)?;
        let mut raw = before.clone();
        // Ctrl-C and Ctrl-Z come as keys, so that no way out leaves the screen behind.
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw).map_err(failed)?;
        let screen =
            Self { state: Arc::new(State { before: Mutex::new(before), is_taken: AtomicBool::new(true) }) };
        write(ENTER);
        Ok(screen)
    }

    /// From now on a signal to end gives the terminal back and ends the program.
    ///
    /// # Errors
    /// When signals can't be received.
    pub(crate) fn end_on_wish(&self) -> Outcome<()> {
        let state = self.state.clone();
        on_wish(move |_| {
            state.restore();
            std::process::exit(i32::from(Exit::Interrupted.number()));
            #[expect(unreachable_code, reason = "the signature wants an answer")]
            Next::Enough
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.state.restore();
    }
}

impl State {
    /// Once is enough, from whichever thread.
    fn restore(&self) {
        if self.is_taken.swap(false, Ordering::SeqCst) {
            write(LEAVE);
            let before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
            // A terminal that is gone needs nothing back.
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &before);
        }
    }
}

fn write(sequence: &str) {
    let mut stdout = io::stdout().lock();
    // A terminal that is gone can't be told.
    let _ = stdout.write_all(sequence.as_bytes()).and_then(|()| stdout.flush());
}

/// A whole picture, drawn over the last one without a flicker: line by line, each cleared to its end, the rest below.
pub(crate) fn redraw(picture: &str, rows: usize) -> String {
    let mut text = String::from("\x1b[H");
    // The last row stays free: a newline there would scroll the picture away.
    for line in picture.lines().take(rows.saturating_sub(1)) {
        text.push_str(line);
        text.push_str("\x1b[K\r\n");
    }
    text.push_str("\x1b[J");
    text
}

/// How many rows the terminal has; 24 where it does not say.
pub(crate) fn rows() -> usize {
    const ROWS_DEFAULT: usize = 24;
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    size.map(|size| usize::from(size.ws_row)).filter(|rows| *rows > 0).unwrap_or(ROWS_DEFAULT)
}

#[cfg(test)]
mod tests;
