//! Safe mode from the host's side: when it is entered without being asked for, and when its cause is gone.
//!
//! # The counter
//! One small file holds how many starts in a row did not settle, and whether one ever has. It is raised early in the boot, and set
//! to nothing when everything has been at rest for [`SETTLED_AFTER`] or the kernel stopped in order. A kernel that finds
//! [`FAILED_BOOTS_MAX`] there begins in safe mode.
//!
//! # Causes, and when they are gone
//! | cause | resumes by itself |
//! |---|---|
//! | starts that failed, a fault of the kernel | after [`TRY_AGAIN_AFTER`], once; the next one leads back here |
//! | a file that can't be read | as soon as it can |
//! | an operator's word or a flag | never |
//!
//! Under a passive watchdog the first row is told and nothing else: it is neither entered nor left for that.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use abi::Time;
use kernel::{Order, Watchdog};

use crate::fault;
use crate::files::approvals::Approvals;
use crate::files::project::ProjectModules;
use crate::handover::versions::come_to_rest;
use crate::launch::sentence;
use crate::reload;
use crate::restore;
use crate::run::give_back_code;
use crate::shell::Shell;

#[cfg(test)]
mod tests;

/// 3 starts in a row that did not settle: one may be an accident and two bad luck.
pub(crate) const FAILED_BOOTS_MAX: u32 = 3;

/// 10 s at rest: what brings a kernel down at its start has done so by then.
const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// 10 min: long enough for somebody to look, short enough that nobody has to for what has passed.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(600);

/// 5 s between two looks whether a cause is gone.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Why safe mode was entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// So many starts in a row did not settle.
    FailedBoots(u32),
    /// The kernel itself fell at this place of its code, in this life or at the end of an earlier one.
    Fault(String),
    /// A file that decides what there is can't be read; in its own words.
    Files(String),
    /// Somebody wished it, for this reason.
    Asked(String),
}

impl Cause {
    /// The reason as people are told it.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::FailedBoots(count) => format!("the last {count} starts did not settle"),
            Self::Fault(place) => format!("the kernel itself has a fault, at {place}"),
            Self::Files(why) => why.clone(),
            Self::Asked(why) => why.clone(),
        }
    }

    /// Whether it is gone when safe mode has held for so long; `are_files_well` is asked where that decides.
    fn is_gone(&self, held: Duration, are_files_well: impl FnOnce() -> bool) -> bool {
        match self {
            Self::Asked(_) => false,
            Self::Files(_) => are_files_well(),
            Self::FailedBoots(_) | Self::Fault(_) => held >= TRY_AGAIN_AFTER,
        }
    }

    /// What is to happen for the kernel to leave it by itself.
    pub(crate) fn until(&self, watchdog: Watchdog) -> &'static str {
        match (self, watchdog) {
            (Self::FailedBoots(_) | Self::Fault(_), Watchdog::Active | Watchdog::Strict) => {
                "it is tried again after 10 min"
            }
            (Self::Files(_), _) => "it is left as soon as the file can be read",
            (Self::FailedBoots(_) | Self::Fault(_) | Self::Asked(_), _) => {
                "it is left by: ostoja kernel resume"
            }
        }
    }
}

/// The counter of starts that did not settle.
#[derive(Debug)]
pub(crate) struct Boots {
    path: PathBuf,
    failed: u32,
    has_settled: bool,
}

impl Boots {
    /// Reads the counter. A file that is not there or can't be understood counts as none.
    pub(crate) fn open(state: &Path) -> Self {
        let path = state.join("boots");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let mut words = text.split_ascii_whitespace();
        let failed = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        Self { path, failed, has_settled: words.next() == Some("settled") }
    }

    /// How many starts in a row did not settle.
    pub(crate) fn failed(&self) -> u32 {
        self.failed
    }

    /// Whether a kernel has ever been at rest here.
    pub(crate) fn has_settled(&self) -> bool {
        self.has_settled
    }

    /// A start begins; it counts as failed until it has settled.
    pub(crate) fn begin(&mut self) {
        self.failed = self.failed.saturating_add(1);
        self.keep();
    }

    /// It has settled, or ended in order.
    pub(crate) fn settle(&mut self) {
        (self.failed, self.has_settled) = (0, true);
        self.keep();
    }

    /// A disk that takes no number is told of by the journal, which is on it too.
    fn keep(&self) {
        if let Err(error) = self.write() {
            tracing::warn!(%error, "the number of starts could not be kept");
        }
    }

    fn write(&self) -> io::Result<()> {
        let aside = self.path.with_extension("new");
        let settled = if self.has_settled { " settled" } else { "" };
        fs::write(&aside, format!("{}{settled}\n", self.failed))?;
        fs::rename(&aside, &self.path)
    }
}

/// What is known of it.
#[derive(Debug)]
pub(crate) struct Safety {
    pub(crate) boots: Boots,
    cause: Option<Cause>,
    since: Time,
}

