//! Modules that are observed: for a while, every life of theirs tells what it uses and wants, through the net helper. Nothing outlasts
//! the wish to look: whoever stops waiting for a profile ends it.

use std::collections::{BTreeMap, BTreeSet};

use abi::{Generation, ModuleId, Record};
use sandbox::broker::Manner;
use serde::{Deserialize, Serialize};

use crate::shell::Shell;

pub(crate) mod needs;

/// 4,096 different wants of one module are kept; a program that reads more files reads whole folders.
const KEPT_MAX: usize = 4_096;

/// 64 refusals of one observation are journaled, so that `why` tells of them and nothing else is pushed out.
const JOURNALED_MAX: u32 = 64;

/// Something that an observed life used or wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Wish {
    Read(String),
    Write(String),
    Run(String),
    Net(String),
    Call(String),
}

/// A wish, and whether it is granted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) wish: Wish,
    pub(crate) is_granted: bool,
}

impl Wish {
    /// The kind of permission and the value that it is about; a call's kind is none.
    fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Read(path) => ("read", path),
            Self::Write(path) => ("write", path),
            Self::Run(path) => ("run", path),
            Self::Net(place) => ("net", place),
            Self::Call(call) => ("call", call),
        }
    }
}

/// One module that is observed.
#[derive(Debug)]
pub(crate) struct Observation {
    manner: Manner,
    pub(crate) seen: BTreeSet<Seen>,
    /// How many wants came when there was no room any more.
    pub(crate) left_out: u64,
    journaled: u32,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Observations(BTreeMap<ModuleId, Observation>);

impl Observations {
    /// Begins to observe a module from its next life on; whether it was not observed before.
    pub(crate) fn begin(&mut self, module: &ModuleId, manner: Manner) -> bool {
        if self.0.contains_key(module) {
            return false;
        }
        let fresh = Observation { manner, seen: BTreeSet::new(), left_out: 0, journaled: 0 };
        self.0.insert(module.clone(), fresh);
        true
    }

    /// Ends it, and gives what was seen.
    pub(crate) fn end(&mut self, module: &ModuleId) -> Option<Observation> {
        self.0.remove(module)
    }

    /// How the next life of a module is to be observed, if at all.
    pub(crate) fn manner(&self, module: &ModuleId) -> Option<Manner> {
        self.0.get(module).map(|observation| observation.manner)
    }
}

impl Shell {
    /// An observed life has told something.
    pub(crate) fn saw(&mut self, module: &ModuleId, generation: Generation, seen: Seen) {
        let Some(observation) = self.observed.0.get_mut(module) else { return };
        if observation.seen.contains(&seen) {
            return;
        }
        if observation.seen.len() >= KEPT_MAX {
            observation.left_out += 1;
            return;
        }
        let is_refused =
            !seen.is_granted && (observation.manner == Manner::Held || matches!(seen.wish, Wish::Call(_)));
        let record = (is_refused && observation.journaled < JOURNALED_MAX).then(|| {
            observation.journaled += 1;
            refused(module, generation, &seen.wish)
        });
        observation.seen.insert(seen);
        if let Some(record) = record {
            self.record(record);
        }
    }
}

fn refused(module: &ModuleId, generation: Generation, wish: &Wish) -> Record {
    let (kind, value) = wish.words();
    match wish {
        Wish::Call(call) => {
            Record::new("call.refused").of(module, Some(generation)).text("call", call.as_str())
        }
        _ => {
            Record::new("access.refused").of(module, Some(generation)).text("kind", kind).text("value", value)
        }
    }
}
