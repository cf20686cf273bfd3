//! What a message's way is decided by, as an immutable value: who is ready, who may call what, who offers and who hears.
//!
//! Control changes its own tables and publishes a new `Routes` at the end of a turn in which anything changed; each core
//! decides by the one that it holds. An older one can only be late, never wrong: an [`Address`] names the life that it
//! means, and a message to a life that is over comes back.
//!
//! A clone shares everything that did not change since, so that a thousand modules that become ready one after the
//! other cost a thousand small copies and not half a million.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use abi::{Generation, Name, RequestId, Slot};

use crate::zones::Buses;

mod board;
mod hearing;
mod index;
mod pages;
mod rules;

pub(crate) use board::{Board, Facts};
use index::Index;
use pages::Pages;
pub(crate) use rules::{Rules, beginnings, stem_of};

/// Where a copy of every call goes.
pub(crate) const RPC_COPY: &str = "system:rpc";

/// One life of one module, as the place that a message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Its seat.
    pub slot: Slot,
    /// Its life.
    pub generation: Generation,
}

impl Address {
    /// Where operators' calls come from and their answers go: no module ever sits there, and no life has this number.
    pub const OPERATOR: Self = Self { slot: Slot(u32::MAX), generation: Generation(0) };
}

/// What a message's way depends on, beside who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header<'a> {
    /// A call to a service.
    Call {
        /// Which.
        service: &'a str,
    },
    /// A message on a topic.
    Publish {
        /// Which.
        topic: &'a str,
    },
}

/// Why a message goes nowhere; the checks come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its sender is not ready, or another life of it is.
    SenderNotReady,
    /// Its sender has no capability for it.
    Forbidden,
    /// Nobody offers this service.
    NoService,
    /// Whoever offers this service is not ready.
    TargetNotReady,
}

impl Refusal {
    /// The module door's own words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SenderNotReady => "Module not ready",
            Self::Forbidden => "forbidden",
            Self::NoService => "service_not_found",
            Self::TargetNotReady => "module_not_ready",
        }
    }
}

/// Where a message goes.
#[derive(Debug, Clone, Copy)]
pub enum Decision<'r> {
    /// Nowhere.
    Refuse(Refusal),
    /// To one module.
    Forward(Address),
    /// To all of these.
    Spread(Hearers<'r>),
}

/// What is known of one seat: one cache line.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Row {
    generation: Generation,
    is_ready: bool,
    /// Whether it is talked with in lines, so that something can be delivered to it.
    has_lines: bool,
    /// On which buses it stands.
    buses: Buses,
    name: Name,
    may: May,
    /// For those who have patterns, or to whom something is forbidden.
    beyond: Option<Arc<Beyond>>,
}

/// What bits don't say of a module: what is asked only where they don't decide, or by its own publications.
#[derive(Debug, Clone, Default)]
struct Beyond {
    may: Rules,
    no_services: Rules,
    no_topics: Rules,
    /// For which names it stands on every bus.
    bridges: Rules,
}

impl Beyond {
    /// Whether a service may be called that is allowed by a pattern, if at all.
    fn allows(&self, service: &str) -> bool {
        self.may.is_under(service) && !self.no_services.matches(service)
    }
}

/// 4 services: what most modules may call at the most lies in the row itself, so that the common check reads no more
/// memory than the row.
const FEW: usize = 4;

/// Which services a module may call, by their bits.
#[derive(Debug, Clone)]
enum May {
    /// Filled up with a bit that no service has.
    Few([u32; FEW]),
    Many(Arc<[u64]>),
}

impl May {
    fn of(bits: &[u32]) -> Self {
        let mut few = [u32::MAX; FEW];
        if let Some(places) = few.get_mut(..bits.len()) {
            places.copy_from_slice(bits);
            return Self::Few(few);
        }
        let words = bits.iter().max().map_or(0, |most| *most as usize / 64 + 1);
        let mut many = alloc::vec![0_u64; words];
        for bit in bits {
            many[*bit as usize / 64] |= 1 << (bit % 64);
        }
        Self::Many(Arc::from(many))
    }

    /// The same with one bit changed.
    fn with(&self, bit: u32, is_allowed: bool) -> Self {
        let (word, mask) = (bit as usize / 64, 1 << (bit % 64));
        let mut many = match self {
            Self::Few(few) => {
                let bits: Vec<u32> = few.iter().copied().filter(|bit| *bit != u32::MAX).collect();
                return Self::of(&with(bits, bit, is_allowed));
            }
            Self::Many(many) => many.to_vec(),
        };
        if many.len() <= word {
            many.resize(word + 1, 0);
        }
        many[word] = if is_allowed { many[word] | mask } else { many[word] & !mask };
        Self::Many(Arc::from(many))
    }

