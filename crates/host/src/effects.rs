//! Every effect of the kernel, carried out. One function per effect; the order of effects is the kernel's.

use std::os::fd::AsFd;
use std::time::Instant;

use abi::{Generation, ModuleId, Payload, Slot};
use kernel::{Effect, Event, Outcome, Outgoing, Signal, Undelivered, Word};

use crate::cgroups::Cgroups;
use crate::files::section;
use crate::outbox::{Mail, Posted, Written};
use crate::shell::Shell;
use crate::translate::{Initial, tell, tell_long};

mod births;
mod perform;
mod save;
mod spawn;

pub(crate) use births::{Births, Born, Order, launch};
pub(crate) use perform::{PendingSet, write, write_sets};
pub(crate) use save::{save_now, save_when_asked};

impl Shell {
    pub(crate) fn carry_out(&mut self, effect: Effect) {
        match effect {
            // The common one first.
            Effect::Send(slot, generation, frame) => self.send(slot, generation, frame),
            Effect::Record(record) => self.record(record),
            Effect::Spawn(slot, generation) => {
                self.lives.note(generation);
                self.launches.push_back((slot, generation));
            }
            Effect::Signal(slot, generation, signal) => self.signal(slot, generation, signal),
            Effect::Watch(slot, generation) => crate::ready::watch(self, slot, generation),
            Effect::Perform(slot, generation, id, task) => self.perform(slot, generation, &id, task),
            Effect::SaveGrants(id, grants) => self.keep_grants(&id, &grants),
            Effect::KeepState(slot, generation, state, version) => {
                self.keep_state(slot, generation, &state, &version);
            }
            Effect::Recall(slot, generation) => self.recall(slot, generation),
            Effect::Settle(slot, generation, fate) => self.settle_kept(slot, generation, fate),
            Effect::Warn(slot, generation, text) => self.warn(slot, generation, text),
            Effect::Reply(request, answer) => self.desk.answer(request, answer),
            Effect::Show(request, topic, message) => self.desk.show(request, &topic, &message),
            Effect::Forgotten(slot, id) => self.forget(slot, &id),
            Effect::Promoted(slot, generation) => self.promote(slot, generation),
            // The proxies are told where they are: in the ensemble.
            Effect::Grip(slot, generation, grip) => self.grip(slot, generation, grip),
            Effect::Reach(slot, generation, net) => self.change_reach(slot, generation, &net),
            Effect::Note(..) => {}
            Effect::Finished => self.bells.finished.notify_one(),
        }
    }

    fn send(&mut self, slot: Slot, generation: Generation, frame: Outgoing) {
        let Some(frame) = self.take_for_function(slot, generation, frame) else { return };
        if self.is_guest(slot, generation) {
            return self.send_guest(slot, generation, frame);
        }
        let initial = match frame {
            Outgoing::Init | Outgoing::ConfigUpdate(_) => Some(self.initial(slot, generation)),
            _ => None,
        };
        self.tap_out(slot, generation, &frame);
        let Some(seat) = self.seat_mut(slot) else { return };
        if let Outgoing::StateSave { .. } = frame {
            seat.held_since = Some(Instant::now());
        }
        let Some(life) = seat.life_of(generation) else {
            return if frame == Outgoing::Shutdown {
                self.cancel_launch(slot, generation);
            };
        };
        let posted = life.outbox.post_long(mail_of(&frame), |out, long| {
            tell_long(out, &frame, long, || {
                initial.unwrap_or_else(|| Initial { config: b"{}".to_vec(), home: String::new(), lane: None })
            })
        });
        match posted {
            Posted::Queued => {
                let is_listed = std::mem::replace(&mut life.outbox.is_listed, true);
                seat.tally.frames_out += 1;
                self.frames += 1;
                if !is_listed {
                    self.list_mail(slot, generation);
                }
            }
            Posted::Full | Posted::Closed => self.not_queued(slot, generation, frame),
        }
    }

