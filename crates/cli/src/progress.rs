//! What is drawn while long work goes on: one line on a terminal's stderr, gone when the work is over. Nothing without a
//! terminal, with `--json` or with `--quiet`.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use store::Meter;

use crate::amount;
use crate::ctx::Ctx;
use crate::theme::{Glyphs, Theme};
use crate::words::Phrase;

#[cfg(test)]
mod tests;

/// 400 ms: what is over sooner needs no line that flashes up and goes.
const PATIENCE: Duration = Duration::from_millis(400);

/// 100 ms between two drawings: it moves, and costs nothing.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// 24 columns of bar: a step is four parts of a hundred.
const BAR_COLUMNS: usize = 24;

/// Draws while it lives.
pub(crate) struct Progress {
    /// Its end is the end of the drawing.
    lives: Option<Sender<()>>,
    drawing: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to draw what is under way; with a meter how much of it is done, without one only for how long.
    pub(crate) fn begin(ctx: &Ctx, what: Phrase, meter: Option<Arc<Meter>>) -> Self {
        if ctx.is_json() || ctx.global.quiet || !io::stderr().is_terminal() {
            return Self { lives: None, drawing: None };
        }
        let (lives, ended) = mpsc::channel::<()>();
        let (what, theme, begun) = (ctx.phrase(what, &[]), ctx.talk, Instant::now());
        let drawing = thread::spawn(move || {
            let mut wait = PATIENCE;
            let mut is_drawn = false;
            while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let share = meter.as_ref().and_then(|meter| meter.share());
                write(&format!("\r{}\x1b[K", line(theme, &what, share, begun.elapsed())));
                (wait, is_drawn) = (DRAW_EVERY, true);
            }
            if is_drawn {
                write("\r\x1b[K");
            }
        });
        Self { lives: Some(lives), drawing: Some(drawing) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.lives.take();
        if let Some(drawing) = self.drawing.take() {
            // A thread that fell draws no more, which is all that is wanted of it now.
            let _ = drawing.join();
        }
    }
}

fn write(text: &str) {
    let mut stderr = io::stderr().lock();
    // Nobody is left to be shown anything.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// One line, narrower than the terminal, so that it never breaks.
fn line(theme: Theme, what: &str, share: Option<f64>, elapsed: Duration) -> String {
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let (full, empty) = match theme.glyphs {
        Glyphs::Unicode => ("█", "░"),
        Glyphs::Ascii => ("#", "."),
    };
    let bar: String = match share {
        Some(share) => {
            let done = (share.clamp(0.0, 1.0) * BAR_COLUMNS as f64) as usize;
            (0..BAR_COLUMNS).map(|at| if at < done { full } else { empty }).collect()
        }
        // Three columns that wander: something goes on, and nobody knows how much there is.
        None => {
            let at = usize::try_from(elapsed_ms / 100).unwrap_or(0) % BAR_COLUMNS;
            let is_lit = |column: usize| (column + BAR_COLUMNS - at) % BAR_COLUMNS < 3;
            (0..BAR_COLUMNS).map(|column| if is_lit(column) { full } else { empty }).collect()
        }
    };
    let percent = share.map(|share| format!(" {:>3.0} %", share * 100.0)).unwrap_or_default();
    let line = format!("{what} {bar}{percent} {}", amount::span(elapsed_ms));
    line.chars().take(theme.width.saturating_sub(1)).collect()
}