    fn allows(&self, bit: u32) -> bool {
        match self {
            Self::Few(few) => few.contains(&bit),
            Self::Many(many) => many.get(bit as usize / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1),
        }
    }
}

fn with(mut bits: Vec<u32>, bit: u32, is_allowed: bool) -> Vec<u32> {
    bits.retain(|other| *other != bit);
    bits.extend(is_allowed.then_some(bit));
    bits
}

/// What is known of one service: all that a decision needs, so that the provider's row is not read for it.
#[derive(Debug, Clone, Copy)]
struct Service {
    /// Its place among the capability bits.
    bit: u32,
    /// On which it is offered.
    buses: Buses,
    provider: Provider,
}

impl Service {
    /// One that nobody offers, anywhere.
    fn without_provider(bit: u32) -> Self {
        Self { bit, buses: Buses::ALL, provider: Provider::Nobody }
    }
}

/// Who offers a service now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    Nobody,
    NotReady(Slot),
    Ready(Address),
}

impl Provider {
    fn slot(self) -> Option<Slot> {
        match self {
            Self::Nobody => None,
            Self::NotReady(slot) => Some(slot),
            Self::Ready(address) => Some(address.slot),
        }
    }

    fn reach(self) -> Result<Address, Refusal> {
        match self {
            Self::Nobody => Err(Refusal::NoService),
            Self::NotReady(_) => Err(Refusal::TargetNotReady),
            Self::Ready(address) => Ok(address),
        }
    }
}

/// An operator's subscription to one topic, or to all that begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watcher {
    pub(crate) request: RequestId,
    /// `*` at its end stands for the rest.
    pub(crate) pattern: Name,
}

/// The value; see the module's own text.
#[derive(Debug, Clone)]
pub struct Routes {
    rows: Pages<Option<Row>>,
    services: Index<Service>,
    topics: Index<Arc<[Slot]>>,
    /// Who hears all topics that begin so, but for those that are named.
    stems: Index<Arc<[Slot]>>,
    /// Lets the common case skip looking for beginnings.
    has_stems: bool,
    watchers: Arc<[Watcher]>,
    rpc_timeout: Duration,
    is_rpc_heard: bool,
}

impl Default for Routes {
    fn default() -> Self {
        Self {
            rows: Pages::default(),
            services: Index::default(),
            topics: Index::default(),
            stems: Index::default(),
            has_stems: false,
            watchers: Arc::from([]),
            rpc_timeout: crate::Settings::default().rpc_timeout,
            is_rpc_heard: false,
        }
    }
}

impl Routes {
    /// Where a message of this life goes. Pure; no allocation.
    #[inline]
    pub fn decide<'r>(&'r self, sender: Address, header: Header<'r>) -> Decision<'r> {
        let Some(row) = self.row(sender).filter(|row| row.is_ready) else {
            return Decision::Refuse(Refusal::SenderNotReady);
        };
        match header {
            Header::Call { service } => {
                let known = self.services.get(service);
                let allowed = known.filter(|known| row.may.allows(known.bit));
                let Some(found) = allowed else {
                    return Decision::Refuse(row.why_not(service, known.is_some()));
                };
                if !found.buses.meet(row.buses) && !row.bridges(service) {
                    return Decision::Refuse(Refusal::NoService);
                }
                match found.provider.reach() {
                    Ok(target) => Decision::Forward(target),
                    Err(refusal) => Decision::Refuse(refusal),
                }
            }
            Header::Publish { topic } if is_reserved(topic) || row.must_not_say(topic) => {
                Decision::Refuse(Refusal::Forbidden)
            }
            Header::Publish { topic } => Decision::Spread(self.hearers_of(topic, Some((sender.slot, row)))),
        }
    }

    /// Who answers calls to a service, for operators, who may call every one.
    ///
    /// # Errors
    /// `NoService` and `TargetNotReady`.
    pub fn reach(&self, service: &str) -> Result<Address, Refusal> {
        self.services.get(service).ok_or(Refusal::NoService).and_then(|service| service.provider.reach())
    }

