//! The executor on an operating system: a thread per core, which spins for a moment and then sleeps.
//!
//! # Shutdown
//! [`Running::shutdown`] closes the system, so nothing is accepted from outside any more. Each core finishes its turn,
//! ends its actors (`stopped` is called with [`crate::Reason::Shutdown`]) and leaves; then all threads are joined, and
//! only after that the messages that are left in logs and rings are dropped.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::hint::spin_loop;
use core::time::Duration;
use std::io;
use std::thread::{Builder, JoinHandle, sleep as sleep_thread};
use std::time::Instant;

use crate::life::{StopAll, Warden};
use crate::platform::Core;
use crate::platform::hosted::Hosted;
use crate::shard::{Did, Shard};
use crate::shared::Config;
use crate::system::{System, assemble};

/// Looks at the doors between two turns without work: only a turn sees timers.
const LOOKS: u32 = 32;
/// Turns without work before a core sleeps, some 30 µs in all: as long as waking it takes, and the waker pays for that.
const SPIN_TURNS: u32 = 24;
/// Pauses of the processor, some 0.2 µs, before a core looks again at a ring that it has read empty in one go: looking
/// sooner takes each line from under its writer's hands, and then each message costs a journey of its own.
const BURST_PAUSES: u32 = 16;

/// Between two looks whether the cores are at rest: little beside the 30 µs that a core looks around before it sleeps.
const DRAIN_LOOK: Duration = Duration::from_micros(200);

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Everything that was accepted has been handled.
    Empty,
    /// The time was up before; what was left is dropped.
    Late,
}

/// A system that runs on threads of its own. Dropping it shuts it down.
pub struct Running {
    system: System,
    threads: Vec<JoinHandle<Shard>>,
}

impl Running {
    /// Starts a thread per core; actors that panic are stopped.
    ///
    /// ```
    /// use actor::{Actor, Config, Context, Spawn};
    /// use actor::hosted::Running;
    /// use std::sync::mpsc::{Sender, channel};
    ///
    /// struct Echo(Sender<u32>);
    /// impl Actor for Echo {
    ///     type Message = u32;
    ///     fn handle(&mut self, message: u32, _ctx: &mut Context<'_>) {
    ///         drop(self.0.send(message));
    ///     }
    /// }
    ///
    /// let running = Running::start(Config::default()).expect("threads can be started");
    /// let (tx, rx) = channel();
    /// let echo = running.system().spawn(Spawn::default(), Echo(tx)).expect("there is room");
    /// running.system().send(echo, 7).expect("it lives");
    /// assert_eq!(rx.recv(), Ok(7));
    /// running.shutdown();
    /// ```
    ///
    /// # Errors
    /// The operating system's, when a thread can't be started.
    pub fn start(config: Config) -> io::Result<Self> {
        Self::start_with(config, |_| Box::new(StopAll))
    }

    /// Starts with a warden for each core.
    ///
    /// # Errors
    /// As of [`Running::start`].
    pub fn start_with(config: Config, wardens: impl FnMut(Core) -> Box<dyn Warden>) -> io::Result<Self> {
        let platform = Hosted::new(config.cores);
        let (system, shards) = assemble(config, platform, wardens);
        Self::run(system, shards)
    }

    /// Runs shards that were assembled elsewhere, for systems of which one core is pumped.
    ///
    /// # Errors
    /// As of [`Running::start`]; the shards that run already are shut down.
    pub fn run(system: System, shards: Vec<Shard>) -> io::Result<Self> {
        let mut running = Self { system, threads: Vec::with_capacity(shards.len()) };
        for shard in shards {
            let name = format!("actors-{}", shard.core);
            running.threads.push(Builder::new().name(name).spawn(move || drive(shard))?);
        }
        Ok(running)
    }

    /// The handle, of which copies may be kept by anyone.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// Accepts nothing from outside any more, waits until all that was accepted has been handled, what came of it
    /// included, and shuts down. Timers and messages that wait for suspended actors are not waited for.
    pub fn drain(self, within: Duration) -> Drained {
        let deadline = Instant::now() + within;
        self.system.drain();
        while !self.system.shared().is_at_rest() {
            if Instant::now() >= deadline {
                return Drained::Late;
            }
            sleep_thread(DRAIN_LOOK);
        }
        Drained::Empty
    }

    /// Ends all actors, waits for all threads.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.system.close();
        let shards: Vec<_> = self.threads.drain(..).map(JoinHandle::join).collect();
        // Only now, with all threads gone, are the shards and their messages dropped.
        drop(shards);
    }
}

/// A core's thread.
fn drive(mut shard: Shard) -> Shard {
    let mut idle = 0;
    while !shard.shared.is_stopping() {
        if shard.turn() == Did::Work {
            idle = 0;
            if shard.has_messages() {
                continue;
            }
            if shard.has_read_a_burst() {
                (0..BURST_PAUSES).for_each(|_| spin_loop());
            }
        }
        if idle < SPIN_TURNS {
            idle += 1;
            for _ in 0..LOOKS {
                if shard.has_mail() {
                    break;
                }
                spin_loop();
            }
        } else {
            sleep(&shard);
            idle = 0;
        }
    }
    shard.end_all();
    shard.publish_counters();
    shard
}

/// Sleeps until something is sent to this core or its next timer is due.
fn sleep(shard: &Shard) {
    let sleeper = &shard.shared.ports[shard.core as usize].sleeper;
    sleeper.prepare();
    let until = shard.next_deadline();
    while sleeper.should_sleep() && !shard.has_work() {
        if until.is_some_and(|until| until <= shard.shared.ground.now()) {
            break;
        }
        shard.shared.ground.park(shard.core(), until);
    }
    sleeper.cancel();
}

impl core::fmt::Debug for Running {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Running({:?})", self.system)
    }
}
