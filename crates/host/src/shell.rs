//! The shell around the kernel: one value that holds everything, owned by one thread.
//!
//! # A turn
//! Something becomes readable, a timer fires, an operator asks. The task that waited for it borrows the shell once, gives
//! the kernel what happened ([`Shell::feed`]), which carries out every effect that follows, and ends the turn
//! ([`Shell::end_turn`]): each module that has mail gets one write, the timer is set anew. No task keeps the borrow while
//! it waits for anything, so turns never overlap.
//!
//! # Who may touch what
//! Tasks hold a [`Weak`] handle and the seat and generation they belong to; they find nothing when that life is over.
//! Only [`crate::effects`] changes lives, only [`crate::pipes`] reads from them.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::rc::{Rc, Weak};

use abi::{Generation, ModuleId, Record, RequestId, Slot, Time};
use kernel::{Ensemble, Event, Kernel};
use protocol::files::config::Config;
use sandbox::probe::Report;
use tokio::sync::Notify;

use crate::cgroups::Cgroups;
use crate::clock::Clock;
use crate::door::Desk;
use crate::effects::Births;
use crate::environment::Surrounding;
use crate::files::approvals::Approvals;
use crate::files::blueprint::Blueprint;
use crate::files::discovery::{Found, Search};
use crate::files::lives::Lives;
use crate::files::project::ProjectModules;
use crate::files::seal::HashCache;
use crate::functions::Cabinet;
use crate::governor::Governor;
use crate::guests::Guests;
use crate::handover::{ByHand, Keepsakes, Renewal};
use crate::home::Home;
use crate::lane::Cut;
use crate::launch::Ground;
use crate::life::{Life, Seat};
use crate::net::NetHelper;
use crate::observe::Observations;
use crate::outbox::Written;
use crate::ready::Probes;
use crate::run::{News, ProjectSource};
use crate::safe::Safety;
use crate::talk::Talk;
use crate::tasks;
use crate::translate::Sheet;

/// 64 troubles are remembered for `kernel.status`; more have the same few causes.
const TROUBLES_MAX: usize = 64;

/// How tasks reach the shell.
pub(crate) type Handle = Weak<RefCell<Shell>>;

/// The files as they were read last.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) home: Home,
    pub(crate) source: Option<ProjectSource>,
    /// The command of the module that comes with the program.
    pub(crate) companion: Option<Vec<String>>,
    /// The command that translates for MCP servers.
    pub(crate) bridge: Option<Vec<String>>,
    pub(crate) project: Option<ProjectModules>,
    pub(crate) config: Config,
    pub(crate) approvals: Approvals,
    pub(crate) hashes: HashCache,
    /// What is known of every module that was found or added.
    pub(crate) blueprints: BTreeMap<ModuleId, Rc<Blueprint>>,
}

/// What tasks are woken by.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    /// The kernel's next moment came nearer.
    pub(crate) timer: Notify,
    /// A frame was carried while a call is open: the next one is near.
    pub(crate) traffic: Notify,
    /// Launches wait for their turn.
    pub(crate) launches: Notify,
    /// Ends of orphans may wait to be taken.
    pub(crate) orphans: Notify,
    /// Approvals wait to be saved.
    pub(crate) save: Notify,
    /// Settings wait to be written.
    pub(crate) sets: Notify,
    /// Whoever writes what was set holds it from the reading to the writing.
    pub(crate) set_file: tokio::sync::Mutex<()>,
    /// Context variables changed since they were written last.
    pub(crate) context: Notify,
    /// States of modules wait to be written or read.
    pub(crate) states: Notify,
    /// Whoever writes or reads one holds it meanwhile.
    pub(crate) state_files: tokio::sync::Mutex<()>,
    /// Modules wait for secrets.
    pub(crate) secrets: Notify,
    /// The kernel said that nothing runs any more.
    pub(crate) finished: Notify,
}