    /// Who hears a topic now, but for its sender: on the buses where that one stands, and on all of them without a sender.
    pub fn hearers<'r>(&'r self, topic: &'r str, sender: Option<Slot>) -> Hearers<'r> {
        let row = |slot: Slot| Some((slot, self.rows.get(slot.0 as usize)?.as_ref()?));
        self.hearers_of(topic, sender.and_then(row))
    }

    #[inline]
    fn hearers_of<'r>(&'r self, topic: &'r str, sender: Option<(Slot, &Row)>) -> Hearers<'r> {
        let buses = match sender {
            Some((_, row)) if !row.bridges(topic) => row.buses,
            _ => Buses::ALL,
        };
        Hearers { routes: self, slots: self.heard(topic), sender: sender.map(|(slot, _)| slot), topic, buses }
    }

    /// The seats that hear a topic.
    #[inline]
    fn heard(&self, topic: &str) -> &[Slot] {
        match self.topics.get(topic) {
            Some(slots) => slots,
            None if self.has_stems => self.hearers_under(topic),
            None => &[],
        }
    }

    /// Who hears a topic that nobody names.
    fn hearers_under(&self, topic: &str) -> &[Slot] {
        beginnings(topic).find_map(|stem| self.stems.get(stem)).map_or(&[][..], |slots| slots)
    }

    /// Which operators' requests follow a topic.
    pub fn watching(&self, topic: &str) -> impl Iterator<Item = RequestId> {
        let mut last = None;
        self.watchers.iter().filter(move |watcher| watcher.hears(topic)).filter_map(move |watcher| {
            // A request's patterns lie together; it is shown a message once.
            let is_new = last != Some(watcher.request);
            last = Some(watcher.request);
            is_new.then_some(watcher.request)
        })
    }

    /// The module's name, as far as this life of it is known here.
    pub fn name_of(&self, life: Address) -> Option<&Name> {
        self.row(life).map(|row| &row.name)
    }

    /// How long a call waits for its answer, or for a sign of life.
    pub fn rpc_timeout(&self) -> Duration {
        self.rpc_timeout
    }

    /// Whether anybody may hear of calls: lets the common case skip making the notice.
    pub(crate) fn is_rpc_heard(&self) -> bool {
        self.is_rpc_heard
    }

    fn row(&self, life: Address) -> Option<&Row> {
        self.rows.get(life.slot.0 as usize)?.as_ref().filter(|row| row.generation == life.generation)
    }
}

impl Row {
    /// Why a call is not taken: a pattern may allow services that nobody offers and nobody else names.
    #[cold]
    fn why_not(&self, service: &str, is_known: bool) -> Refusal {
        let allowed = !is_known && self.beyond.as_ref().is_some_and(|beyond| beyond.allows(service));
        if allowed { Refusal::NoService } else { Refusal::Forbidden }
    }

    /// Whether it stands on every bus for this name.
    #[inline]
    fn bridges(&self, name: &str) -> bool {
        self.beyond.as_ref().is_some_and(|beyond| beyond.bridges.matches(name))
    }

    #[inline]
    fn must_not_say(&self, topic: &str) -> bool {
        self.beyond.as_ref().is_some_and(|beyond| beyond.no_topics.matches(topic))
    }
}

/// Whether a topic is the kernel's own.
pub(crate) fn is_reserved(topic: &str) -> bool {
    topic.starts_with("system:") || topic.starts_with("kernel.")
}

impl Watcher {
    fn hears(&self, topic: &str) -> bool {
        match self.pattern.as_str().strip_suffix('*') {
            Some(start) => topic.starts_with(start),
            None => self.pattern.as_str() == topic,
        }
    }
}

/// The lives that hear a topic, by seat.
#[derive(Debug, Clone, Copy)]
pub struct Hearers<'r> {
    routes: &'r Routes,
    slots: &'r [Slot],
    sender: Option<Slot>,
    topic: &'r str,
    /// Where it is said.
    buses: Buses,
}

impl Iterator for Hearers<'_> {
    type Item = Address;

    fn next(&mut self) -> Option<Address> {
        loop {
            let (slot, rest) = self.slots.split_first()?;
            self.slots = rest;
            let row = self.routes.rows.get(slot.0 as usize).and_then(Option::as_ref);
            if Some(*slot) != self.sender
                && let Some(row) = row.filter(|row| row.is_ready && row.has_lines)
                && (row.buses.meet(self.buses) || row.bridges(self.topic))
            {
                return Some(Address { slot: *slot, generation: row.generation });
            }
        }
    }
}

crate::saved::keep_fields!(Address { slot, generation });

#[cfg(test)]
mod tests;
