//! The kernel's side of a guest's life: its launch, what it is sent, what it is told to do.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use abi::{Generation, Name, Permissions, Slot};
use actor::blocking::Blocking;
use actor::hosted::Running;
use actor::{Config, job};
use kernel::{Door, Event, Outgoing, Signal, SpawnFault, Undelivered, Word};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use wasm::{CallFailure, CommandLimits, Grant, Identity, Limits, MEMORY_BYTES_CEILING};

use super::hear::hear_guests;
use super::make::{self, Order};
use super::post::{Help, News, Post};
use super::resident::{Frame, What};
use super::services::Shared;
use super::{
    COMMANDS_MAX, GUESTS_MAX, Guest, HALL_ACTORS_MAX, HALLS_MAX, Hall, MAKERS_MAX, Stage, command, frames,
};
use crate::clock::wall_now;
use crate::files::blueprint::Blueprint;
use crate::governor::Held;
use crate::outbox::Mail;
use crate::shell::Shell;

type Failure = (SpawnFault, String);

impl Shell {
    /// Has a guest made; its `Spawned` or `SpawnFailed` comes when that is done.
    pub(crate) fn launch_guest(
        &mut self,
        slot: Slot,
        generation: Generation,
        blueprint: &Rc<Blueprint>,
    ) -> Result<(), Failure> {
        let gone = || (SpawnFault::Refused, "its description is gone".to_owned());
        let limits = self.guest_limits(blueprint)?;
        let hall = self.guest_place(blueprint.door)?;
        let order = self.guest_order(slot, generation, blueprint, limits);
        let seat = self.seat_or_new(slot).ok_or_else(gone)?;
        seat.containment = "wasm".to_owned();
        seat.confinement = confinement(&order.grant.permissions, limits);
        seat.guest = Some(Guest {
            generation,
            started: wall_now(),
            code: blueprint.code,
            blueprint: blueprint.clone(),
            stage: Stage::Making,
            tasks: Vec::new(),
            awaited_text: None,
            hall,
            held: Held::default(),
            unheard: VecDeque::new(),
        });
        self.guests.guests += 1;
        if hall.is_none() {
            self.guests.commands += 1;
        }
        let system = hall.map(|at| (self.guests.halls[at].running.system().clone(), at));
        let post = order.post.clone();
        let work = move || match system {
            Some((system, hall)) => make::module(&order, system, hall),
            None => {
                let command_limits = CommandLimits {
                    deadline: None,
                    memory_bytes_max: limits.memory_bytes_max,
                    table_elements_max: limits.table_elements_max,
                };
                order.command().and_then(|made| command::run(made, command_limits, order.post.clone()))
            }
        };
        let told = post.clone();
        let refused = told.clone();
        self.make(
            work,
            move |came| told.send(news_of(came, hall)),
            move |why| {
                refused.send(News::NotMade { why, can_help: Help::Perhaps, hall });
            },
        );
        Ok(())
    }

