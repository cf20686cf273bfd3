//! Taking over: the other half of [`super::leave`].

use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use abi::{Generation, ModuleId, Record, Slot, State, Wall};
use kernel::{Door, Effect, Event, Known, Order, Saved, Spec, Strays};
use sandbox::{Child, Innermost};
use serde_json::json;

use super::form::{ByHand, FORM, Left, LifeLeft, Rest, RestartLeft, SeatLeft, bytes_of};
use super::image::{self, saved_of};
use super::versions::{Last, Versions, sweep};
use crate::clock::{monotonic_ns, wall_now};
use crate::error::HostError;
use crate::files::discovery::{Finding, Found};
use crate::files::project::ProjectModules;
use crate::life::{Stream, Tally};
use crate::pipes::splitter;
use crate::shell::Shell;

/// Goes on with what was left, as far as the files still know it.
///
/// # Errors
/// `Handover`: it can't be understood. Nothing of it has been touched then, so that an earlier program can take it back.
pub(crate) fn take_over(shell: &mut Shell, left: Left, finding: &Finding) -> Result<(), HostError> {
    let unreadable = |why: String| HostError::Handover { why };
    let saved = saved_of(&left.kernel).ok_or_else(|| unreadable("the kernel's part is none".to_owned()))?;
    shell.by_hand.clone_from(&left.by_hand);
    let known = known(shell, finding);
    let strays = shell.kernel.restore(&saved, known).map_err(|error| unreadable(error.to_string()))?;
    shell.births.taken_over();
    shell.frames = left.frames;
    let modules = left.seats.iter().filter(|seat| seat.life.is_some()).count();
    for seat in left.seats {
        shell.take_seat(seat, &strays);
    }
    let launches = left.launches.iter().map(|(slot, generation)| (Slot(*slot), Generation(*generation)));
    shell.launches.extend(launches);
    // Whoever waited at the door is not connected any more.
    for request in shell.kernel.requests() {
        shell.feed(Event::Departed(request));
    }
    for (slot, generation, grip) in shell.kernel.grips() {
        shell.carry_out(Effect::Grip(slot, generation, grip));
    }
    shell.watch_again();
    for one in &left.restarts {
        shell.restart_left(one);
    }
    // What follows from strays, and from all this.
    shell.feed(Event::Counted(shell.kernel.calls_pending()));
    let pause_ms = monotonic_ns().saturating_sub(left.left_ns) / 1_000_000;
    shell.record(
        Record::new("kernel.replaced")
            .text("version", shell.version.as_str())
            .text("from", left.version.as_str())
            .number("modules", modules as u64)
            .number("pause_ms", pause_ms),
    );
    shell.note_taken(&left.to, pause_ms, modules);
    Ok(())
}

/// What the files say of all modules, those included that were added by hand. Their blueprints are known from then on.
fn known(shell: &mut Shell, finding: &Finding) -> Vec<Known> {
    let by_hand: Vec<Found> =
        shell.by_hand.clone().iter().filter_map(|one| shell.made_by_hand(one)).collect();
    let all = finding.modules.values().cloned().chain(by_hand).chain(shell.know_companion());
    let all: Vec<Found> = all.collect();
    let mut known = Vec::with_capacity(all.len());
    for Found { discovered, blueprint } in all {
        shell.files.blueprints.insert(discovered.spec.id.clone(), Rc::new(blueprint));
        known.push(Known { found: discovered, successor: None });
    }
    known
}

impl Shell {
    fn made_by_hand(&self, one: &ByHand) -> Option<Found> {
        let id = ModuleId::parse(&one.id).ok()?;
        let made = ProjectModules::by_hand(&id, &one.module, &PathBuf::from(&one.cwd)).ok()?;
        self.found_by_hand(&made)
    }

    fn take_seat(&mut self, left: SeatLeft, strays: &Strays) {
        let slot = Slot(left.slot);
        let is_known = self.kernel.spec(slot).is_some_and(|spec| spec.id.as_str() == left.id);
        if !is_known {
            if let Some(life) = left.life {
                debug_assert!(strays.0.iter().any(|(stray, _)| *stray == slot), "a life belongs to a seat");
                end_stray(&life);
            }
            return;
        }
        let Some(seat) = self.seat_or_new(slot) else { return };
        let [frames_in, calls_in, frames_out, dropped, bad_lines, log_lost] = left.tally;
        seat.tally = Tally { frames_in, calls_in, frames_out, dropped, bad_lines, log_lost };
        seat.stderr_tail.resume(&bytes_of(&left.stderr_tail).unwrap_or_default());
        seat.containment = left.containment;
        seat.confinement = left.confinement;
        seat.cgroup = left.cgroup.map(PathBuf::from);
        seat.groups_killed = left.groups_killed;
        if let Some(life) = left.life
            && let Err(error) = self.take_life(slot, &life)
        {
            // Its end is what the kernel sees of it.
            self.trouble(format!("`{}` could not be taken over: {error}", left.id));
        }
    }

    fn take_life(&mut self, slot: Slot, left: &LifeLeft) -> Result<(), String> {
        let generation = Generation(left.generation);
        let blueprint = self.blueprint(slot).ok_or("its description is gone")?;
        let child = child_of(left).map_err(|error| error.to_string())?;
        let is_starting = self.kernel.view(slot).is_some_and(|view| view.state == State::Starting);
        let notify = (is_starting && crate::ready::wants_socket(&blueprint))
            .then(|| crate::ready::bind_socket(&self.notify_path(slot)).ok())
            .flatten();
        let cgroup = self.seat(slot).and_then(|seat| seat.cgroup.clone());
        self.take_up((slot, generation), &blueprint, child, notify, cgroup).map_err(|(_, why)| why)?;
        let Some(life) = self.life_mut(slot, generation) else { return Ok(()) };
        life.started = Wall(left.started_ms);
        life.stdout_lines = Some(resumed(Stream::Stdout, blueprint.door, &left.stdout_rest));
        life.stderr_lines = Some(resumed(Stream::Stderr, blueprint.door, &left.stderr_rest));
        if let Some(waiting) = bytes_of(&left.waiting).filter(|waiting| !waiting.is_empty()) {
            life.outbox.resume(&waiting);
        }
        self.list_mail_of(slot, generation);
        Ok(())
    }

