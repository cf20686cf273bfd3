//! One run of one seed: a rough time, then rest, then the end of everything.

use core::ops::Range;
use core::time::Duration;
use std::collections::BTreeMap;
use std::fmt;

use abi::Time;
use kernel::Order;

use crate::house;
use crate::world::World;

/// 2 h of virtual time: what is on its way comes to rest far earlier, or never will.
const REST_MAX: Duration = Duration::from_secs(7200);

/// 30 min of virtual time: all restarts of a row of modules that fail one after the other take less.
const STARTS_MAX: Duration = Duration::from_secs(1800);

/// 60 s after the end: nothing may happen any more, whatever still comes in.
const AFTERMATH: Duration = Duration::from_secs(60);

/// A run that kept every rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// How many times the kernel was told something.
    pub steps: u64,
    /// How long it lasted in virtual time, in milliseconds.
    pub lasted_ms: u64,
    /// Stands for all effects and their moments.
    pub digest: u64,
}

/// A run in which a rule was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What repeats it.
    pub seed: u64,
    /// How rough the time was, in steps.
    pub steps: u64,
    /// The broken rule.
    pub rule: String,
    /// What happened last, one line each.
    pub lines: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "seed {}: {}", self.seed, self.rule)?;
        write!(f, "repeat with: cargo run -p sim -- --seed {} --steps {}", self.seed, self.steps)
    }
}

/// Runs a seed twice: no rule may be broken, and both times must be the same, though in the second one the kernel is changed
/// now and then for another that goes on from what the first one saved.
///
/// # Errors
/// `Failure` names the broken rule and shows what happened last.
pub fn run(seed: u64, steps: u64) -> Result<Report, Failure> {
    let first = run_once(seed, steps)?;
    let second = run_with(seed, steps, Kernels::Many)?;
    if first == second {
        return Ok(first);
    }
    let rule = format!("two runs of this seed differ: {first:?}, {second:?}");
    Err(Failure { seed, steps, rule, lines: Vec::new() })
}

/// Runs a seed once.
///
/// # Errors
/// `Failure` names the broken rule and shows what happened last.
pub fn run_once(seed: u64, steps: u64) -> Result<Report, Failure> {
    run_with(seed, steps, Kernels::One)
}

/// How many kernels a run has, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernels {
    One,
    Many,
}

fn run_with(seed: u64, steps: u64, kernels: Kernels) -> Result<Report, Failure> {
    let mut world = World::rough(seed);
    if kernels == Kernels::Many {
        world.hand_over_now_and_then(seed);
    }
    match live(&mut world, steps) {
        Ok(()) => Ok(Report { steps: world.steps, lasted_ms: world.now.0, digest: world.trace.digest() }),
        Err(rule) => Err(Failure { seed, steps, rule, lines: world.trace.lines() }),
    }
}

/// How often these seeds led to each kind of record: what is never seen is never tried.
///
/// # Errors
/// `Failure` as for one run.
pub fn tally(seeds: Range<u64>, steps: u64) -> Result<BTreeMap<&'static str, u64>, Failure> {
    let mut all = BTreeMap::new();
    for seed in seeds {
        let mut world = World::rough(seed);
        if let Err(rule) = live(&mut world, steps) {
            return Err(Failure { seed, steps, rule, lines: world.trace.lines() });
        }
        for (code, count) in world.trace.into_seen() {
            *all.entry(code).or_default() += count;
        }
    }
    Ok(all)
}

fn live(world: &mut World, steps: u64) -> Result<(), String> {
    while world.steps < steps && !world.observer.is_finished() {
        world.step()?;
    }
    world.operator_rests = true;
    let settle = world.order(Order::Settle);
    let by = world.now + REST_MAX;
    // The order itself is still to be told, so one step comes before the question whether it is open.
    world.step()?;
    while world.observer.is_open(settle) && world.next().is_some_and(|at| at <= by) {
        world.step()?;
    }
    if world.observer.is_open(settle) {
        return Err(String::from("nothing settles"));
    }
    let by = world.now + STARTS_MAX;
    while world.observer.a_start_is_open() && world.next().is_some_and(|at| at <= by) {
        world.step()?;
    }
    if world.observer.a_start_is_open() {
        return Err(String::from("an order to start is not answered though nobody disturbs"));
    }
    end(world, seed_wants_force(steps, world.now))
}

/// Some ends are forced by a second order, after somebody wished for a start.
fn seed_wants_force(steps: u64, now: Time) -> Force {
    if (steps ^ now.0).is_multiple_of(3) { Force::Twice } else { Force::Once }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Force {
    Once,
    Twice,
}

pub(crate) fn shut_down(world: &mut World) -> Result<(), String> {
    end(world, Force::Once)
}

fn end(world: &mut World, force: Force) -> Result<(), String> {
    world.order(Order::Shutdown);
    if force == Force::Twice {
        // Who comes too late is told so.
        world.order(Order::Restart(house::module_id(0)));
        world.order(Order::Shutdown);
    }
    let by = world.now + REST_MAX;
    while !world.observer.is_finished() && world.next().is_some_and(|at| at <= by) {
        world.step()?;
    }
    if !world.observer.is_finished() {
        return Err(String::from("the shutdown never ends"));
    }
    let by = world.now + AFTERMATH;
    while world.next().is_some_and(|at| at <= by) {
        world.step()?;
    }
    world.observer.farewell()
}
