//! The governor's hands and eyes: looks at what lives use, tells the kernel, and holds them as it says.
//!
//! # What is looked at, and when
//! One look a second at the most. The system's pressure is read at each; a module is measured when it has a bound, when its
//! pool has a cap, while it is held, and, while the machine is strained, in any case. So a kernel whose modules have no bounds
//! reads one file a second and nothing else.
//!
//! # How a grip is carried out
//! | step | by |
//! |---|---|
//! | slowed | a token bucket before the module's pipes, small reads, a short queue |
//! | shedding | its proxy, which the kernel tells itself |
//! | throttled | the processor's quota of its cgroup; where there is none, it stands still for most of each tenth of a second |
//! | frozen | the freezer of its cgroup, else SIGSTOP to its process group |
//!
//! For WebAssembly guests see [`guests`].

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use abi::limits::QUEUE_FRAMES_MAX_DEFAULT;
use abi::{Generation, Record, Slot, Time, Zone};
use kernel::{Amounts, Bounds, Event, Grip, Measured, Reading, Resource, Step, TokenBucket, View};
use sandbox::control::{self, Caps, Control, GroupUse, Motion, Weight};
use tokio::task::AbortHandle;

use crate::life::Life;
use crate::shell::{Handle, Shell};
use crate::usage;

mod guests;
mod pools;
#[cfg(test)]
mod tests;

/// 1 s between two looks: a flood is slowed within it, and a look at a hundred modules with bounds costs below a thousandth of
/// a processor.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// 100 ms of frames may come at once from a slowed module.
const BURST_SLOWED: Duration = Duration::from_millis(100);

/// 1 s of frames may come at once from a module with a bound on them: it is about what is kept up.
const BURST: Duration = Duration::from_secs(1);

/// 100 ms: one round of standing still and going on, where the system has no quota.
const DUTY_ROUND: Duration = Duration::from_millis(100);

/// 64 frames wait for a slowed module: what it does not read soon is better refused than kept.
const SLOWED_QUEUE_FRAMES: usize = QUEUE_FRAMES_MAX_DEFAULT / 8;

/// How one life is held.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) grip: Grip,
    /// What its frames are paid from, where their number is bounded or while it is slowed.
    pub(crate) bucket: Option<TokenBucket>,
    /// Its part of what its pool's frames and calls are paid from, where their number is bounded.
    share: Option<pools::Share>,
    /// Lets it stand still for a part of each round; where the system has no quota.
    duty: Option<AbortHandle>,
}

impl Held {
    pub(crate) fn is_slowed(&self) -> bool {
        self.grip.step >= Step::Slowed
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(duty) = &self.duty {
            duty.abort();
        }
    }
}

/// What a life had used when it was looked at last.
#[derive(Debug, Clone, Copy)]
struct Last {
    generation: Generation,
    at: Time,
    cpu_us: u64,
    frames: u64,
    calls: u64,
    births_refused: u64,
    /// All of it, in the kernel's units.
    used: Amounts,
}

/// What the system counts of a whole group, so that no bound of a single process has to stand in for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) processes: bool,
    pub(crate) memory: bool,
}

/// The hands and eyes.
#[derive(Debug)]
pub(crate) struct Governor {
    control: Option<Box<dyn Control>>,
    /// By seat, what was seen last.
    last: BTreeMap<Slot, Last>,
    /// By seat, how often the system had killed for want of memory in its group when its last life ended.
    memory_kills: BTreeMap<Slot, (PathBuf, u64)>,
    pools: pools::PoolsHeld,
}

impl Governor {
    /// With whoever enforces bounds here.
    pub(crate) fn open(control: Option<Box<dyn Control>>) -> Self {
        match &control {
            Some(control) => tracing::info!(
                by = control.name(),
                controllers = control.controllers().join(","),
                "bounds are enforced by the system"
            ),
            None => tracing::info!("bounds are kept by rlimits and by looking now and then"),
        }
        let pools = pools::PoolsHeld::default();
        Self { control, last: BTreeMap::new(), memory_kills: BTreeMap::new(), pools }
    }

    /// What the system itself counts of a group.
    pub(crate) fn counted(&self) -> Counted {
        Counted { processes: self.has("pids"), memory: self.has("memory") }
    }

    fn has(&self, controller: &str) -> bool {
        self.control.as_ref().is_some_and(|control| control.controllers().contains(&controller))
    }

    /// How bounds are enforced here, for people.
    pub(crate) fn way(&self) -> String {
        match &self.control {
            Some(control) => format!("{} ({})", control.name(), control.controllers().join(", ")),
            None => "rlimits and sampling".to_owned(),
        }
    }