impl Safety {
    pub(crate) fn new(boots: Boots, cause: Option<Cause>) -> Self {
        Self { boots, cause, since: Time(0) }
    }

    /// Why safe mode holds, if it does.
    pub(crate) fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }
}

impl Shell {
    /// Enters it for what was found at the start; before the kernel knows of any module.
    pub(crate) fn begin_safely(&mut self) {
        if let Some(cause) = self.safety.cause.take() {
            self.alarm(cause);
        }
    }

    /// Enters safe mode for this cause; where the watchdog is passive and it is a matter of judgement, the cause is told and
    /// nothing is touched.
    pub(crate) fn alarm(&mut self, cause: Cause) {
        let why = cause.why();
        let order = match cause {
            // Without its files there is nothing to be started by, and a wish is a wish.
            Cause::Files(_) | Cause::Asked(_) => Order::SafeMode(why.clone()),
            Cause::FailedBoots(_) | Cause::Fault(_) => Order::Alarm(why.clone()),
        };
        self.order(order);
        if self.kernel.safe_mode().is_some() {
            // Who wished it is the one to end it, whatever came after.
            if !matches!(self.safety.cause, Some(Cause::Asked(_))) {
                self.go_safe(cause);
            }
        } else {
            self.trouble(format!("{why}; the watchdog is passive, so nothing was done about it"));
            // It is journaled, and would be told at every start from now on.
            fault::forget(&self.files.home.state());
        }
    }

    /// An operator wishes it.
    pub(crate) fn enter_safe_mode(&mut self, why: String) {
        self.go_safe(Cause::Asked(why));
    }

    pub(crate) fn go_safe(&mut self, cause: Cause) {
        self.safety.cause = Some(cause);
        self.safety.since = self.now();
    }

    pub(crate) fn leave_safe_mode(&mut self) {
        self.safety.cause = None;
        fault::forget(&self.files.home.state());
    }
}

/// Reads everything again and leaves safe mode.
///
/// # Errors
/// What still can't be read; then nothing is changed.
pub(crate) async fn resume(shell: &Rc<RefCell<Shell>>) -> Result<(), String> {
    files_are_well(&shell.borrow())?;
    shell.borrow_mut().reload_permissions()?;
    reload::modules(shell).await?;
    let mut shell = shell.borrow_mut();
    shell.leave_safe_mode();
    Ok(())
}

fn files_are_well(shell: &Shell) -> Result<(), String> {
    let project = shell.files.source.as_ref().map(ProjectModules::load).transpose();
    let project = project.map_err(|error| sentence(&error))?;
    crate::files::config::load(&shell.files.home, project.as_ref()).map_err(|error| sentence(&error))?;
    Approvals::load(&shell.files.home.permissions()).map(|_| ()).map_err(|error| sentence(&error))
}

/// Keeps the files that this kernel is at rest with, so that they can be put back.
pub(crate) fn keep_good_files(shell: &Shell) {
    if files_are_well(shell).is_err() {
        return;
    }
    if let Err(error) = restore::keep(&shell.files.home) {
        tracing::warn!(%error, "the files of this start could not be kept");
    }
}

/// Looks now and then whether the cause of safe mode is gone, and leaves it if so.
pub(crate) async fn look_after(shell: Rc<RefCell<Shell>>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        let (cause, since, now) = {
            let shell = shell.borrow();
            (shell.safety.cause.clone(), shell.safety.since, shell.now())
        };
        let are_files_well = || files_are_well(&shell.borrow()).is_ok();
        let is_gone = cause.as_ref().is_some_and(|cause| cause.is_gone(now.since(since), are_files_well));
        // What has passed by itself may come again, and a passive watchdog does nothing about it: that is an operator's.
        let is_touched = match (&cause, shell.borrow().kernel.settings().watchdog) {
            (Some(Cause::FailedBoots(_) | Cause::Fault(_)), Watchdog::Passive) => false,
            (_, Watchdog::Passive | Watchdog::Active | Watchdog::Strict) => true,
        };
        // What went wrong in between is told by the one who reads, and tried again.
        if is_gone && is_touched && resume(&shell).await.is_ok() {
            let mut shell = shell.borrow_mut();
            shell.order(Order::Resume);
            shell.end_turn();
        }
    }
}

/// Sets the counter to nothing when this start has settled.
pub(crate) async fn count_as_settled(shell: Rc<RefCell<Shell>>) {
    loop {
        tokio::time::sleep(SETTLED_AFTER).await;
        let mut shell = shell.borrow_mut();
        // Safe mode is no success: whatever led to it is still there.
        if shell.safety.cause.is_none() {
            shell.safety.boots.settle();
            come_to_rest(&shell.files.home);
            keep_good_files(&shell);
            // What ran since all were ready was the rest of the start.
            give_back_code();
            return;
        }
    }
}