/// Everything.
pub(crate) struct Shell {
    pub(crate) kernel: Ensemble,
    pub(crate) lives: Lives,
    pub(crate) clock: Clock,
    pub(crate) files: Files,
    pub(crate) surrounding: Surrounding,
    pub(crate) cgroups: Cgroups,
    pub(crate) governor: Governor,
    pub(crate) safety: Safety,
    /// Launches that are being carried out.
    pub(crate) births: Births,
    /// Which layers of containment work here.
    pub(crate) proofs: Report,
    /// Who opens what modules may reach of the network.
    pub(crate) net: Rc<NetHelper>,
    /// Modules whose wants are told.
    pub(crate) observed: Observations,
    pub(crate) talk: Talk,
    pub(crate) desk: Desk,
    /// WebAssembly modules.
    pub(crate) guests: Guests,
    /// The function cache.
    pub(crate) functions: Cabinet,
    pub(crate) bells: Rc<Bells>,
    /// By seat.
    seats: Vec<Option<Seat>>,
    /// Lives that are to be launched, one per turn, so that a mass start leaves room for everything else.
    pub(crate) launches: VecDeque<(Slot, Generation)>,
    /// Processes that are ours and no module's: probes.
    pub(crate) probes: Probes,
    pub(crate) sets: VecDeque<crate::effects::PendingSet>,
    /// Planned restarts.
    pub(crate) planner: crate::restarts::Planner,
    /// States of modules on their way to and from files.
    pub(crate) keeping: crate::keeping::Keeping,
    /// Lives with something to write at the end of this turn.
    mail: Vec<(Slot, Generation)>,
    /// One read buffer for all, since only one reads at a time; shared with payloads that are on their way.
    pub(crate) sheet: Option<Sheet>,
    /// Where the frames of the last look into a lane lay; kept for its memory.
    pub(crate) cuts: Vec<Cut>,
    /// The moment for which the timer is set.
    pub(crate) armed: Option<Time>,
    pub(crate) frames: u64,
    /// Whether the thread is kept awake for the next frame.
    pub(crate) is_looking_out: bool,
    /// Lanes that are looked at meanwhile.
    pub(crate) lanes_up: Vec<(Slot, Generation)>,
    /// How many frames there were when that was asked last.
    frames_seen: u64,
    pub(crate) troubles: VecDeque<String>,
    pub(crate) companion: Option<crate::companion::Wish>,
    pub(crate) version: String,
    pub(crate) is_stopping: bool,
    /// Whether approvals changed since they were written last.
    pub(crate) is_unsaved: bool,
    /// How many changes of context variables there were when they were written last.
    pub(crate) context_written: u64,
    pub(crate) secrets: crate::secrets::Secrets,
    /// How this program can be started again, where it can be replaced.
    pub(crate) renewal: Option<Renewal>,
    /// What the boot holds for us.
    pub(crate) keepsakes: Keepsakes,
    /// Modules that operators added by hand, as they did.
    pub(crate) by_hand: Vec<ByHand>,
    /// Another binary is being verified, or about to take over.
    pub(crate) is_renewing: bool,
    /// No module is heard any more, because another binary takes over.
    pub(crate) is_leaving: bool,
    this: Handle,
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shell")
            .field("home", &self.files.home)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

/// What a shell is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) seed: u64,
    pub(crate) lives: Lives,
    /// The last life of the runs before this one.
    pub(crate) last_life: Generation,
    pub(crate) files: Files,
    pub(crate) surrounding: Surrounding,
    pub(crate) cgroups: Cgroups,
    pub(crate) safety: Safety,
    pub(crate) births: Births,
    pub(crate) proofs: Report,
    pub(crate) net: Rc<NetHelper>,
    pub(crate) talk: Talk,
    pub(crate) secrets: crate::secrets::Secrets,
    pub(crate) version: String,
    pub(crate) renewal: Option<Renewal>,
    pub(crate) keepsakes: Keepsakes,
}

impl Shell {
    /// A shell around a kernel that knows nothing yet.
    pub(crate) fn new(mut parts: Parts) -> Rc<RefCell<Self>> {
        let control = parts.cgroups.take_control();
        Rc::new_cyclic(|this| {
            RefCell::new(Self {
                kernel: Ensemble::of(Kernel::new(parts.seed).after(parts.last_life)),
                lives: parts.lives,
                clock: parts.clock,
                files: parts.files,
                surrounding: parts.surrounding,
                governor: Governor::open(control),
                safety: parts.safety,
                cgroups: parts.cgroups,
                births: parts.births,
                proofs: parts.proofs,
                net: parts.net,
                observed: Observations::default(),
                talk: parts.talk,
                desk: Desk::default(),
                guests: Guests::new(),
                functions: Cabinet::new(parts.seed),
                bells: Rc::new(Bells::default()),
                seats: Vec::new(),
                launches: VecDeque::new(),
                probes: Probes::default(),
                sets: VecDeque::new(),
                planner: crate::restarts::Planner::default(),
                keeping: crate::keeping::Keeping::default(),
                mail: Vec::new(),
                sheet: None,
                cuts: Vec::new(),
                armed: None,
                frames: 0,
                is_looking_out: false,
                lanes_up: Vec::new(),
                frames_seen: 0,
                troubles: VecDeque::new(),
                companion: None,
                version: parts.version,
                is_stopping: false,
                is_unsaved: false,
                context_written: 0,
                secrets: parts.secrets,
                renewal: parts.renewal,
                keepsakes: parts.keepsakes,
                by_hand: Vec::new(),
                is_renewing: false,
                is_leaving: false,
                this: this.clone(),
            })
        })
    }