    /// Puts a module's bounds on its group.
    fn hold(&self, dir: &Path, bounds: Bounds, cpu_permille: Option<u64>) {
        let Some(control) = &self.control else { return };
        let cpu = cpu_permille.into_iter().chain(bounds.of(Resource::Cpu)).min();
        let caps = Caps {
            cpu_permille: cpu,
            memory_bytes: bounds.of(Resource::Memory),
            processes: bounds.of(Resource::Processes),
            // As much as any other of its pool; it is the pool that has more or less than others.
            weight: Weight::PLAIN,
        };
        if let Err(error) = control.hold(dir, caps) {
            tracing::warn!(%error, group = %dir.display(), "a bound could not be set");
        }
    }

    /// Takes a newborn child, and whatever it has forked since, into the groups that it was not born into.
    fn adopt(&self, dir: &Path, pid: u32) {
        let Some(control) = &self.control else { return };
        let joined = control.join(dir, &[pid]).and_then(|()| {
            let forked = control::members(dir)?.into_iter().filter(|member| *member != pid);
            control.join(dir, &forked.collect::<Vec<u32>>())
        });
        if let Err(error) = joined {
            tracing::warn!(%error, group = %dir.display(), "a module could not be taken into its group");
        }
    }

    /// What the system counts of a group.
    pub(crate) fn used(&self, dir: &Path) -> GroupUse {
        match &self.control {
            Some(control) => control.used(dir),
            None => GroupUse { cpu_us: control::group_cpu_us(dir), ..GroupUse::default() },
        }
    }

    /// What the system counts of a whole pool.
    fn used_by_pool(&self, pool: &Path) -> GroupUse {
        match &self.control {
            Some(control) => control.used_by_pool(pool),
            None => GroupUse { cpu_us: control::group_cpu_us(pool), ..GroupUse::default() },
        }
    }

    /// A module's group is gone or spent.
    pub(crate) fn forget(&self, dir: &Path) {
        if let Some(control) = &self.control {
            control.forget(dir);
        }
    }

    pub(crate) fn close(&self) {
        if let Some(control) = &self.control {
            control.close();
        }
    }
}

/// What a module's frames are paid from: its bound, or what a grip leaves of it.
fn bucket(now: Time, view: &View, grip: Grip) -> Option<TokenBucket> {
    let burst = if grip.step >= Step::Slowed { BURST_SLOWED } else { BURST };
    let per_s = grip.messages_per_s.or(view.bounds.of(Resource::Messages))?;
    Some(TokenBucket::new(now, per_s, burst))
}

/// How many frames may wait for a module: its own bound, and few while it is slowed.
fn queue_frames(view: &View, step: Step) -> usize {
    let own = view.bounds.of(Resource::QueueFrames).and_then(|own| usize::try_from(own).ok());
    let own = own.unwrap_or(QUEUE_FRAMES_MAX_DEFAULT);
    if step >= Step::Slowed { own.min(SLOWED_QUEUE_FRAMES) } else { own }
}

impl Shell {
    /// Whether the system is to keep bounds of this module.
    fn has_group_bounds(&self, view: &View) -> bool {
        let pool = self.kernel.settings().pools.of(view.zone);
        let own = pools::is_kept(kernel::Pool { cap: view.bounds, ..pool });
        view.zone == Zone::Sandbox || own || pools::is_kept(pool)
    }

    /// Before a launch: the bounds of the group that the child will be in.
    pub(crate) fn bound_group(&mut self, slot: Slot) {
        let Some(view) = self.kernel.view(slot).filter(|view| self.has_group_bounds(view)) else { return };
        let Some(dir) = self.seat(slot).and_then(|seat| seat.cgroup.as_deref()) else { return };
        self.governor.hold(dir, view.bounds, None);
    }

    /// After a launch: the child is taken into groups that it was not born into, and its queue gets its bound.
    pub(crate) fn adopt(&mut self, slot: Slot, life: &mut Life) {
        let Some(view) = self.kernel.view(slot) else { return };
        life.outbox.bound_frames(queue_frames(&view, Step::Free));
        life.held.bucket = bucket(self.now(), &view, Grip::default());
        let dir = life.cgroup.as_deref();
        if let Some(dir) = dir.filter(|_| self.has_group_bounds(&view)) {
            self.governor.adopt(dir, life.pid);
        }
    }

