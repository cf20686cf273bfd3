//! Births away from the kernel's own thread, for mass starts: while one child is being born, the next one is prepared.
//!
//! The launcher stands still until its child's program runs, about half a millisecond. For one child that is the
//! shortest way, so a launch that comes alone stays on the kernel's thread. Where more wait, they go to a thread that
//! does nothing else, in their order, a few ahead at most.
//!
//! The thread lives as long as the shell: children get SIGKILL when the thread that bore them ends.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use abi::{Generation, Permissions, Slot};
use sandbox::{Berths, Child, LaunchError, Prepared};
use tokio::sync::mpsc;

use crate::files::blueprint::Blueprint;
use crate::lane::LaneEnd;

/// 4 launches are prepared ahead of the one that is being born: enough that the thread never waits for the next one,
/// few enough that an order to end meets most lives before they have begun.
const UNDER_WAY_MAX: usize = 4;

/// 128 KiB: the thread prepares nothing and calls one function.
const STACK_BYTES: usize = 128 << 10;

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
pub(super) struct Order {
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

/// Where launches put what their child gets: used by one launch at a time.
type Shared = Arc<Mutex<Option<Berths>>>;

/// What is known of the thread.
#[derive(Debug)]
enum Thread {
    /// No launch needed it yet; it will tell here.
    Unborn(mpsc::Sender<Born>),
    Works(std::sync::mpsc::Sender<Order>),
    /// It could not be started or has ended: all launches stay on the kernel's thread.
    Gone,
}

/// All births.
#[derive(Debug)]
pub(crate) struct Births {
    berths: Shared,
    thread: Thread,
    /// In the order of their orders, which is that of their ends.
    under_way: VecDeque<UnderWay>,
}

impl Births {
    /// Without berths every launch costs more. What is born is told by the receiver.
    pub(crate) fn new(berths: Option<Berths>) -> (Self, mpsc::Receiver<Born>) {
        let (tell, born) = mpsc::channel(UNDER_WAY_MAX);
        let berths = Arc::new(Mutex::new(berths));
        (Self { berths, thread: Thread::Unborn(tell), under_way: VecDeque::new() }, born)
    }

    /// Whether the thread has something to do.
    pub(crate) fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Whether the next launch has to wait.
    pub(crate) fn is_full(&self) -> bool {
        self.under_way.len() >= UNDER_WAY_MAX
    }

    /// A launch on the thread of the caller.
    pub(super) fn launch_here(&self, order: Order) -> Born {
        launch(order, &self.berths)
    }

    /// Hands a launch to the thread; gives it back when there is none.
    pub(super) fn order(&mut self, order: Order, under_way: UnderWay) -> Option<Refused> {
        if let Thread::Unborn(_) = self.thread {
            self.begin();
        }
        let Thread::Works(orders) = &self.thread else { return Some(Refused { order, under_way }) };
        match orders.send(order) {
            Ok(()) => {
                self.under_way.push_back(under_way);
                None
            }
            Err(unsent) => {
                self.thread = Thread::Gone;
                Some(Refused { order: unsent.0, under_way })
            }
        }
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

    fn begin(&mut self) {
        let Thread::Unborn(tell) = std::mem::replace(&mut self.thread, Thread::Gone) else { return };
        match start(self.berths.clone(), tell) {
            Ok(orders) => self.thread = Thread::Works(orders),
            Err(error) => {
                tracing::warn!(%error, "launches stay on the kernel's thread: no other could be started")
            }
        }
    }
}

/// A launch that the thread did not take.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) order: Order,
    pub(super) under_way: UnderWay,
}

fn start(berths: Shared, tell: mpsc::Sender<Born>) -> io::Result<std::sync::mpsc::Sender<Order>> {
    let (orders, wanted) = std::sync::mpsc::channel::<Order>();
    let work = move || {
        while let Ok(order) = wanted.recv() {
            let born = launch(order, &berths);
            // There is room for all that can be under way, so this waits for nothing; a shell that is gone wants nothing.
            if tell.blocking_send(born).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("launcher".to_owned()).stack_size(STACK_BYTES).spawn(work)?;
    Ok(orders)
}

fn launch(order: Order, berths: &Shared) -> Born {
    let Order { mut prepared, handed } = order;
    // A launch that panicked leaves the places as the next one expects them: each puts its own there first.
    let mut berths = berths.lock().unwrap_or_else(PoisonError::into_inner);
    let result = prepared.launch_handing(berths.as_mut(), handed);
    Born { prepared, result }
}
