//! Faults of the kernel itself: a panic on its own thread is noticed, written down and answered with safe mode.
//!
//! The panic takes the task it happened in; the event loop lives on, with a kernel that may no longer be what it should be. So
//! all modules are ended, the operator door stays, and somebody can look. Where the panic takes the whole process, the
//! place of it lies in a small file, and the next start begins in safe mode with it as the reason.
//!
//! Only the place is kept, never the message: a message can hold what a module said.

use std::cell::RefCell;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use abi::Record;

use crate::safe::Cause;
use crate::shell::Shell;

#[cfg(test)]
mod tests;

/// 3 faults in one life: safe mode does not help it, so it ends, and what starts it again starts it safely.
const FAULTS_MAX: usize = 3;

/// 1 s between two looks whether there was a fault.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// 200 bytes: a path and a line; a file that holds more is not ours.
const PLACE_BYTES_MAX: usize = 200;

/// The places of the faults that were not looked at yet.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    places: Arc<Mutex<Vec<String>>>,
}

impl Faults {
    /// From now on, a panic of this thread is a fault. What was done about panics before is done after.
    pub(crate) fn watch(state: &Path) -> Self {
        let faults = Self { places: Arc::default() };
        let (places, file, own) = (faults.places.clone(), file(state), thread::current().id());
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if thread::current().id() == own {
                let place =
                    panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
                // A disk that takes no line is one more reason to go on with what there is.
                let _unwritten = fs::write(&file, format!("{place}\n"));
                let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
                places.push(place);
                if places.len() >= FAULTS_MAX {
                    before(panic);
                    std::process::abort();
                }
            }
            before(panic);
        }));
        faults
    }

    /// The place of a fault that was not looked at yet.
    pub(crate) fn take(&self) -> Option<String> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.last().cloned()
    }
}

fn file(state: &Path) -> PathBuf {
    state.join("fault")
}

/// The place of the fault that an earlier kernel of this home ended with or never came back from.
pub(crate) fn of_earlier(state: &Path) -> Option<String> {
    let text = fs::read_to_string(file(state)).ok()?;
    let line = text.lines().next().unwrap_or_default().trim();
    let is_plain = !line.is_empty() && line.len() <= PLACE_BYTES_MAX && !line.contains(char::is_control);
    Some(if is_plain { line.to_owned() } else { "an unknown place".to_owned() })
}

/// Somebody has looked.
pub(crate) fn forget(state: &Path) {
    // One that is not there is forgotten.
    let _gone = fs::remove_file(file(state));
}

/// Looks now and then whether there was a fault, and goes to safe mode for it.
pub(crate) async fn look_after(shell: Rc<RefCell<Shell>>, faults: Faults) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let mut told = None;
    loop {
        ticks.tick().await;
        let Some(place) = faults.take().filter(|place| told.as_ref() != Some(place)) else { continue };
        // Whoever holds it is at work, and the next look finds it free.
        let Ok(mut shell) = shell.try_borrow_mut() else { continue };
        shell.answer_fault(&place);
        told = Some(place);
    }
}

impl Shell {
    fn answer_fault(&mut self, place: &str) {
        tracing::error!(place, "the kernel has a fault");
        self.record(Record::new("kernel.fault").text("place", place));
        let cause = Cause::Fault(place.to_owned());
        self.trouble(cause.why());
        self.alarm(cause);
        self.end_turn();
    }
}