    /// Holds a life as tight as this from now on.
    pub(crate) fn grip(&mut self, slot: Slot, generation: Generation, grip: Grip) {
        let now = self.now();
        let Some(view) = self.kernel.view(slot) else { return };
        if self.is_guest(slot, generation) {
            return self.grip_guest(&view, generation, grip);
        }
        let cgroup = self.seat(slot).and_then(|seat| seat.cgroup.clone());
        let has_quota = self.governor.has("cpu") && cgroup.is_some();
        let handle = self.handle();
        let Some(life) = self.life_mut(slot, generation) else { return };
        let before = std::mem::replace(&mut life.held.grip, grip);
        life.held.bucket = bucket(now, &view, grip);
        life.outbox.bound_frames(queue_frames(&view, grip.step));
        if let Some(duty) = life.held.duty.take() {
            duty.abort();
        }
        if grip.step == Step::Throttled && !has_quota {
            life.held.duty = Some(stand_still_now_and_then(handle, slot, generation, grip.cpu_permille));
        }
        let was_still = matches!(before.step, Step::Frozen | Step::Throttled);
        if grip.step == Step::Frozen {
            self.set_motion(slot, generation, Motion::Frozen);
        } else if was_still {
            self.set_motion(slot, generation, Motion::Free);
        }
        if let Some(dir) = cgroup.filter(|_| before.cpu_permille != grip.cpu_permille) {
            let is_new = !self.has_group_bounds(&view);
            self.governor.hold(&dir, view.bounds, grip.cpu_permille);
            // A module without bounds of its own was never taken into such a group.
            if is_new && grip.cpu_permille.is_some() {
                self.adopt_all(slot, &dir);
            }
        }
    }

    fn adopt_all(&self, slot: Slot, dir: &Path) {
        if let Some(life) = self.seat(slot).and_then(|seat| seat.life.as_ref()) {
            self.governor.adopt(dir, life.pid);
        }
    }

    fn set_motion(&mut self, slot: Slot, generation: Generation, motion: Motion) {
        let cgroup = self.seat(slot).and_then(|seat| seat.cgroup.clone());
        if cgroup.is_some_and(|dir| control::freeze_cgroup(&dir, motion).is_ok()) {
            return;
        }
        let Some(life) = self.life_mut(slot, generation) else { return };
        let signal = match motion {
            Motion::Frozen => sandbox::Signal::STOP,
            Motion::Free => sandbox::Signal::CONT,
        };
        // One that has just ended needs neither.
        let _gone = sandbox::signal_group(life.pid, life.pidfd.as_fd(), signal);
    }

    /// A life has ended: if the system killed something of it for want of memory, that is what explains the end.
    pub(crate) fn tell_memory_kill(&mut self, slot: Slot, generation: Generation) {
        let Some(seat) = self.seat(slot) else { return };
        let (id, Some(dir)) = (seat.id.clone(), seat.cgroup.clone()) else { return };
        let Some(kills) = self.governor.used(&dir).memory_kills else { return };
        let before = self.governor.memory_kills.insert(slot, (dir.clone(), kills));
        // Another group begins to count anew.
        let before = before.filter(|(group, _)| *group == dir).map_or(0, |(_, kills)| kills);
        if kills > before {
            let bound = self.kernel.view(slot).and_then(|view| view.bounds.of(Resource::Memory));
            let record = Record::new("governor.out_of_memory").of(&id, Some(generation));
            self.record(record.number("bound", bound.unwrap_or_default()));
        }
    }

    /// A life is over: nothing may stay held that its successor would find.
    pub(crate) fn release_group(&mut self, slot: Slot, held: &Held) {
        self.governor.last.remove(&slot);
        let Some(dir) = self.seat(slot).and_then(|seat| seat.cgroup.as_deref()) else { return };
        if matches!(held.grip.step, Step::Frozen | Step::Throttled) {
            // A group that is gone holds nobody.
            let _gone = control::freeze_cgroup(dir, Motion::Free);
        }
        if let Some(view) = self.kernel.view(slot).filter(|_| held.grip.cpu_permille.is_some()) {
            self.governor.hold(dir, view.bounds, None);
        }
    }

    /// One look at everything that is to be looked at.
    pub(crate) fn look(&mut self) {
        let now = self.now();
        let strain_permille = strain_permille();
        self.count_sharers();
        self.pace_guests();
        let mut rows = Vec::new();
        for (slot, generation) in self.kernel.governed(strain_permille) {
            if let Some(used) = self.measure(now, slot, generation) {
                rows.push(Reading { slot, generation, used });
            }
        }
        if rows.is_empty() && strain_permille == 0 {
            return;
        }
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        self.feed_at(now, Event::Measured(Measured { rows, strain_permille, cores }));
        self.end_turn();
    }

    /// What a life uses now, in the kernel's units; rates are those since the last look, and 0 at the first.
    fn measure(&mut self, now: Time, slot: Slot, generation: Generation) -> Option<Amounts> {
        let tally = self.seat(slot)?.tally;
        let (group, used) = self.count(slot, generation)?;
        let this = Last {
            generation,
            at: now,
            cpu_us: self.cpu_us(slot, group)?,
            frames: tally.frames_in,
            calls: tally.calls_in,
            births_refused: group.births_refused.unwrap_or_default(),
            used,
        };
        let before = self.governor.last.get(&slot).filter(|last| last.generation == generation);
        let used = before.map_or(used, |before| with_rates(used, *before, this));
        self.governor.last.insert(slot, Last { used, ..this });
        Some(used)
    }

