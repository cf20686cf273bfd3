//! One life's way up and down the ladder: a step up when a load stays, a step down when it has stayed away for longer.
//!
//! ```text
//! free ─► slowed ─► shedding ─► throttled ─► frozen ─► killed
//!   ▲        │          │           │           │
//!   └────────┴──────────┴───────────┴───────────┘ one at a time, after as many calm looks as patience wants
//! ```
//! A step that can't help is left out: no slower queue gives memory back. Between [`CALM_PERMILLE`] and [`FULL_PERMILLE`] nothing
//! changes, so that a remedy that works stays on for as long as it is needed. Who relapses soon after the last step was
//! undone, or in the middle of its way down, has to be calm for twice as long the next time, up to [`PATIENCE_MAX`], so
//! that no load however clever makes the ladder swing forever at its own pace.

use super::Pooled;
use super::amount::{Load, Resource};

/// 1,000: more than the bound.
const FULL_PERMILLE: u64 = 1000;

/// 700: so far below the bound that the pressure counts as gone.
const CALM_PERMILLE: u64 = 700;

/// 2 looks past the bound for each step that hurts; slowing down is so mild that one is enough.
const LOOKS_UP: u32 = 2;

/// 3 calm looks for each step down.
const PATIENCE_LEAST: u32 = 3;

/// 96 calm looks: what the most restless module has to wait for each step down; at a look a second below two minutes.
const PATIENCE_MAX: u32 = 96;

/// 3 times frozen in one climb: what comes back each time is ended at the next.
const FREEZES_MAX: u32 = 3;

/// How tight a life is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Step {
    /// Not at all.
    #[default]
    Free,
    /// Its frames are taken at its rate and no faster, and little of what is for it waits.
    Slowed,
    /// What it wants of others is refused as `overloaded`.
    Shedding,
    /// It gets a small share of a processor.
    Throttled,
    /// It stands still.
    Frozen,
    /// It is ended, and started again as after a crash.
    Killed,
}

impl Step {
    /// The step's word in the journal and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Slowed => "slowed",
            Self::Shedding => "shedding",
            Self::Throttled => "throttled",
            Self::Frozen => "frozen",
            Self::Killed => "killed",
        }
    }

    /// The code of the record that says that it was taken.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Free => "governor.eased",
            Self::Slowed => "governor.slowed",
            Self::Shedding => "governor.shedding",
            Self::Throttled => "governor.throttled",
            Self::Frozen => "governor.frozen",
            Self::Killed => "governor.killed",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Free => Self::Slowed,
            Self::Slowed => Self::Shedding,
            Self::Shedding => Self::Throttled,
            Self::Throttled => Self::Frozen,
            Self::Frozen | Self::Killed => Self::Killed,
        }
    }

    fn before(self) -> Self {
        match self {
            Self::Free | Self::Slowed => Self::Free,
            Self::Shedding => Self::Slowed,
            Self::Throttled => Self::Shedding,
            Self::Frozen => Self::Throttled,
            Self::Killed => Self::Frozen,
        }
    }
}

/// The first step that can help against too much of this.
fn first_step(resource: Resource) -> Step {
    match resource {
        Resource::Messages | Resource::Calls | Resource::QueueFrames | Resource::QueueBytes => Step::Slowed,
        // Who gets little of a processor forks little.
        Resource::Cpu | Resource::Births => Step::Throttled,
        Resource::Memory | Resource::Processes | Resource::Files => Step::Frozen,
    }
}

/// What one look led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Stay,
    Up(Step),
    Down(Step),
}

/// Where a life is on the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ladder {
    step: Step,
    /// The lowest step that was taken in this climb: below it nothing is to be undone.
    floor: Step,
    /// Looks past the bound in a row.
    over: u32,
    /// Calm looks in a row.
    calm: u32,
    /// Calm looks that the next step down takes.
    patience: u32,
    /// Looks since it was last set free.
    free_for: u32,
    freezes: u32,
    /// A step was undone since the last one up, and not all of them.
    is_coming_down: bool,
    /// Whether this climb is for the sake of its pool, and of what.
    pub(crate) pooled: Option<Pooled>,
}

impl Default for Ladder {
    fn default() -> Self {
        Self {
            step: Step::Free,
            floor: Step::Free,
            over: 0,
            calm: 0,
            patience: PATIENCE_LEAST,
            free_for: u32::MAX,
            freezes: 0,
            is_coming_down: false,
            pooled: None,
        }
    }
}

impl Ladder {
    pub(crate) fn step(&self) -> Step {
        self.step
    }

    /// One look. `highest` is the last step that may be taken.
    pub(crate) fn look(&mut self, load: Option<Load>, highest: Step) -> Move {
        if self.step > highest {
            return self.ease_to(highest);
        }
        if self.step == Step::Free {
            self.free_for = self.free_for.saturating_add(1);
        }
        match load {
            Some(load) if load.permille > FULL_PERMILLE => self.pressed(load.resource, highest),
            // Who stands still can't use less of what it holds: frozen, not being past the bound has to do.
            Some(load) if load.permille > CALM_PERMILLE && self.step != Step::Frozen => {
                (self.over, self.calm) = (0, 0);
                Move::Stay
            }
            Some(_) | None => self.at_ease(),
        }
    }

    fn pressed(&mut self, resource: Resource, highest: Step) -> Move {
        self.calm = 0;
        self.over += 1;
        let mut next = self.step.next().max(first_step(resource));
        if next == Step::Frozen && self.freezes >= FREEZES_MAX {
            next = Step::Killed;
        }
        let next = next.min(highest);
        let looks = if next == Step::Slowed { 1 } else { LOOKS_UP };
        if next <= self.step || self.over < looks {
            return Move::Stay;
        }
        self.over = 0;
        if self.step == Step::Free {
            self.begin_climb(next);
        } else if core::mem::take(&mut self.is_coming_down) {
            self.patience = (self.patience * 2).min(PATIENCE_MAX);
        }
        self.floor = self.floor.min(next);
        self.freezes += u32::from(next == Step::Frozen);
        self.step = next;
        Move::Up(next)
    }

    fn begin_climb(&mut self, first: Step) {
        let is_relapse = self.free_for <= self.patience.saturating_mul(4);
        self.patience = if is_relapse { (self.patience * 2).min(PATIENCE_MAX) } else { PATIENCE_LEAST };
        self.floor = first;
        self.freezes = 0;
    }

    fn at_ease(&mut self) -> Move {
        self.over = 0;
        if self.step == Step::Free {
            return Move::Stay;
        }
        self.calm += 1;
        // Who stands still is calm by force, so that says little: it is let go on after the least time, and watched.
        let patience = if self.step == Step::Frozen { PATIENCE_LEAST } else { self.patience };
        if self.calm < patience {
            return Move::Stay;
        }
        let below = self.step.before();
        self.ease_to(if below < self.floor { Step::Free } else { below })
    }

    fn ease_to(&mut self, step: Step) -> Move {
        (self.over, self.calm, self.step) = (0, 0, step);
        self.is_coming_down = step != Step::Free;
        if step == Step::Free {
            (self.free_for, self.pooled) = (0, None);
        }
        Move::Down(step)
    }
}

crate::saved::keep_variants!(Step { Free {}, Slowed {}, Shedding {}, Throttled {}, Frozen {}, Killed {} });
crate::saved::keep_fields!(Ladder {
    step,
    floor,
    over,
    calm,
    patience,
    free_for,
    freezes,
    is_coming_down,
    pooled,
});

#[cfg(test)]
mod tests;