    /// Hands work to the makers' threads: `done` is called with what came of it, or `refused` with why it was not begun.
    pub(super) fn make<R: 'static>(
        &mut self,
        work: impl FnOnce() -> R + Send + 'static,
        done: impl FnOnce(job::Outcome<R>) + Send + 'static,
        refused: impl FnOnce(String),
    ) {
        let makers = self.guests.makers.get_or_insert_with(|| Blocking::new(MAKERS_MAX, 2 * GUESTS_MAX));
        if let Err(why) = makers.handle().submit(work, done) {
            refused(why.to_string());
        }
    }

    pub(super) fn guest_limits(&self, blueprint: &Blueprint) -> Result<Limits, Failure> {
        let refused = |why: String| (SpawnFault::Refused, why);
        let memory_bytes_max = blueprint.limits.memory_bytes.unwrap_or(Limits::MODULE.memory_bytes_max);
        if memory_bytes_max > MEMORY_BYTES_CEILING {
            let why = format!(
                "its limit of {memory_bytes_max} bytes of memory is above the {MEMORY_BYTES_CEILING} that a \
                 WebAssembly module can be given"
            );
            return Err(refused(why));
        }
        let house = self.kernel.settings().rpc_timeout;
        let deadline = blueprint.entry_deadline.unwrap_or(house).max(Duration::from_millis(1));
        Ok(Limits { deadline, memory_bytes_max, ..Limits::MODULE })
    }

    /// A hall for a module: an empty one, a new one, or the one with the fewest. None for a plain command.
    fn guest_place(&mut self, door: Door) -> Result<Option<usize>, Failure> {
        let full = |what: String| Err((SpawnFault::Failed, what));
        if self.guests.guests >= GUESTS_MAX {
            return full(format!("{GUESTS_MAX} WebAssembly modules run already"));
        }
        if door == Door::Plain {
            if self.guests.commands >= COMMANDS_MAX {
                return full(format!("{COMMANDS_MAX} WebAssembly commands run already"));
            }
            return Ok(None);
        }
        let halls = &mut self.guests.halls;
        let fewest = halls.iter().enumerate().min_by_key(|(_, hall)| hall.residents).map(|(at, _)| at);
        let at = match fewest {
            Some(at) if halls[at].residents == 0 || halls.len() >= HALLS_MAX => at,
            _ => {
                let config = Config { actors_max: HALL_ACTORS_MAX, ..Config::default() };
                let running = Running::start(config).map_err(|error| {
                    (SpawnFault::Failed, format!("no thread could be started for it: {error}"))
                })?;
                halls.push(Hall { running, residents: 0 });
                halls.len() - 1
            }
        };
        halls[at].residents += 1;
        Ok(Some(at))
    }

    /// What a guest is made from, for a thread that knows nothing of the kernel.
    pub(super) fn guest_order(
        &mut self,
        slot: Slot,
        generation: Generation,
        blueprint: &Blueprint,
        limits: Limits,
    ) -> Order {
        let shared = Arc::new(Shared::default());
        let (key, values) = self.guest_config(slot, generation);
        shared.configure(key, values);
        Order {
            engine: self.guests.engine.clone(),
            entry: blueprint.entry().to_owned(),
            grant: self.grant(blueprint),
            limits,
            identity: Identity { module: blueprint.id.clone(), generation },
            may_hear: Arc::new(self.may_hear(slot)),
            shared,
            post: self.guest_post(slot, generation),
        }
    }

    fn guest_post(&mut self, slot: Slot, generation: Generation) -> Post {
        let handle = self.handle();
        let letters = self.guests.letters.get_or_insert_with(|| {
            let (letters, coming) = mpsc::unbounded_channel();
            tokio::task::spawn_local(hear_guests(handle, coming));
            letters
        });
        Post::new(letters.clone(), slot, generation)
    }

    fn guest_config(&mut self, slot: Slot, generation: Generation) -> (Option<String>, Map<String, Value>) {
        let initial = self.initial(slot, generation);
        let values = serde_json::from_slice(&initial.config).unwrap_or_default();
        (self.blueprint(slot).and_then(|blueprint| blueprint.config_key.clone()), values)
    }

    fn may_hear(&self, slot: Slot) -> BTreeSet<Name> {
        let declared = self.kernel.spec(slot).map(|spec| spec.subscribes.clone()).unwrap_or_default();
        let allowed = self.kernel.capabilities(slot).map(|capabilities| capabilities.topics.clone());
        declared.into_iter().chain(allowed.into_iter().flatten()).collect()
    }

    fn grant(&self, blueprint: &Blueprint) -> Grant {
        let user_home = self.surrounding.user_home();
        let located = |paths: &BTreeSet<String>| -> BTreeSet<String> {
            let place = |path: &String| match path.strip_prefix("~/") {
                Some(rest) => user_home.join(rest).display().to_string(),
                None => path.clone(),
            };
            paths.iter().map(place).collect()
        };
        let effective = self.effective(&blueprint.id);
        let permissions = Permissions {
            read: located(&effective.read),
            write: located(&effective.write),
            // A project's entry that sets or passes a variable has thereby approved it.
            env: effective
                .env
                .iter()
                .chain(&blueprint.env_pass)
                .chain(blueprint.env.keys())
                .cloned()
                .collect(),
            ..effective
        };
        let named = permissions.env.iter().map(String::as_str);
        let environment = self.surrounding.named(named).chain(blueprint.env.clone());
        Grant {
            module: blueprint.id.clone(),
            secrets: permissions.secrets.clone(),
            home: blueprint.folder.clone().unwrap_or_else(|| blueprint.cwd.clone()),
            environment: environment.collect(),
            arguments: blueprint.arguments(),
            permissions,
        }
    }

    pub(crate) fn is_guest(&self, slot: Slot, generation: Generation) -> bool {
        let guest = self.seat(slot).and_then(|seat| seat.guest.as_ref());
        guest.is_some_and(|guest| guest.generation == generation)
    }

    /// A frame for a guest.
    pub(crate) fn send_guest(&mut self, slot: Slot, generation: Generation, frame: Outgoing) {
        if matches!(frame, Outgoing::Init | Outgoing::ConfigUpdate(_)) {
            let (key, values) = self.guest_config(slot, generation);
            if let Some(living) = self.living(slot, generation) {
                living.shared.configure(key, values);
            }
        }
        let Some(living) = self.living(slot, generation) else {
            return if frame == Outgoing::Shutdown {
                self.drop_unmade(slot, generation);
            };
        };
        if let Outgoing::Cancel { hop } = &frame {
            living.shared.cancel(*hop);
        }
        let mail = crate::effects::mail_of(&frame);
        let Some(place) = living.inbox.take(mail, frames::bytes_of(&frame)) else {
            return self.guest_is_full(slot, generation, frame);
        };
        if let Some(what) = frames::what_of(frame) {
            // Who has ended meanwhile tells so.
            let _ended = living.system.send(living.address, Frame { what, place: Some(place) });
        }
        self.frames += 1;
        if let Some(seat) = self.seat_mut(slot) {
            seat.tally.frames_out += 1;
        }
    }

    /// As at a process whose queue is full: a call is told to the kernel, an answer becomes a short error, the rest is
    /// counted.
    fn guest_is_full(&mut self, slot: Slot, generation: Generation, frame: Outgoing) {
        match frame {
            Outgoing::Answer { id, .. } | Outgoing::KernelAnswer { id, .. } => {
                self.answer_guest(slot, generation, &id, Err("overloaded".to_owned()));
            }
            frame => {
                if let Some(seat) = self.seat_mut(slot) {
                    seat.tally.dropped += 1;
                }
                if let Outgoing::Call { hop, .. } = frame {
                    let (now, what) = (self.now(), Undelivered::Call(hop));
                    self.kernel.handle(now, Event::Undelivered(slot, generation, what));
                }
            }
        }
    }

    /// The answer to a guest's own call, made by the host; small or bounded by whoever made it.
    pub(crate) fn answer_guest(
        &mut self,
        slot: Slot,
        generation: Generation,
        id: &Word,
        answer: Result<Vec<u8>, String>,
    ) {
        let (Some(living), Some(ticket)) = (self.living(slot, generation), frames::ticket_of(id)) else {
            return;
        };
        let bytes = answer.as_ref().map_or(0, Vec::len);
        let place = living.inbox.take(Mail::Answer, bytes);
        let answer = answer.map_err(frames::failure_of);
        let answer = if place.is_some() { answer } else { Err(CallFailure::Overloaded) };
        let what = What::Answer(ticket, answer);
        let _ended = living.system.send(living.address, Frame { what, place });
    }

    /// A guest is told to end: a plain command at once, as nothing else can be told to it, a module by a kill alone.
    pub(crate) fn signal_guest(&mut self, slot: Slot, generation: Generation, signal: Signal) {
        let Some(guest) = self.seat_mut(slot).and_then(|seat| seat.guest_of(generation)) else { return };
        match (&guest.stage, signal) {
            (Stage::Making, _) => self.drop_unmade(slot, generation),
            (Stage::Running(stop), _) => stop.stop(),
            (Stage::Living(_), Signal::Stop) => {}
            (Stage::Living(living), Signal::Kill) => {
                // What runs is ended within some milliseconds, what waits or rests by its actor's end.
                living.stop.stop();
                let _ended = living.system.kill(living.address.addr());
            }
        }
    }

    /// A life that is to end before it was made: its maker goes on, and finds nobody when it is done.
    fn drop_unmade(&mut self, slot: Slot, generation: Generation) {
        let Some(seat) = self.seat_mut(slot) else { return };
        let is_making = seat.guest_of(generation).is_some_and(|guest| matches!(guest.stage, Stage::Making));
        if is_making {
            seat.guest = None;
            let why = "it was told to end before it was started".to_owned();
            let now = self.now();
            self.kernel.handle(now, Event::SpawnFailed(slot, generation, SpawnFault::Failed, why));
        }
    }

    pub(super) fn living(&mut self, slot: Slot, generation: Generation) -> Option<super::Living> {
        match &self.seat_mut(slot)?.guest_of(generation)?.stage {
            Stage::Living(living) => Some(living.clone()),
            Stage::Making | Stage::Running(_) => None,
        }
    }
}

fn news_of(came: job::Outcome<Result<make::Made, make::Failure>>, hall: Option<usize>) -> News {
    match came {
        job::Outcome::Done(Ok(made)) => News::Made(Box::new(made)),
        job::Outcome::Done(Err((can_help, why))) => News::NotMade { why, can_help, hall },
        job::Outcome::Panicked => {
            let why = "the thread that made it has died; this is a bug".to_owned();
            News::NotMade { why, can_help: Help::No, hall }
        }
        job::Outcome::Cancelled => {
            let why = "no thread had room to make it".to_owned();
            News::NotMade { why, can_help: Help::Perhaps, hall }
        }
    }
}

/// What holds a guest in, one line each, as `module show` tells it.
fn confinement(permissions: &Permissions, limits: Limits) -> Vec<String> {
    let none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    vec![
        "WebAssembly: memory of its own, no system calls, imports checked against its permissions".to_owned(),
        format!("memory: at most {} bytes", limits.memory_bytes_max),
        format!("each entry: at most {} ms", limits.deadline.as_millis()),
        format!("folders and variables: {}", none(permissions.to_string())),
    ]
}