    /// A frame found no room: calls and parts of streams are told to the kernel, answers become a short error, the rest
    /// is counted.
    fn not_queued(&mut self, slot: Slot, generation: Generation, frame: Outgoing) {
        let undelivered = match frame {
            Outgoing::Call { hop, .. } => Some(Undelivered::Call(hop)),
            Outgoing::Chunk { hop, .. } | Outgoing::End { hop, .. } => Some(Undelivered::Part(hop)),
            Outgoing::Answer { id, .. } => return self.answer_overloaded(slot, generation, id),
            Outgoing::KernelAnswer { id, .. } => {
                return self.answer_task(slot, generation, &id, Mail::Certain, Err("overloaded".to_owned()));
            }
            _ => None,
        };
        if let Some(seat) = self.seat_mut(slot) {
            seat.tally.dropped += 1;
        }
        if let Some(what) = undelivered {
            let now = self.now();
            self.kernel.handle(now, Event::Undelivered(slot, generation, what));
        }
    }

    fn answer_overloaded(&mut self, slot: Slot, generation: Generation, id: Word) {
        let outcome = Outcome::Error("overloaded".to_owned());
        let Some(life) = self.life_mut(slot, generation) else { return };
        let frame = Outgoing::Answer { id, outcome };
        let nothing = || Initial { config: Vec::new(), home: String::new(), lane: None };
        if life.outbox.post(Mail::Certain, |out| tell(out, &frame, nothing)) == Posted::Queued {
            let is_listed = std::mem::replace(&mut life.outbox.is_listed, true);
            if !is_listed {
                self.list_mail(slot, generation);
            }
        }
    }

    /// What a module is told first: its own section, and where the home is.
    pub(crate) fn initial(&mut self, slot: Slot, generation: Generation) -> Initial {
        let home = self.files.home.root().display().to_string();
        let lane = self.life_mut(slot, generation).and_then(|life| life.lane.offer());
        let config = self.section_of(slot, generation).unwrap_or_else(|| b"{}".to_vec());
        Initial { config, home, lane }
    }

    fn section_of(&mut self, slot: Slot, generation: Generation) -> Option<Vec<u8>> {
        let blueprint = self.blueprint(slot)?;
        let key = blueprint.config_key.clone()?;
        let section = section::section(&self.files.config, &key, blueprint.config_schema.as_deref());
        for complaint in section.complaints {
            self.warn(slot, generation, complaint);
        }
        Some(serde_json::json!({ key: section.value? }).to_string().into_bytes())
    }

    fn signal(&mut self, slot: Slot, generation: Generation, signal: Signal) {
        if self.is_guest(slot, generation) {
            return self.signal_guest(slot, generation, signal);
        }
        let Some(life) = self.life_mut(slot, generation) else {
            return self.cancel_launch(slot, generation);
        };
        let (pid, pidfd, stop, cgroup) = (life.pid, life.pidfd.clone(), life.stop, life.cgroup.clone());
        // A process that was paused keeps signals for later, so it is also told to go on; SIGKILL needs no such help.
        let wanted: &[sandbox::Signal] = match signal {
            Signal::Stop => &[stop, sandbox::Signal::CONT],
            Signal::Kill => &[sandbox::Signal::KILL],
        };
        for signal in wanted {
            if let Err(error) = sandbox::signal_group(pid, pidfd.as_fd(), *signal) {
                tracing::warn!(%error, pid, "a signal could not be sent");
            }
        }
        if signal == Signal::Kill {
            self.kill_group(slot, cgroup.as_deref());
        }
    }

    fn promote(&mut self, slot: Slot, generation: Generation) {
        if let Some(seat) = self.seat_mut(slot) {
            seat.promote(generation);
        }
    }

    fn forget(&mut self, slot: Slot, id: &ModuleId) {
        if let Some(group) = self.seat(slot).and_then(|seat| seat.cgroup.as_deref()) {
            Cgroups::drop_group(group);
            self.governor.forget(group);
        }
        self.forget_seat(slot);
        self.files.blueprints.remove(id);
        self.by_hand.retain(|one| one.id != id.as_str());
    }