    /// For tasks.
    pub(crate) fn handle(&self) -> Handle {
        self.this.clone()
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(crate) fn ground(&self) -> Ground<'_> {
        let outside = self.net.outside(&self.proofs);
        let counted = self.governor.counted();
        Ground { home: &self.files.home, surrounding: &self.surrounding, outside, counted, manner: None }
    }

    /// Tells the kernel what happened and does everything that follows from it.
    pub(crate) fn feed(&mut self, event: Event) {
        let now = self.now();
        self.feed_at(now, event);
    }

    /// The same with a time that was read already.
    pub(crate) fn feed_at(&mut self, now: Time, event: Event) {
        self.kernel.handle(now, event);
        self.carry_out_all();
    }

    fn carry_out_all(&mut self) {
        while let Some(effect) = self.kernel.poll_effect() {
            self.carry_out(effect);
        }
    }

    /// The kernel's moment has come, or may have.
    pub(crate) fn time_passed(&mut self) {
        self.armed = None;
        let now = self.now();
        if self.kernel.poll_timeout().is_some_and(|at| at <= now) {
            self.kernel.handle_timeout(now);
            self.carry_out_all();
        }
        self.end_turn();
    }

    /// Starts what waits to be started, writes what waits to be written, and sets the timer.
    pub(crate) fn end_turn(&mut self) {
        self.launch_next();
        if self.kernel.context().changes() != self.context_written {
            self.bells.context.notify_one();
        }
        let is_busy = std::mem::replace(&mut self.frames_seen, self.frames) != self.frames;
        if is_busy && !self.is_looking_out && self.kernel.calls_pending() > 0 {
            self.is_looking_out = true;
            self.bells.traffic.notify_one();
        }
        self.deliver_mail();
        if self.has_launch_to_do() {
            self.bells.launches.notify_one();
        }
        let next = self.kernel.poll_timeout();
        if next.is_some_and(|next| self.armed.is_none_or(|armed| next < armed)) {
            self.armed = next;
            self.bells.timer.notify_one();
        }
    }

    /// The thread may sleep again.
    pub(crate) fn stop_looking_out(&mut self) {
        self.is_looking_out = false;
        self.leave_lanes();
    }

    /// Whether a launch waits that could be done now.
    pub(crate) fn has_launch_to_do(&self) -> bool {
        !self.launches.is_empty() && !self.births.is_full() && !self.is_leaving
    }

    /// Notes that a life has something to write.
    pub(crate) fn list_mail(&mut self, slot: Slot, generation: Generation) {
        self.mail.push((slot, generation));
    }

    /// The same, unless it is noted or has nothing.
    pub(crate) fn list_mail_of(&mut self, slot: Slot, generation: Generation) {
        let Some(life) = self.life_mut(slot, generation) else { return };
        if life.outbox.has_mail() && !std::mem::replace(&mut life.outbox.is_listed, true) {
            self.list_mail(slot, generation);
        }
    }

    fn deliver_mail(&mut self) {
        let mut mail = std::mem::take(&mut self.mail);
        for (slot, generation) in mail.drain(..) {
            self.deliver_mail_of(slot, generation);
        }
        // The list's memory is kept for the next turn; what a module that broke its lane leads to may be on it already.
        mail.append(&mut self.mail);
        self.mail = mail;
    }

    fn deliver_mail_of(&mut self, slot: Slot, generation: Generation) {
        let (handle, is_looking_out) = (self.handle(), self.is_looking_out);
        let Some(life) = self.seat_mut(slot).and_then(|seat| seat.life_of(generation)) else { return };
        life.outbox.is_listed = false;
        if life.outbox.is_waiting {
            return;
        }
        let written = life.outbox.write();
        match (written, life.outbox.pipe()) {
            (Written::Blocked, Some(pipe)) => {
                life.outbox.is_waiting = true;
                let task = tasks::write_later(handle, slot, generation, pipe);
                life.tasks.retain(|task| !task.is_finished());
                life.tasks.push(task);
            }
            (Written::Broken(fault), _) => self.break_lane(slot, generation, fault),
            // Whoever was asked is about to answer.
            (Written::All, _) if is_looking_out => self.stay_up(slot, generation),
            (Written::All | Written::Closed | Written::Blocked | Written::Dozing, _) => {}
        }
    }

