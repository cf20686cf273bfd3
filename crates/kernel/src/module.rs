//! One module as the kernel keeps it.
//!
//! ```text
//!             begin                 ready + all it needs
//!   Idle ───────────────► Running(Starting → Waiting → Ready)
//!    ▲  ▲ needs unmet       │ exit            │ end
//!    │  └──── Held ◄─┐      ▼                 ▼
//!    │               │    Queued            Ending ──► Idle | Running | Queued | forgotten
//!    └── give up ────┴──────┘
//! ```
//! `Held` has no process yet (plain commands whose needs are not ready); `Queued` waits for its restart; `Ending`
//! has been told to end and is not reaped yet. Only `Running` and `Ending` have a process and a generation.

use alloc::string::String;
use alloc::vec::Vec;

use abi::{Generation, ModuleId, Reason, State, Time};

use crate::event::{Discovered, NetBearer};
use crate::governor::Ladder;
use crate::keeping::{Parting, Taking};
use crate::permits::SECRETS_BURST;
use crate::refusals::Refusals;
use crate::restart::Bucket;
use crate::spec::{Capabilities, Forbidden, Grants, Manner, Spec, Work};
use crate::swap::{Side, Swap};
use crate::zones::Conduct;

/// Why a module does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It was never started.
    Fresh,
    /// It was ended on purpose.
    Stopped,
    /// It has done its work.
    Completed,
    /// It may not be started as it is.
    Refused,
    /// It failed and is not started again by itself.
    Crashed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Starting,
    Waiting,
    Ready,
}