    fn cpu_us(&self, slot: Slot, group: GroupUse) -> Option<u64> {
        if let Some(cpu_us) = group.cpu_us {
            return Some(cpu_us);
        }
        let seat = self.seat(slot)?;
        let pid = seat.life.as_ref()?.pid;
        Some(usage::of_process(pid, seat.cgroup.as_deref()).unwrap_or_default().cpu_ms * 1000)
    }

    /// What can be counted of a life at any moment, which is everything but rates; with what the system says of its group.
    fn count(&self, slot: Slot, generation: Generation) -> Option<(GroupUse, Amounts)> {
        let seat = self.seat(slot)?;
        if let Some(guest) = seat.guest.as_ref().filter(|guest| guest.generation == generation) {
            return guests::count(guest);
        }
        let life = seat.life.as_ref().filter(|life| life.generation == generation)?;
        let dir = seat.cgroup.as_deref();
        let group = dir.map(|dir| self.governor.used(dir)).unwrap_or_default();
        let of_processes = || usage::of_process(life.pid, dir).unwrap_or_default().rss_bytes;
        let processes = group.processes.unwrap_or_else(|| usage::processes(life.pid, dir));
        let used = Amounts::default()
            .with(Resource::Memory, group.memory_bytes.unwrap_or_else(of_processes))
            .with(Resource::Processes, processes)
            .with(Resource::Files, usage::open_files(life.pid))
            .with(Resource::QueueFrames, life.outbox.frames() as u64)
            .with(Resource::QueueBytes, life.outbox.bytes() as u64);
        Some((group, used))
    }
}

fn with_rates(used: Amounts, before: Last, this: Last) -> Amounts {
    let passed_ms = this.at.0.saturating_sub(before.at.0).max(1);
    let per_s = |now: u64, before: u64| now.saturating_sub(before).saturating_mul(1000) / passed_ms;
    let births =
        |now: Amounts, before: Amounts| per_s(now.of(Resource::Processes), before.of(Resource::Processes));
    used.with(Resource::Cpu, this.cpu_us.saturating_sub(before.cpu_us) / passed_ms)
        .with(Resource::Messages, per_s(this.frames, before.frames))
        .with(Resource::Calls, per_s(this.calls, before.calls))
        .with(
            Resource::Births,
            births(this.used, before.used) + per_s(this.births_refused, before.births_refused),
        )
}

/// The same of one group and what is below it, by the group's own files (Linux 4.20 and newer, in every v2 hierarchy).
fn pressure_permille(group: &Path) -> Option<u64> {
    let one = |what: &str| std::fs::read_to_string(group.join(format!("{what}.pressure"))).ok();
    ["cpu", "memory"].into_iter().filter_map(one).filter_map(|text| some_avg10_permille(&text)).max()
}

/// For how many thousandths of the last ten seconds somebody waited for a processor, or for memory, whichever is more. 0 where
/// the system does not say (Linux before 4.20, or without pressure stall information).
fn strain_permille() -> u64 {
    let one = |what: &str| std::fs::read_to_string(format!("/proc/pressure/{what}")).ok();
    ["cpu", "memory"]
        .into_iter()
        .filter_map(one)
        .filter_map(|text| some_avg10_permille(&text))
        .max()
        .unwrap_or(0)
}

/// `some avg10=12.34 avg60=…` gives 123; see the kernel's documentation of pressure stall information.
fn some_avg10_permille(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let value = line.split_ascii_whitespace().find_map(|word| word.strip_prefix("avg10="))?;
    let (whole, part) = value.split_once('.')?;
    let tenths: u64 = part.get(..1)?.parse().ok()?;
    Some(whole.parse::<u64>().ok()? * 10 + tenths)
}

/// Looks once a second for as long as the kernel lives.
pub(crate) async fn look_now_and_then(shell: Rc<RefCell<Shell>>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        shell.borrow_mut().look();
    }
}

/// A share of a processor for one whose group has no quota: it stands still for the rest of each round.
fn stand_still_now_and_then(
    shell: Handle,
    slot: Slot,
    generation: Generation,
    cpu_permille: Option<u64>,
) -> AbortHandle {
    let on = DUTY_ROUND
        .mul_f64(f64::from(u32::try_from(cpu_permille.unwrap_or(1000)).unwrap_or(1000).min(1000)) / 1000.0);
    let swinging = async move {
        loop {
            for (motion, wait) in [(Motion::Frozen, DUTY_ROUND.saturating_sub(on)), (Motion::Free, on)] {
                let Some(shell) = shell.upgrade() else { return };
                shell.borrow_mut().set_motion(slot, generation, motion);
                drop(shell);
                tokio::time::sleep(wait).await;
            }
        }
    };
    tokio::task::spawn_local(swinging).abort_handle()
}
