//! The demo: a private kernel in this very process, with modules that are this very binary and one line of shell, and a
//! tour through what it does for them.
//!
//! # Who does what
//! The kernel runs on the main thread, since children die with the thread that started them. The tour runs on a thread
//! of its own and is an operator like any other: it knows the kernel only through its door.
//!
//! # The end
//! Whatever ends it (the tour, Ctrl-C, a failure), the kernel stops its modules, then the home is removed; after a SIGKILL
//! the next demo removes it.

mod home;
mod modules;
mod project;
mod tour;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use host::{Frames, News, Options, Presence, ProjectSource};

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::interrupt::{Next, on_wish};
use crate::target::Target;

pub(crate) use self::home::PrivateHome;
pub(crate) use self::modules::{Role, play};
use self::tour::Tour;

/// What comes after the tour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The kernel stays up until Ctrl-C.
    Stay,
    /// It stops.
    Leave,
}

/// Runs the demo from beginning to end.
///
/// # Errors
/// What keeps the kernel from starting, and the first step of the tour that could not be shown.
pub(crate) fn run(ctx: &Ctx, after: After) -> Outcome {
    // Heard from the first moment on, so that an early Ctrl-C does not leave the home behind.
    let is_wished = Arc::new(AtomicBool::new(false));
    let heard = is_wished.clone();
    on_wish(move |_| {
        heard.store(true, Ordering::SeqCst);
        Next::GoOn
    })?;
    let home = PrivateHome::create(&std::env::temp_dir())?;
    let target = Target::at(home.path());
    let options = Options {
        home: target.home.clone(),
        project: Some(ProjectSource::Inline(Box::new(project::project()?), home.path().to_owned())),
        presence: Presence::Foreground,
        sentinel: crate::commands::internal::sentinel_command(),
        net_helper: crate::commands::internal::net_helper_command(),
        companion: None,
        bridge: crate::commands::internal::bridge_command(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        safety: host::Safety::Usual,
        seed: None,
        frames: Frames::Untold,
        renewal: None,
        observe: None,
    };
    let (settled, wait_for_it) = sync_channel(1);
    let tour = Tour::new(ctx, target, after, is_wished.clone());
    let guide = std::thread::Builder::new().name("tour".to_owned()).spawn(move || {
        let not_ready: Vec<String> = wait_for_it.recv().ok()?;
        Some(tour.give(&not_ready))
    });
    let guide = guide.map_err(|error| {
        Failure::new("cli::demo::thread", "can't start a thread").caused_by(error.to_string())
    })?;
    let ran = host::run(options, move |news| {
        if let News::Settled(not_ready) = news {
            // Comes once; a second one would find nobody who waits, and that is fine.
            let _ = settled.try_send(not_ready.clone());
        }
    });
    let given = guide.join().ok().flatten();
    home.remove()?;
    ran.map_err(crate::failure::of_host)?;
    match given {
        // A tour that was broken off by Ctrl-C is no failure.
        Some(Err(Stopped::Failed(_))) if is_wished.load(Ordering::SeqCst) => Ok(Exit::Interrupted),
        Some(Err(stopped)) => Err(stopped),
        Some(Ok(())) | None => Ok(Exit::Done),
    }
}