    /// Modules that were not ready yet are looked at as before.
    fn watch_again(&mut self) {
        for view in self.kernel.views() {
            let is_plain = self.kernel.spec(view.slot).is_some_and(|spec| spec.door == Door::Plain);
            if let Some(generation) = view.generation.filter(|_| is_plain && view.state == State::Starting)
                && !self.launches.contains(&(view.slot, generation))
            {
                self.carry_out(Effect::Watch(view.slot, generation));
            }
        }
    }

    /// A life that could not be handed over ends on purpose, and another one follows at once.
    fn restart_left(&mut self, left: &RestartLeft) {
        let Ok(id) = ModuleId::parse(&left.id) else { return };
        self.order(Order::Restart(id));
        if left.is_gone {
            let ended = abi::ExitKind::Code(0);
            self.feed(Event::Exited(Slot(left.slot), Generation(left.generation), ended));
        }
    }

    /// Writes down which binary runs now, and that it has not come to rest yet.
    fn note_taken(&mut self, wanted: &str, pause_ms: u64, modules: usize) {
        const LIST: &str = "the list of the kernel's own binaries can't be";
        let home = self.files.home.clone();
        // Twice, since a start after this goes by what it says.
        let mut versions = match Versions::read(&home).or_else(|_| Versions::read(&home)) {
            Ok(versions) => versions,
            // It stays as it is: a list without the fallback would be worse than one that is a little old.
            Err(error) => return self.trouble(format!("{LIST} read: {error}")),
        };
        let own = std::env::current_exe().unwrap_or_default();
        let is_wanted =
            versions.active.as_ref().is_some_and(|active| active.hash == wanted && active.path == own);
        let modules = u32::try_from(modules).unwrap_or(u32::MAX);
        let at_ms = wall_now().0;
        if is_wanted {
            let version = self.version.clone();
            let (hash, why) = (wanted.to_owned(), String::new());
            versions.last = Some(Last { hash, version, why, pause_ms: Some(pause_ms), modules, at_ms });
        } else {
            versions.fall_back("it could not take over, and this one took it back", at_ms);
            self.trouble("the new binary could not take over, and the earlier one runs on".to_owned());
        }
        // Once more, since who asked waits for what it says.
        match versions.keep(&home).or_else(|_| versions.keep(&home)) {
            Ok(()) => sweep(&home),
            Err(error) => self.trouble(format!("{LIST} kept: {error}")),
        }
    }
}

fn resumed(stream: Stream, door: Door, rest: &Rest) -> protocol::lines::LineDecoder {
    splitter(stream, door).resume(&bytes_of(&rest.tail).unwrap_or_default(), rest.dropped)
}

fn child_of(left: &LifeLeft) -> std::io::Result<Child> {
    let take = |number: RawFd| sandbox::inherited::take(number);
    let optional = |number: Option<RawFd>| number.map(take).transpose();
    let pidfd = take(left.pidfd)?;
    let innermost: Option<OwnedFd> = optional(left.innermost)?;
    Ok(Child {
        pid: left.pid,
        pidfd,
        stdin: optional(left.stdin)?,
        stdout: take(left.stdout)?,
        stderr: take(left.stderr)?,
        innermost: innermost.map(Innermost::inherited),
        watched: None,
    })
}

/// A life whose module is in no file any more.
fn end_stray(left: &LifeLeft) {
    use std::os::fd::AsFd;
    if let Ok(child) = child_of(left) {
        // One that has just ended needs no signal; its end is taken by the reaper of orphans.
        let _gone = sandbox::signal_group(child.pid, child.pidfd.as_fd(), sandbox::Signal::KILL);
    }
}

/// Proves that this binary can take over: reads what stdin brings as if it did, and says its own version and form on stdout.
pub fn handover_check_main(version: &str) -> ExitCode {
    use std::io::Write;
    let told = match check(std::io::stdin().lock()) {
        Ok(()) => json!({ "form": FORM, "version": version }),
        Err(why) => json!({ "form": FORM, "version": version, "why": why }),
    };
    let code = if told.get("why").is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    // Who asked and does not listen takes that for a refusal.
    let _unheard = writeln!(std::io::stdout().lock(), "{told}");
    code
}

fn check(from: impl std::io::Read) -> Result<(), String> {
    let left = image::read(from).map_err(|error| crate::launch::text_of_causes(&error))?;
    let saved: Saved = saved_of(&left.kernel).ok_or("the kernel's part is none")?;
    let known = left.seats.iter().filter_map(|seat| ModuleId::parse(&seat.id).ok()).map(|id| Known {
        found: kernel::Discovered { spec: Spec::plain(id), grants: kernel::Grants::default(), refused: None },
        successor: None,
    });
    let mut kernel = kernel::Ensemble::new(0);
    kernel.restore(&saved, known.collect()).map_err(|error| error.to_string())?;
    let are_bytes = |life: &LifeLeft| {
        [&life.waiting, &life.stdout_rest.tail, &life.stderr_rest.tail]
            .iter()
            .all(|text| bytes_of(text).is_some())
    };
    let whole = left.seats.iter().filter_map(|seat| seat.life.as_ref()).all(are_bytes);
    if whole { Ok(()) } else { Err("what waits for a module is no text of bytes".to_owned()) }
}
