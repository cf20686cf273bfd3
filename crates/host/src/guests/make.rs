//! Making a guest, on a thread of its own: its file is read, checked, compiled, and its first code run.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use abi::{Explain, Name};
use actor::Spawn;
use wasm::{
    Command, CompileError, Fault, Grant, Identity, Instance, Limits, Module, ModuleError, Stop,
    TEXT_BYTES_MAX,
};

use super::post::{Help, News, Post, Room};
use super::resident::{Frame, Resident, Successor, What};
use super::services::{Bus, Shared, Topics};
use super::swap::SwapDone;
use super::{Lazy, Living};
use crate::launch::sentence;

/// Everything that a guest is made from. Nothing in it belongs to the kernel's thread.
pub(super) struct Order {
    pub(super) engine: Lazy,
    pub(super) entry: PathBuf,
    pub(super) grant: Grant,
    pub(super) limits: Limits,
    pub(super) identity: Identity,
    pub(super) may_hear: Arc<BTreeSet<Name>>,
    pub(super) shared: Arc<Shared>,
    pub(super) post: Post,
}

/// Why there is no guest.
pub(super) type Failure = (Help, String);

/// What was made.
pub(super) enum Made {
    /// A module that can be spoken to.
    Module(Living),
    /// A plain command, and what lets it begin.
    Command(Stop, SyncSender<()>),
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Module(_) => "Module",
            Self::Command(..) => "Command",
        })
    }
}

impl Order {
    /// An instance that has not been initialised.
    fn instance(&self) -> Result<Successor, Failure> {
        let engine = self.engine.get().map_err(|error| (Help::No, sentence(&error)))?;
        let module =
            Module::compile(&engine, &read(&self.entry)?, self.grant.clone()).map_err(|e| refused(&e))?;
        let topics = Topics::default();
        let bus = Bus {
            post: self.post.clone(),
            shared: Arc::clone(&self.shared),
            topics: topics.clone(),
            may_hear: Arc::clone(&self.may_hear),
            born: Instant::now(),
        };
        let made = Instance::try_new(&module, self.identity.clone(), self.limits, Box::new(bus));
        let instance = made.map_err(|fault| (help_of(&fault), sentence(&fault)))?;
        Ok(Successor { instance, topics })
    }

    /// A plain command, ready to be run.
    pub(super) fn command(&self) -> Result<Command, Failure> {
        let engine = self.engine.get().map_err(|error| (Help::No, sentence(&error)))?;
        Command::compile(&engine, &read(&self.entry)?, self.grant.clone()).map_err(|error| refused(&error))
    }
}

/// Makes a module and lets it live in `system`, which is the hall's.
pub(super) fn module(order: &Order, system: actor::System, hall: usize) -> Result<Made, Failure> {
    let successor = order.instance()?;
    let stop = successor.instance.stopper();
    let shared = Arc::clone(&order.shared);
    let resident = Resident::new(successor, order.post.clone(), Arc::clone(&shared), hall);
    // From here on its end is told by the actor itself, whatever happens.
    let address = system.spawn(Spawn::default().metered(), resident);
    let no_place = |refusal| (Help::Perhaps, format!("its thread takes no more modules: {refusal}"));
    let address = address.map_err(no_place)?;
    shared.settle();
    Ok(Made::Module(Living { system, address, inbox: Arc::<Room>::default(), shared, stop }))
}

/// Makes a successor and hands it to the guest that it is to replace.
pub(super) fn successor(order: &Order, living: &Living) {
    let refused = match order.instance() {
        Ok(successor) => {
            let what = What::Swap(Box::new(successor));
            match living.system.send(living.address, Frame { what, place: None }) {
                Ok(_) => return,
                Err(refused) => format!("it can't be reached: {}", refused.why),
            }
        }
        Err((_, why)) => why,
    };
    order.post.send(News::Swapped(SwapDone::Refused(refused)));
}

/// Reads a component's file, up to what can be one.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |why: String| (Help::No, format!("`{}` can't be read: {why}", path.display()));
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    let most = TEXT_BYTES_MAX as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() > TEXT_BYTES_MAX {
        return Err(unreadable(format!("it has more than {TEXT_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

fn refused(error: &ModuleError) -> Failure {
    let help = match error {
        // The machine had no time; the file may be all right.
        ModuleError::Compile(CompileError::Busy { .. } | CompileError::NoThread) => Help::Perhaps,
        ModuleError::Compile(CompileError::TookTooLong { .. } | CompileError::Failed { .. })
        | ModuleError::Check(_)
        | ModuleError::Export { .. }
        | ModuleError::Import { .. }
        | ModuleError::World(_) => Help::No,
    };
    (help, sentence(error as &dyn Explain))
}

/// A pool that is full may have room later, and start-up code that trapped may not the next time.
fn help_of(fault: &Fault) -> Help {
    match fault {
        Fault::NotMade { bound: Some(_), .. } => Help::No,
        _ => Help::Perhaps,
    }
}
