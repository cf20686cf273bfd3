//! States that outlive planned restarts: written when a life gives one, read when the next life asks, in the order in which
//! the kernel wished it, on a thread of its own each time.
//!
//! What a module declares is all that is kept of its state (`state: {keys: [..]}`). Whatever goes wrong is journaled, and the
//! module goes on without.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use abi::{Generation, ModuleId, Payload, Record, Slot};
use kernel::{Event, Fate, Word};
use serde_json::value::RawValue;
use store::{Kept, KeptError, KeptStates, LocalDisk};

use crate::clock::wall_now;
use crate::launch::sentence;
use crate::shell::Shell;

#[cfg(test)]
mod tests;

/// 256 MiB of states wait to be written at once; what comes beyond is not kept. Many modules that end at once with large
/// states must not fill the memory of a machine whose disk is slow.
const WAITING_BYTES_MAX: usize = 256 << 20;

/// What is to be done with files, in the kernel's order.
#[derive(Debug)]
enum Job {
    Keep(Kept, Option<Vec<String>>),
    Find(ModuleId),
    Settle(ModuleId, Fate),
}

/// What came of it.
enum Came {
    Kept {
        bytes: usize,
        stored: u64,
    },
    NotKept(String),
    Found(Option<Kept>),
    /// It is there, and can't be handed on.
    Lost(String),
    Settled,
    /// It may be offered again.
    NotSettled(String),
}

/// What waits.
#[derive(Debug, Default)]
pub(crate) struct Keeping {
    jobs: VecDeque<(Slot, Generation, Job)>,
    waiting_bytes: usize,
    /// A thread is at one of them.
    is_at_work: bool,
}

impl Keeping {
    /// Whether something of it would be lost if this program ended now.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_at_work || !self.jobs.is_empty()
    }
}

/// Works for as long as the kernel runs.
pub(crate) async fn keep_states(shell: Rc<RefCell<Shell>>) {
    let bells = shell.borrow().bells.clone();
    loop {
        bells.states.notified().await;
        keep_now(&shell).await;
    }
}

/// Does all that waits; who calls this beside another waits for that one's job.
pub(crate) async fn keep_now(shell: &Rc<RefCell<Shell>>) {
    let bells = shell.borrow().bells.clone();
    loop {
        let _alone = bells.state_files.lock().await;
        let (slot, generation, job, states) = {
            let mut shell = shell.borrow_mut();
            let Some((slot, generation, job)) = shell.keeping.jobs.pop_front() else { return };
            shell.keeping.is_at_work = true;
            if let Job::Keep(kept, _) = &job {
                shell.keeping.waiting_bytes -= kept.state.len();
            }
            (slot, generation, job, KeptStates::new(Arc::new(LocalDisk), &shell.files.home.kept()))
        };
        let is_search = matches!(job, Job::Find(_));
        let came = tokio::task::spawn_blocking(move || work(&states, job)).await;
        let came = came.unwrap_or_else(|_| {
            let died = "the thread that does it has died".to_owned();
            if is_search { Came::Lost(died) } else { Came::NotKept(died) }
        });
        let mut shell = shell.borrow_mut();
        shell.keeping.is_at_work = false;
        shell.tell_kept(slot, generation, came);
        shell.end_turn();
    }
}

fn work(states: &KeptStates, job: Job) -> Came {
    match job {
        Job::Keep(kept, keys) => match keep(states, kept, keys.as_deref()) {
            Ok((bytes, stored)) => Came::Kept { bytes, stored },
            Err(why) => Came::NotKept(why),
        },
        Job::Find(module) => match states.find(&module) {
            Ok(found) => Came::Found(found),
            Err(error @ KeptError::Damaged { .. }) => {
                let why = sentence(&error);
                match states.set_aside(&module) {
                    Ok(()) => Came::Lost(why),
                    Err(also) => Came::Lost(format!("{why}; {}", sentence(&also))),
                }
            }
            Err(error) => Came::Lost(sentence(&error)),
        },
        Job::Settle(module, fate) => {
            let settled = match fate {
                Fate::Taken => states.forget(&module),
                Fate::Refused => states.set_aside(&module),
            };
            settled.map_or_else(|error| Came::NotSettled(sentence(&error)), |()| Came::Settled)
        }
    }
}

fn keep(states: &KeptStates, mut kept: Kept, keys: Option<&[String]>) -> Result<(usize, u64), String> {
    if let Some(keys) = keys {
        kept.state = selected(&kept.state, keys)?;
    }
    let stored = states.keep(&kept).map_err(|error| sentence(&error))?;
    Ok((kept.state.len(), stored))
}

/// The declared members of a state that is an object, as they stand in it; what is not in it is left out.
pub(crate) fn selected(state: &[u8], keys: &[String]) -> Result<Vec<u8>, String> {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(state)
        .map_err(|_| "single members are to be kept, and its state is no JSON object".to_owned())?;
    let kept: BTreeMap<&String, &Box<RawValue>> =
        members.iter().filter(|(key, _)| keys.contains(key)).collect();
    serde_json::to_vec(&kept).map_err(|error| error.to_string())
}

impl Shell {
    pub(crate) fn keep_state(&mut self, slot: Slot, generation: Generation, state: &Payload, version: &Word) {
        let Some(blueprint) = self.blueprint(slot) else { return };
        if self.keeping.waiting_bytes + state.len() > WAITING_BYTES_MAX {
            let why = "too many states wait to be written".to_owned();
            return self.tell_kept(slot, generation, Came::NotKept(why));
        }
        self.keeping.waiting_bytes += state.len();
        let kept = Kept {
            module: blueprint.id.clone(),
            life: generation,
            at: wall_now(),
            version: version.to_string(),
            state: state.as_bytes().to_vec(),
        };
        self.queue_for_keeping(slot, generation, Job::Keep(kept, blueprint.kept_keys.clone()));
    }

    pub(crate) fn recall(&mut self, slot: Slot, generation: Generation) {
        if let Some(id) = self.kernel.spec(slot).map(|spec| spec.id.clone()) {
            self.queue_for_keeping(slot, generation, Job::Find(id));
        }
    }

    pub(crate) fn settle_kept(&mut self, slot: Slot, generation: Generation, fate: Fate) {
        if let Some(id) = self.kernel.spec(slot).map(|spec| spec.id.clone()) {
            self.queue_for_keeping(slot, generation, Job::Settle(id, fate));
        }
    }

    fn queue_for_keeping(&mut self, slot: Slot, generation: Generation, job: Job) {
        self.keeping.jobs.push_back((slot, generation, job));
        self.bells.states.notify_one();
    }

    fn tell_kept(&mut self, slot: Slot, generation: Generation, came: Came) {
        let Some(id) = self.kernel.spec(slot).map(|spec| spec.id.clone()) else { return };
        let record = |code| Record::new(code).of(&id, Some(generation));
        let found = match came {
            Came::Kept { bytes, stored } => {
                return self
                    .record(record("state.kept").number("bytes", bytes as u64).number("stored", stored));
            }
            Came::NotKept(why) => return self.record(record("state.not_kept").text("why", why)),
            Came::NotSettled(why) => {
                return self.trouble(format!("a state of {id} that was used is still there: {why}"));
            }
            Came::Settled => return,
            Came::Lost(why) => {
                self.record(record("state.not_taken").text("why", why));
                None
            }
            Came::Found(found) => found,
        };
        let left = found.and_then(|kept| Some((Payload::new(&kept.state), Word::parse(&kept.version).ok()?)));
        self.feed(Event::Recalled(slot, generation, left));
    }
}
