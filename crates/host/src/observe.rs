//! Modules that are observed: for a while, every life of theirs tells what it uses and wants, through the net helper. Nothing outlasts
//! the wish to look: whoever stops waiting for a profile ends it, and a kernel that was started to observe all tells at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use abi::{Generation, ModuleId, Record, Slot};
use protocol::operator::{Held, Profiled};
use sandbox::broker::Manner;
use sandbox::{Layer, Outside, Profile};
use serde::{Deserialize, Serialize};

use self::needs::{Places, needs, refused_calls};
use crate::files::blueprint::{Blueprint, Origin};
use crate::files::project::ProjectModules;
use crate::launch;
use crate::run::News;
use crate::shell::Shell;
use crate::translate::permissions_json;

pub(crate) mod needs;

/// 4,096 different wants of one module are kept; a program that reads more files reads whole folders.
const KEPT_MAX: usize = 4_096;

/// 64 refusals of one observation are journaled, so that `why` tells of them and nothing else is pushed out.
const JOURNALED_MAX: u32 = 64;

/// The second restart in a row: a life that follows two that failed is observed by itself, so that `why` can tell what files and calls it
/// was refused. One of such a row is enough, and no more are slowed down by it.
const LOOKED_AT_RESTART: u32 = 2;

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
    pub(crate) manner: Manner,
    since: Instant,
    why: Why,
    pub(crate) seen: BTreeSet<Seen>,
    /// How many wants came when there was no room any more.
    pub(crate) left_out: u64,
    journaled: u32,
}

/// Why a module is observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Somebody wishes to know what it needs.
    Wished,
    /// It fails again and again; only its present life is observed.
    Fails,
}

impl Observation {
    fn new(manner: Manner, why: Why) -> Self {
        Self { manner, since: Instant::now(), why, seen: BTreeSet::new(), left_out: 0, journaled: 0 }
    }
}

/// How a module can be observed that is to be observed like this. A plain command is held to nothing that it could be refused.
fn manner_of(blueprint: &Blueprint, wished: Manner) -> Manner {
    match blueprint.profile {
        Profile::Open => Manner::Open,
        Profile::Contained => wished,
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Observations {
    by_module: BTreeMap<ModuleId, Observation>,
    /// How every other module is observed, if at all, from the kernel's start to its end.
    all: Option<Manner>,
}

impl Observations {
    /// Begins to observe a module from its next life on; how, or nothing when it is observed already.
    pub(crate) fn begin(&mut self, blueprint: &Blueprint, wished: Manner) -> Option<Manner> {
        let own = self.by_module.get(&blueprint.id);
        if self.all.is_some() || own.is_some_and(|own| own.why == Why::Wished) {
            return None;
        }
        let manner = manner_of(blueprint, wished);
        self.by_module.insert(blueprint.id.clone(), Observation::new(manner, Why::Wished));
        Some(manner)
    }

    /// Ends it, and gives what was seen.
    pub(crate) fn end(&mut self, module: &ModuleId) -> Option<Observation> {
        self.by_module.remove(module)
    }

    /// How a life of a module is observed, if at all.
    pub(crate) fn manner(&self, blueprint: &Blueprint) -> Option<Manner> {
        let own = self.by_module.get(&blueprint.id).map(|observation| observation.manner);
        own.or_else(|| self.all.map(|wished| manner_of(blueprint, wished)))
    }

    /// The same for a life that is about to be launched; what it tells is kept from then on.
    fn enlist(&mut self, blueprint: &Blueprint) -> Option<Manner> {
        self.by_module.retain(|id, own| *id != blueprint.id || own.why == Why::Wished);
        let manner = self.manner(blueprint)?;
        self.by_module.entry(blueprint.id.clone()).or_insert_with(|| Observation::new(manner, Why::Wished));
        Some(manner)
    }

    /// Looks at one life of a module that fails.
    fn look_at(&mut self, blueprint: &Blueprint) -> Manner {
        self.by_module.insert(blueprint.id.clone(), Observation::new(Manner::Held, Why::Fails));
        Manner::Held
    }
}

/// Whether modules can be observed on this machine: some milliseconds of trying in children what that takes.
pub fn can_observe() -> bool {
    sandbox::probe::run().proof(Layer::NetBroker).is_works()
}

impl Shell {
    /// How the life that is about to be launched is observed, if at all.
    pub(crate) fn manner_of_next(
        &mut self,
        slot: Slot,
        blueprint: &Blueprint,
        net: &BTreeSet<String>,
    ) -> Option<Manner> {
        if let Some(manner) = self.observed.enlist(blueprint) {
            return Some(manner);
        }
        // An observed life has a network of its own, so one that was granted the machine's would be another module.
        let is_as_usual = blueprint.profile == Profile::Contained && !net.contains("*");
        let restarts = self.kernel.view(slot).map(|view| view.restart_count);
        let looks = is_as_usual
            && restarts == Some(LOOKED_AT_RESTART)
            && self.net.outside(&self.proofs) == Outside::Brokered;
        looks.then(|| self.observed.look_at(blueprint))
    }

    /// Observes every module that is a process, from now on.
    pub(crate) fn observe_all(&mut self, held: Option<Held>) {
        let is_possible = self.net.outside(&self.proofs) == Outside::Brokered;
        self.observed.all = held.filter(|_| is_possible).map(|held| match held {
            Held::Closed => Manner::Held,
            Held::Open => Manner::Open,
        });
    }

    /// Tells what every module needed, if all were observed.
    pub(crate) fn tell_observed(&self) {
        if self.observed.all.is_none() {
            return;
        }
        let all = self.observed.by_module.iter();
        for profiled in all.filter_map(|(id, observation)| self.profiled(id, observation)) {
            self.talk.tell(&News::Observed(profiled));
        }
    }

    /// What was seen of a module so far, as permissions.
    pub(crate) fn profiled(&self, id: &ModuleId, observation: &Observation) -> Option<Profiled> {
        let slot = self.kernel.find(id.as_str())?;
        let blueprint = self.blueprint(slot)?;
        let granted = self.effective(id);
        let folder = launch::folder_of(&blueprint);
        let home = self.surrounding.user_home();
        let needed = needs(&observation.seen, &granted, Places { folder: &folder, home: &home });
        let asks_itself = match blueprint.origin {
            Origin::Home => true,
            Origin::Project => {
                let says = |project: &ProjectModules| project.says_permissions_of(id);
                blueprint.folder.is_some() && !self.files.project.as_ref().is_some_and(says)
            }
            Origin::Hand => false,
        };
        Some(Profiled {
            module_id: id.to_string(),
            held: if observation.manner == Manner::Open { Held::Open } else { Held::Closed },
            observed_ms: u64::try_from(observation.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            granted: permissions_json(&granted),
            needed: permissions_json(&needed),
            refused_calls: refused_calls(&observation.seen),
            left_out: observation.left_out,
            status: self.status_of(slot).map(|status| status.status).unwrap_or_default(),
            file: asks_itself.then(|| folder.join("module.json").display().to_string()),
        })
    }

    /// An observed life has told something.
    pub(crate) fn saw(&mut self, module: &ModuleId, generation: Generation, seen: Seen) {
        let Some(observation) = self.observed.by_module.get_mut(module) else { return };
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
