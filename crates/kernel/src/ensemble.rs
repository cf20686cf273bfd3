//! The kernel and all proxies together, on one thread and in one fixed order: what tests, the simulator and a host of
//! one core use.
//!
//! A letter is read at once, and all that follows from it is done before the rest of what its writer wanted. So one
//! event is followed by everything that it leads to, in the order in which it came about, and no letter is ever on its
//! way between two events. On more than one core the same proxies write the same letters; there the order is the
//! mailboxes' and letters find lives that are over, as `conformance/sim` shows with its cores.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::limits::MODULES_MAX;
use abi::{Generation, ModuleId, Permissions, Record, RequestId, Slot, Time, Zone};

use crate::event::{Incoming, KernelCall, Order};
use crate::proxy::{Act, Note, OperatorProxy, Proxy, Tally, Turn};
use crate::routes::{Address, Routes};
use crate::saved::{Keep, Saved, Unreadable};
use crate::{Capabilities, Context, Effect, Event, Grants, Kernel, Known, Settings, Spec, Strays, View};

/// Kernel and proxies. As total as the kernel itself.
#[derive(Debug, Clone)]
pub struct Ensemble {
    kernel: Kernel,
    routes: Arc<Routes>,
    /// By seat: of the life that answers, or is about to.
    proxies: Vec<Option<Proxy>>,
    /// Of lives beside those, during swaps and after them: never more than a few.
    sides: Vec<Proxy>,
    operator: OperatorProxy,
    /// Calls that are not answered yet, of all.
    open: usize,
    /// When which proxy wants to be woken; the operators' is [`Address::OPERATOR`]'s.
    wakes: BTreeSet<(Time, Address)>,
    /// What the last one wants done, next one last.
    pending: Vec<(Address, Act)>,
    /// Kept for its memory.
    acts: Vec<Act>,
    effects: VecDeque<Effect>,
}

impl Ensemble {
    /// As [`Kernel::new`].
    pub fn new(seed: u64) -> Self {
        Self::of(Kernel::new(seed))
    }

    /// Proxies for a kernel that knows no module yet.
    pub fn of(mut kernel: Kernel) -> Self {
        Self {
            routes: kernel.routes(),
            kernel,
            proxies: Vec::new(),
            sides: Vec::new(),
            operator: OperatorProxy::default(),
            open: 0,
            wakes: BTreeSet::new(),
            pending: Vec::new(),
            acts: Vec::new(),
            effects: VecDeque::new(),
        }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Time, event: Event) {
        match event {
            Event::Said(slot, generation, said) => {
                let life = Address { slot, generation };
                self.with_proxy(now, life, |proxy, turn| proxy.hear(turn, said));
            }
            Event::Undelivered(slot, generation, what) => {
                let life = Address { slot, generation };
                self.with_proxy(now, life, |proxy, turn| proxy.undelivered(turn, what));
            }
            Event::Ordered(request, Order::Call { service, method, params, timeout_ms }) => {
                let wanted = (service, method, params);
                self.with_operator(now, |operator, turn| operator.call(turn, request, wanted, timeout_ms));
            }
            Event::Ordered(request, Order::Publish { topic, payload }) => {
                self.with_operator(now, |operator, turn| operator.publish(turn, request, &topic, payload));
            }
            Event::Departed(request) => {
                self.control(now, Event::Departed(request));
                self.with_operator(now, |operator, turn| operator.depart(turn, request));
            }
            event => self.control(now, event),
        }
        self.carry(now, 0);
    }