    /// Goes on writing to a module whose pipe was full.
    pub(crate) fn write_more(&mut self, slot: Slot, generation: Generation) -> Written {
        let Some(life) = self.life_mut(slot, generation) else { return Written::Closed };
        let written = life.outbox.write();
        life.outbox.is_waiting = written == Written::Blocked;
        if let Written::Broken(fault) = written {
            self.break_lane(slot, generation, fault);
        }
        written
    }

    /// Nobody waits for room in the pipe any more.
    pub(crate) fn stop_waiting(&mut self, slot: Slot, generation: Generation) {
        if let Some(life) = self.life_mut(slot, generation) {
            life.outbox.is_waiting = false;
        }
    }

    /// The same for who is outside of effects: with a short error or a small result.
    pub(crate) fn answer_plainly(
        &mut self,
        slot: Slot,
        generation: Generation,
        id: &Word,
        answer: Result<Option<Payload>, String>,
    ) {
        self.answer_task(slot, generation, id, Mail::Answer, answer);
    }

    /// The answer that holds a secret: written at once, and overwritten in the queue as soon as the pipe has it.
    pub(crate) fn answer_wiped(&mut self, slot: Slot, generation: Generation, id: &Word, result: &[u8]) {
        if self.is_guest(slot, generation) {
            // It goes no further than another thread of this process, which overwrites it when it has handed it over.
            return self.answer_guest(slot, generation, id, Ok(result.to_vec()));
        }
        self.tap_secret(slot, generation, id);
        let Some(life) = self.life_mut(slot, generation) else { return };
        let posted = life.outbox.post_wiped(result.len() + id.as_str().len(), |out| {
            protocol::encode::call_response(out, id.as_str(), Ok(Some(result)));
        });
        if posted == Posted::Queued && !std::mem::replace(&mut life.outbox.is_listed, true) {
            self.list_mail(slot, generation);
        }
    }

    /// The answer to a module's call to the kernel, made by the host.
    pub(crate) fn answer_task(
        &mut self,
        slot: Slot,
        generation: Generation,
        id: &Word,
        mail: Mail,
        answer: Result<Option<Payload>, String>,
    ) {
        if self.is_guest(slot, generation) {
            let answer = match answer {
                Ok(result) => Ok(result.map(|result| result.as_bytes().to_vec()).unwrap_or_default()),
                Err(error) => Err(error),
            };
            return self.answer_guest(slot, generation, id, answer);
        }
        let answer = match &answer {
            Ok(result) => Ok(result.as_ref().map(Payload::as_bytes)),
            Err(error) => Err(error.as_str()),
        };
        self.tap_answer(slot, generation, id, answer);
        let Some(life) = self.life_mut(slot, generation) else { return };
        let posted = life.outbox.post(mail, |out| protocol::encode::call_response(out, id.as_str(), answer));
        if posted == Posted::Queued && !std::mem::replace(&mut life.outbox.is_listed, true) {
            self.list_mail(slot, generation);
        }
    }
}

pub(crate) fn mail_of(frame: &Outgoing) -> Mail {
    match frame {
        Outgoing::Deliver { .. }
        | Outgoing::Call { .. }
        | Outgoing::Chunk { .. }
        | Outgoing::End { .. }
        | Outgoing::Progress { .. } => Mail::Bounded,
        Outgoing::Answer { .. } | Outgoing::KernelAnswer { .. } => Mail::Answer,
        Outgoing::Install
        | Outgoing::Init
        | Outgoing::DepsReady
        | Outgoing::ServiceAvailable(_)
        | Outgoing::Ping
        | Outgoing::ConfigUpdate(_)
        | Outgoing::Cancel { .. }
        | Outgoing::Credit { .. }
        | Outgoing::StateSave { .. }
        | Outgoing::StateRestore { .. }
        | Outgoing::Shutdown => Mail::Certain,
    }
}