/// What follows the end of a module that was told to end; a later wish replaces an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It stays stopped.
    Stay,
    /// It is started again at once, uncounted.
    Respawn,
    /// It is started again as after an unexpected end.
    Retry,
    /// It is started again, uncounted, when all that become new with it have ended.
    Gather,
    /// It leaves the table.
    Forget,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle(Rest),
    Held,
    /// Until this moment, or for the next restart of its zone when the moment has come.
    Queued(Time),
    Running(Generation, Stage),
    Ending {
        generation: Generation,
        reason: Reason,
        then: Then,
        /// When it had become ready, if it had.
        ready_at: Option<Time>,
        /// Its place in a whole shutdown.
        tier: u32,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Module {
    pub(crate) spec: Spec,
    pub(crate) grants: Grants,
    pub(crate) refused: Option<String>,
    /// Added by hand, so a discovery does not miss it.
    pub(crate) by_hand: bool,
    pub(crate) phase: Phase,
    pub(crate) since: Time,
    pub(crate) spawned_at: Time,
    pub(crate) restart_count: u32,
    /// How often it was started since the kernel knows it.
    pub(crate) lives: u64,
    pub(crate) reason: Option<Reason>,
    pub(crate) note: String,
    pub(crate) init_error: Option<String>,
    /// What it may call and hears, while it runs.
    pub(crate) capabilities: Capabilities,
    pub(crate) ping_sent: u64,
    pub(crate) pong_seen: u64,
    pub(crate) health_failures: u32,
    /// It was not ready in time, and the watchdog only says so.
    pub(crate) overdue: bool,
    /// What it was refused lately.
    pub(crate) refusals: Refusals,
    /// How many secrets it may still be handed, for now.
    pub(crate) secrets: Bucket,
    /// What describes it from its next start on, and why that may not be, if so.
    pub(crate) successor: Option<(Spec, Option<String>)>,
    /// An operator stopped it: only an operator, or the module that it stands in for, starts it again.
    pub(crate) kept_down: bool,
    /// Whether this life was told what the first frames tell, which is told once.
    pub(crate) greeted: bool,
    /// A killed life that the operating system has not let go, and what follows when it does: until then there is
    /// no other, because two lives of one module would spoil each other's work.
    pub(crate) lingering: Option<(Generation, Then)>,
    /// How far the governor has gone with this life.
    pub(crate) ladder: Ladder,
    /// A passive watchdog has said that it is past a bound.
    pub(crate) is_over_reported: bool,
    /// Its next life is offered what is kept, whatever it says of that.
    pub(crate) is_put_back: bool,
    /// It gives its state before it is told to end.
    pub(crate) parting: Option<Parting>,
    /// It takes over what an earlier life left before it counts as ready.
    pub(crate) taking: Option<Taking>,
    /// A life that is to answer in its place, on its way there.
    pub(crate) swap: Option<Swap>,
    /// Lives beside the one that answers, which did so before or were to: all of them end.
    pub(crate) sides: Vec<Side>,
    /// How the next change of its files is taken up, if somebody said so.
    pub(crate) manner: Option<Manner>,
    /// Who became new with it and falls back with it, while the lives before are warm.
    pub(crate) company: Vec<ModuleId>,
    /// How often it fell back to the life before.
    pub(crate) falls_back: u64,
    /// What was held against it lately, over all its lives.
    pub(crate) conduct: Conduct,
    /// What holds this life to the places that it may reach.
    pub(crate) net_bearer: NetBearer,
}

impl Module {
    pub(crate) fn new(found: Discovered, by_hand: bool, now: Time) -> Self {
        Self {
            spec: found.spec,
            grants: found.grants,
            refused: found.refused,
            by_hand,
            phase: Phase::Idle(Rest::Fresh),
            since: now,
            spawned_at: now,
            restart_count: 0,
            lives: 0,
            reason: None,
            note: String::new(),
            init_error: None,
            capabilities: Capabilities::default(),
            ping_sent: 0,
            pong_seen: 0,
            health_failures: 0,
            overdue: false,
            refusals: Refusals::default(),
            secrets: Bucket::new(SECRETS_BURST),
            successor: None,
            kept_down: false,
            greeted: false,
            lingering: None,
            ladder: Ladder::default(),
            is_over_reported: false,
            is_put_back: false,
            parting: None,
            taking: None,
            swap: None,
            sides: Vec::new(),
            manner: None,
            company: Vec::new(),
            falls_back: 0,
            conduct: Conduct::default(),
            net_bearer: NetBearer::default(),
        }
    }

    /// Another wish for what follows the end that is under way. The later one counts, with four exceptions: what is
    /// being forgotten stays so, what an operator stopped stays stopped, a fault gives no life to what has none, and what
    /// waits for others to end comes back with them.
    pub(crate) fn amend_end(&mut self, wish: Then) {
        let kept_down = self.kept_down;
        let Phase::Ending { then, .. } = &mut self.phase else { return };
        let void = match (*then, wish) {
            (Then::Forget, _) | (Then::Stay, Then::Retry) | (Then::Gather, Then::Respawn | Then::Retry) => {
                true
            }
            (_, Then::Respawn | Then::Retry | Then::Gather) => kept_down,
            (_, Then::Stay | Then::Forget) => false,
        };
        if !void {
            *then = wish;
        }
    }

    pub(crate) fn state(&self) -> State {
        match self.phase {
            Phase::Idle(Rest::Crashed) => State::Crashed,
            Phase::Idle(Rest::Fresh | Rest::Stopped | Rest::Completed | Rest::Refused) => State::Stopped,
            Phase::Held | Phase::Running(_, Stage::Waiting) => State::Waiting,
            Phase::Queued(_) => State::Restarting,
            Phase::Running(_, Stage::Starting) => State::Starting,
            Phase::Running(_, Stage::Ready) => State::Ready,
            Phase::Ending { .. } => State::Killed,
        }
    }

    pub(crate) fn generation(&self) -> Option<Generation> {
        match self.phase {
            Phase::Running(generation, _) | Phase::Ending { generation, .. } => Some(generation),
            Phase::Idle(_) | Phase::Held | Phase::Queued(_) => None,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Running(_, Stage::Ready))
    }

    /// Whether those who need it may begin.
    pub(crate) fn is_there(&self) -> bool {
        match self.spec.work {
            Work::Lasting => self.is_ready() || self.is_completed(),
            Work::Once => self.is_completed(),
        }
    }

    /// Whether it has done its work and rests.
    pub(crate) fn is_completed(&self) -> bool {
        self.phase == Phase::Idle(Rest::Completed)
    }

    /// Since when it has been ready, if it is or was until it was told to end.
    pub(crate) fn ready_at(&self) -> Option<Time> {
        match self.phase {
            Phase::Running(_, Stage::Ready) => Some(self.since),
            Phase::Ending { ready_at, .. } => ready_at,
            _ => None,
        }
    }

    /// What it may call and hears: what is stored, else what its manifest states, else what follows from it.
    pub(crate) fn derive_capabilities(&self) -> Capabilities {
        if self.grants.is_quarantined {
            return Capabilities::default();
        }
        let stated = [self.grants.capabilities.as_ref(), self.spec.capabilities.as_ref()];
        let spec = &self.spec;
        let mut all = stated.into_iter().flatten().next().cloned().unwrap_or_else(|| Capabilities {
            services: spec.requires.iter().chain(&spec.optional_requires).cloned().collect(),
            topics: spec.subscribes.union(&spec.publishes).cloned().collect(),
            forbid: Forbidden::default(),
        });
        // What anybody forbids is forbidden.
        for stated in stated.into_iter().flatten() {
            all.forbid.extend(&stated.forbid);
        }
        all.forbid.extend(&self.grants.forbid);
        all
    }
}

crate::saved::keep_variants!(Rest { Fresh {}, Stopped {}, Completed {}, Refused {}, Crashed {} });
crate::saved::keep_variants!(Stage { Starting {}, Waiting {}, Ready {} });
crate::saved::keep_variants!(Then { Stay {}, Respawn {}, Retry {}, Gather {}, Forget {} });
crate::saved::keep_variants!(Phase {
    Idle { 0: rest },
    Held {},
    Queued { 0: at },
    Running { 0: generation, 1: stage },
    Ending { generation: generation, reason: reason, then: then, ready_at: ready_at, tier: tier },
});
// What is left out comes from its files; nobody is on its way to another life while a kernel is saved.
crate::saved::keep_parts!(Module {
    by_hand,
    phase,
    since,
    spawned_at,
    restart_count,
    lives,
    reason,
    note,
    init_error,
    capabilities,
    ping_sent,
    pong_seen,
    health_failures,
    overdue,
    refusals,
    secrets,
    kept_down,
    greeted,
    lingering,
    ladder,
    is_over_reported,
    manner,
    falls_back,
    conduct,
    net_bearer,
});

#[cfg(test)]
mod tests;