    pub(crate) fn seat(&self, slot: Slot) -> Option<&Seat> {
        self.seats.get(slot.0 as usize)?.as_ref()
    }

    pub(crate) fn seat_mut(&mut self, slot: Slot) -> Option<&mut Seat> {
        self.seats.get_mut(slot.0 as usize)?.as_mut()
    }

    /// All seats that are taken.
    pub(crate) fn seats_by_slot(&self) -> Vec<(Slot, &Seat)> {
        let numbered = (0..).map(Slot).zip(&self.seats);
        numbered.filter_map(|(slot, seat)| Some((slot, seat.as_ref()?))).collect()
    }

    /// The seat, made when the kernel knows the module and it has none yet.
    pub(crate) fn seat_or_new(&mut self, slot: Slot) -> Option<&mut Seat> {
        let id = self.kernel.spec(slot)?.id.clone();
        let index = slot.0 as usize;
        if self.seats.len() <= index {
            self.seats.resize_with(index + 1, || None);
        }
        let seat = &mut self.seats[index];
        Some(seat.get_or_insert_with(|| Seat::new(id)))
    }

    pub(crate) fn forget_seat(&mut self, slot: Slot) {
        if let Some(seat) = self.seats.get_mut(slot.0 as usize) {
            *seat = None;
        }
    }

    /// The running life of exactly this generation.
    pub(crate) fn life_mut(&mut self, slot: Slot, generation: Generation) -> Option<&mut Life> {
        self.seat_mut(slot)?.life_of(generation)
    }

    /// Whether a process is one of ours, whose end is taken by its own task.
    pub(crate) fn is_ours(&self, pid: u32) -> bool {
        let lives = self.seats.iter().flatten().flat_map(|seat| seat.life.iter().chain(&seat.sides));
        self.probes.borrow().contains(&pid) || lives.map(|life| life.pid).any(|known| known == pid)
    }

    /// The blueprint of the module in a seat.
    pub(crate) fn blueprint(&self, slot: Slot) -> Option<Rc<Blueprint>> {
        let id = &self.kernel.spec(slot)?.id;
        self.files.blueprints.get(id).cloned()
    }

    /// The one module of a description that is in no file. Whoever gave it wants it to run, whatever it says about the boot.
    pub(crate) fn found_by_hand(&self, made: &ProjectModules) -> Option<Found> {
        let (user_home, modules) = (self.surrounding.user_home(), self.files.home.modules());
        let approvals = &self.files.approvals;
        let search = Search { modules: &modules, approvals, project: None, user_home: &user_home };
        let mut found = made.found(&search, &mut HashCache::default()).pop()?;
        found.discovered.spec.start_at_boot = true;
        Some(found)
    }

    /// An order of the host's own, whose answer nobody waits for.
    pub(crate) fn order(&mut self, order: kernel::Order) {
        let request = self.desk.next_request();
        self.feed(Event::Ordered(request, order));
    }

    /// An operator went away.
    pub(crate) fn depart(&mut self, request: RequestId) {
        self.desk.forget(request);
        self.feed(Event::Departed(request));
        self.end_turn();
    }

    /// Something of the host's own that belongs into the journal.
    pub(crate) fn record(&mut self, record: Record) {
        self.talk.record(record);
    }

    /// Something is not as it should be, and the kernel runs on.
    pub(crate) fn trouble(&mut self, what: String) {
        tracing::warn!(trouble = %what, "something is not as it should be");
        if self.troubles.contains(&what) {
            return;
        }
        if self.troubles.len() >= TROUBLES_MAX {
            self.troubles.pop_front();
        }
        self.talk.tell(&News::Trouble(what.clone()));
        self.talk.record(Record::new("kernel.trouble").text("what", what.as_str()));
        self.troubles.push_back(what);
    }

    /// Takes back troubles that begin like this: they are over.
    pub(crate) fn no_trouble(&mut self, beginning: &str) {
        self.troubles.retain(|trouble| !trouble.starts_with(beginning));
    }

    /// Where the socket of sd_notify lies: in a folder of its own, which a contained module can be shown whole, since every
    /// life has another socket there.
    pub(crate) fn notify_path(&self, slot: Slot) -> PathBuf {
        self.files.home.run().join(format!("notify-{}/sock", slot.0))
    }
}