    /// The moment that [`Ensemble::poll_timeout`] named has come.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some((at, life)) = self.wakes.first().copied().filter(|(at, _)| *at <= now) {
            self.wakes.remove(&(at, life));
            if life == Address::OPERATOR {
                self.with_operator(now, OperatorProxy::time_passed);
            } else {
                self.with_proxy(now, life, Proxy::time_passed);
            }
            self.carry(now, 0);
        }
        if self.kernel.poll_timeout().is_some_and(|at| at <= now) {
            self.kernel.handle_timeout(now);
            self.take_effects(now);
            self.carry(now, 0);
        }
    }

    /// The next thing to do; call until there is none.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Ensemble::handle_timeout`] must be called at the latest, if nothing else happens.
    pub fn poll_timeout(&self) -> Option<Time> {
        let wake = self.wakes.first().map(|(at, _)| *at);
        wake.into_iter().chain(self.kernel.poll_timeout()).min()
    }

    fn proxy(&self, slot: Slot) -> Option<&Proxy> {
        self.proxies.get(slot.0 as usize)?.as_ref()
    }

    fn control(&mut self, now: Time, event: Event) {
        self.kernel.handle(now, event);
        self.take_effects(now);
    }

    /// What control wants follows, in its order, after what was wanted before.
    fn take_effects(&mut self, now: Time) {
        self.routes = self.kernel.routes();
        while let Some(effect) = self.kernel.poll_effect() {
            match effect {
                Effect::Note(slot, generation, Note::Began(badge)) => {
                    self.seat(Proxy::new(Address { slot, generation }, badge));
                }
                Effect::Promoted(slot, generation) => {
                    self.promote(Address { slot, generation });
                    self.effects.push_back(Effect::Promoted(slot, generation));
                }
                Effect::Note(slot, generation, note) => self.note(now, Address { slot, generation }, &note),
                effect => self.effects.push_back(effect),
            }
        }
    }

    /// A new life's proxy: in its seat, or beside the one that sits there.
    fn seat(&mut self, proxy: Proxy) {
        let index = proxy.life().slot.0 as usize;
        if self.proxies.len() <= index {
            self.proxies.resize_with(index + 1, || None);
        }
        match &mut self.proxies[index] {
            Some(_) => self.sides.push(proxy),
            empty => *empty = Some(proxy),
        }
    }

    /// A life beside takes the seat; the one that sat there stands beside.
    fn promote(&mut self, life: Address) {
        let Some(at) = self.sides.iter().position(|proxy| proxy.life() == life) else { return };
        let proxy = self.sides.swap_remove(at);
        if let Some(before) = self.proxies[life.slot.0 as usize].replace(proxy) {
            self.sides.push(before);
        }
    }

    fn drop_proxy(&mut self, life: Address) {
        self.wakes.retain(|(_, other)| *other != life);
        self.sides.retain(|proxy| proxy.life() != life);
        if let Some(seat) = self.proxies.get_mut(life.slot.0 as usize) {
            seat.take_if(|proxy| proxy.life() == life);
        }
    }

    /// What follows from a note comes before what control wants next.
    fn note(&mut self, now: Time, life: Address, note: &Note) {
        let others = self.pending.len();
        self.with_proxy(now, life, |proxy, turn| proxy.note(turn, note));
        if *note == Note::Gone {
            self.drop_proxy(life);
        }
        self.carry(now, others);
    }

    /// One step of a proxy, if that life is not over.
    fn with_proxy(&mut self, now: Time, life: Address, step: impl FnOnce(&mut Proxy, &mut Turn<'_>)) -> bool {
        let found = find_proxy(&mut self.proxies, &mut self.sides, life);
        let Some(proxy) = found else { return false };
        let (before, calls) = (proxy.next_deadline(), proxy.calls_pending());
        step(proxy, &mut Turn { now, routes: &self.routes, acts: &mut self.acts });
        let (after, open) = (proxy.next_deadline(), proxy.calls_pending());
        self.open = self.open + open - calls;
        self.settle(life, before, after);
        true
    }

    fn with_operator(&mut self, now: Time, step: impl FnOnce(&mut OperatorProxy, &mut Turn<'_>)) {
        let (before, calls) = (self.operator.next_deadline(), self.operator.calls_pending());
        step(&mut self.operator, &mut Turn { now, routes: &self.routes, acts: &mut self.acts });
        let after = self.operator.next_deadline();
        self.open = self.open + self.operator.calls_pending() - calls;
        self.settle(Address::OPERATOR, before, after);
    }

    /// Notes when a proxy wants to be woken, and puts what it wants before what others wanted.
    fn settle(&mut self, life: Address, before: Option<Time>, after: Option<Time>) {
        // A moment that has come is never named again: what was due is done.
        if before != after {
            before.map(|at| self.wakes.remove(&(at, life)));
            after.map(|at| self.wakes.insert((at, life)));
        }
        self.pending.extend(self.acts.drain(..).rev().map(|act| (life, act)));
    }

    /// Carries out what proxies want, but for the first `others`, until nothing more follows. That comes: a call is
    /// followed by an answer at the most, and an answer by nothing.
    fn carry(&mut self, now: Time, others: usize) {
        while self.pending.len() > others {
            let Some((life, act)) = self.pending.pop() else { return };
            let Address { slot, generation } = life;
            match act {
                Act::Frame(frame) => self.effects.push_back(Effect::Send(slot, generation, frame)),
                Act::Post(to, letter) => self.post(now, to, letter),
                Act::Control(said) => {
                    if let Incoming::KernelCall { call: KernelCall::MonitorSnapshot, .. } = said {
                        self.kernel.handle(now, Event::Counted(self.calls_pending()));
                    }
                    self.control(now, Event::Said(slot, generation, said));
                }
                Act::Tried(attempt) => self.control(now, Event::Tried(slot, generation, attempt)),
                Act::Overran => self.control(now, Event::Overran(slot, generation)),
                Act::Drained => self.control(now, Event::Drained(slot, generation)),
                Act::Warn(text) => self.effects.push_back(Effect::Warn(slot, generation, text)),
                Act::Reply(request, answer) => self.effects.push_back(Effect::Reply(request, answer)),
                Act::Show(request, topic, message) => {
                    self.effects.push_back(Effect::Show(request, topic, message));
                }
            }
        }
    }

    fn post(&mut self, now: Time, to: Address, letter: crate::Letter) {
        if to == Address::OPERATOR {
            return self.with_operator(now, |operator, turn| operator.read(turn, letter));
        }
        let back = letter.returned();
        let was_read = self.with_proxy(now, to, |proxy, turn| proxy.read(turn, letter));
        if !was_read && let Some((writer, letter)) = back {
            self.post(now, writer, letter);
        }
    }

    /// Calls that are not answered yet, of modules and operators.
    pub fn calls_pending(&self) -> u64 {
        self.open as u64
    }

    /// What messages are decided by now.
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// As [`Kernel::last_life`].
    pub fn last_life(&self) -> Generation {
        self.kernel.last_life()
    }

    /// As [`Kernel::preview`].
    pub fn preview(&self, now: Time, event: Event) -> Vec<Record> {
        self.kernel.preview(now, event)
    }

    /// As [`Kernel::governed`].
    pub fn governed(&self, strain_permille: u64) -> Vec<(Slot, Generation)> {
        self.kernel.governed(strain_permille)
    }

    /// As [`Kernel::safe_mode`].
    pub fn safe_mode(&self) -> Option<&str> {
        self.kernel.safe_mode()
    }

    /// What the callers of the life in a seat got so far; nothing when none runs there.
    pub fn tally(&self, slot: Slot) -> Option<Tally> {
        self.proxy(slot).map(Proxy::tally)
    }

    /// As [`Kernel::find`].
    pub fn find(&self, id: &str) -> Option<Slot> {
        self.kernel.find(id)
    }

    /// As [`Kernel::spec`].
    pub fn spec(&self, slot: Slot) -> Option<&Spec> {
        self.kernel.spec(slot)
    }

    /// As [`Kernel::zone`].
    pub fn zone(&self, slot: Slot) -> Option<Zone> {
        self.kernel.zone(slot)
    }

    /// As [`Kernel::grants`].
    pub fn grants(&self, id: &ModuleId) -> Option<&Grants> {
        self.kernel.grants(id)
    }

    /// As [`Kernel::effective`].
    pub fn effective(&self, slot: Slot) -> Permissions {
        self.kernel.effective(slot)
    }

    /// As [`Kernel::capabilities`].
    pub fn capabilities(&self, slot: Slot) -> Option<&Capabilities> {
        self.kernel.capabilities(slot)
    }

    /// As [`Kernel::context`].
    pub fn context(&self) -> &Context {
        self.kernel.context()
    }

    /// How a module is now, with the calls that it waits for.
    pub fn view(&self, slot: Slot) -> Option<View> {
        let view = self.kernel.view(slot)?;
        Some(self.with_calls(view))
    }

    /// How all modules are now, by name.
    pub fn views(&self) -> Vec<View> {
        self.kernel.views().into_iter().map(|view| self.with_calls(view)).collect()
    }

    fn with_calls(&self, view: View) -> View {
        let pending = self.proxy(view.slot).map_or(0, Proxy::calls_pending);
        View { calls_pending: u32::try_from(pending).unwrap_or(u32::MAX), ..view }
    }

    /// As [`Kernel::settings`].
    pub fn settings(&self) -> &Settings {
        self.kernel.settings()
    }
}

/// Handing over to another binary: see [`Kernel::save`] and [`Kernel::restore`].
impl Ensemble {
    /// What everything is now. To be asked when there is no effect left, and while nobody is [between lives](Ensemble::between_lives).
    pub fn save(&self) -> Saved {
        let proxies = self.proxies.iter().flatten().map(Keep::save).collect();
        Saved::fields([
            ("kernel", self.kernel.save()),
            ("proxies", Saved::List(proxies)),
            ("operator", self.operator.save()),
            ("wakes", self.wakes.save()),
        ])
    }

    /// As [`Kernel::between_lives`].
    pub fn between_lives(&self) -> Vec<ModuleId> {
        self.kernel.between_lives()
    }

    /// As [`Kernel::known`].
    pub fn known(&self) -> Vec<Known> {
        self.kernel.known()
    }

    /// Goes on where another ended. Whoever waits for a module that is not known any more is answered.
    ///
    /// # Errors
    /// What can't be read. This ensemble is of no use then.
    pub fn restore(&mut self, saved: &Saved, known: Vec<Known>) -> Result<Strays, Unreadable> {
        let kernel: Saved = saved.field("kernel")?;
        let strays = self.kernel.restore(&kernel, known)?;
        let proxies: Vec<Proxy> = saved.field("proxies")?;
        for proxy in proxies {
            let index = proxy.life().slot.0 as usize;
            if index >= MODULES_MAX || self.proxies.get(index).is_some_and(Option::is_some) {
                return Err(Unreadable::new("proxies"));
            }
            if self.proxies.len() <= index {
                self.proxies.resize_with(index + 1, || None);
            }
            self.proxies[index] = Some(proxy);
        }
        self.operator = saved.field("operator")?;
        self.wakes = saved.field("wakes")?;
        let pending = self.proxies.iter().flatten().map(Proxy::calls_pending);
        self.open = pending.sum::<usize>() + self.operator.calls_pending();
        self.routes = self.kernel.routes();
        let now = self.kernel.now;
        for (slot, generation) in &strays.0 {
            self.note(now, Address { slot: *slot, generation: *generation }, &Note::Gone);
        }
        Ok(strays)
    }

    /// As [`Kernel::grips`].
    pub fn grips(&self) -> Vec<(Slot, Generation, crate::Grip)> {
        self.kernel.grips()
    }

    /// The operators' requests that are not answered yet, or that follow topics.
    pub fn requests(&self) -> BTreeSet<RequestId> {
        self.kernel.requests().into_iter().chain(self.operator.askers()).collect()
    }
}

/// The proxy of exactly this life.
#[inline]
fn find_proxy<'p>(
    seats: &'p mut [Option<Proxy>],
    sides: &'p mut [Proxy],
    life: Address,
) -> Option<&'p mut Proxy> {
    match seats.get_mut(life.slot.0 as usize) {
        Some(Some(proxy)) if proxy.life() == life => Some(proxy),
        _ => sides.iter_mut().find(|proxy| proxy.life() == life),
    }
}

#[cfg(test)]
mod tests;
