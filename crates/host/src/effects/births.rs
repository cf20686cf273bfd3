//! Births on the process's first thread, away from the kernel's own: while one child is being born, the next one is
//! prepared.
//!
//! The launcher stands still until its child's program runs, about half a millisecond. A launch that comes alone is waited
//! for, which is the shortest way to it. Where more wait, they go to that thread in their order, a few ahead at most.
//!
//! All are born there, never here: see [`crate::midwife`].

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc::{Sender, sync_channel};

use abi::{Generation, Permissions, Slot};
use sandbox::{Berths, Child, LaunchError, Prepared};
use tokio::sync::mpsc;

use crate::files::blueprint::Blueprint;
use crate::lane::LaneEnd;
use crate::midwife::{Job, Replacement, Told};

/// 4 launches are prepared ahead of the one that is being born: enough that the thread never waits for the next one,
/// few enough that an order to end meets most lives before they have begun.
const UNDER_WAY_MAX: usize = 4;

/// A launch that the thread has, and what its end will be met with.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) slot: Slot,
    pub(super) generation: Generation,
    pub(super) blueprint: Rc<Blueprint>,
    pub(super) effective: Permissions,
    pub(super) notify: Option<UnixDatagram>,
    pub(super) lane: LaneEnd,
    /// The group that it is born into.
    pub(super) cgroup: Option<PathBuf>,
    /// It was told to end before it was born.
    pub(super) is_cancelled: bool,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Order {
    pub(super) prepared: Prepared,
    /// What this child alone gets.
    pub(super) handed: Vec<OwnedFd>,
}

/// What the thread gives back: the launch, to be used again, and what came of it.
#[derive(Debug)]
pub(crate) struct Born {
    pub(super) prepared: Prepared,
    pub(super) result: Result<Child, LaunchError>,
}

/// All births.
#[derive(Debug)]
pub(crate) struct Births {
    jobs: Sender<Job>,
    tell: mpsc::Sender<Born>,
    /// In the order of their orders, which is that of their ends.
    under_way: VecDeque<UnderWay>,
}

/// The first thread takes no orders any more.
#[derive(Debug)]
pub(super) struct Gone;

impl Births {
    /// By whoever does these jobs. What is born is told by the receiver.
    pub(crate) fn new(jobs: Sender<Job>) -> (Self, mpsc::Receiver<Born>) {
        let (tell, born) = mpsc::channel(UNDER_WAY_MAX);
        (Self { jobs, tell, under_way: VecDeque::new() }, born)
    }

    /// Whether the thread has something to do.
    pub(crate) fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Whether the next launch has to wait.
    pub(crate) fn is_full(&self) -> bool {
        self.under_way.len() >= UNDER_WAY_MAX
    }

    /// A launch that the caller waits for.
    pub(super) fn launch_and_wait(&self, order: Order) -> Result<Born, Gone> {
        let (tell, born) = sync_channel(1);
        self.jobs.send(Job::Launch(Box::new(order), Told::Now(tell))).map_err(|_| Gone)?;
        born.recv().map_err(|_| Gone)
    }

    /// Hands a launch over, to go on meanwhile.
    pub(super) fn order(&mut self, order: Order, under_way: UnderWay) -> Result<(), Gone> {
        let told = Told::Later(self.tell.clone());
        self.jobs.send(Job::Launch(Box::new(order), told)).map_err(|_| Gone)?;
        self.under_way.push_back(under_way);
        Ok(())
    }

    /// Puts another program into our place; gives the reason why that did not happen.
    pub(crate) fn replace(&self, replacement: Replacement) -> String {
        let (tell, failed) = sync_channel(1);
        let sent = self.jobs.send(Job::Replace(replacement, tell));
        let error = sent.ok().and_then(|()| failed.recv().ok());
        error.map_or_else(|| "the first thread does nothing any more".to_owned(), |error| error.to_string())
    }

    /// What an earlier program left is taken: it can't have it back.
    pub(crate) fn taken_over(&self) {
        // Without anybody who would give it back there is nothing to tell.
        let _nobody = self.jobs.send(Job::TakenOver);
    }

    /// The launch whose end has come.
    pub(super) fn next(&mut self) -> Option<UnderWay> {
        self.under_way.pop_front()
    }

    /// Notes that a life is to end as soon as it begins; whether there is such a launch.
    pub(super) fn cancel(&mut self, slot: Slot, generation: Generation) -> bool {
        let mut all = self.under_way.iter_mut();
        let found = all.find(|launch| launch.slot == slot && launch.generation == generation);
        found.map(|launch| launch.is_cancelled = true).is_some()
    }
}

/// A birth, on the first thread.
pub(crate) fn launch(order: Order, berths: Option<&mut Berths>) -> Born {
    let Order { mut prepared, handed } = order;
    let result = prepared.launch_handing(berths, handed);
    Born { prepared, result }
}
