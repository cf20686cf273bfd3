//! The fake operator, and everything else that changes a house from outside: files, approvals, configuration.

use abi::{ModuleId, RequestId};
use kernel::{Discovered, Event, Grants, Order};

use crate::house;
use crate::process;
use crate::random::Random;

/// What the operator knows of the house, and how many requests it has made.
#[derive(Debug)]
pub(crate) struct Operator {
    /// What a discovery finds now.
    pub(crate) found: Vec<Discovered>,
    last: u64,
    /// Requests that may still be open, to depart from.
    made: Vec<RequestId>,
}

impl Operator {
    pub(crate) fn new(random: &mut Random) -> Self {
        let modules = random.between(2, house::MODULES);
        let found = (0..modules).map(|number| house::module(random, number)).collect();
        Self { found, last: 0, made: Vec::new() }
    }

    pub(crate) fn request(&mut self) -> RequestId {
        self.last += 1;
        let request = RequestId(self.last);
        self.made.push(request);
        request
    }

    /// Something that happens from outside.
    pub(crate) fn act(&mut self, random: &mut Random, settings: &kernel::Settings) -> Event {
        match random.below(100) {
            0..=64 => {
                let order = if random.happens(8) { self.answer_wish(random) } else { order(random) };
                Event::Ordered(self.request(), order)
            }
            65..=69 => {
                let at = random.below(self.made.len() as u64);
                let request = usize::try_from(at).ok().and_then(|at| self.made.get(at)).copied();
                Event::Departed(request.unwrap_or(RequestId(0)))
            }
            70..=81 => self.rediscover(random),
            82..=84 => {
                let number = random.below(house::MODULES);
                Event::Added(house::module(random, number))
            }
            85..=91 => self.approve(random),
            92..=96 => Event::ConfigChanged((0..random.below(3)).map(|_| house::section(random)).collect()),
            _ => {
                let mut settings = settings.clone();
                house::change_settings(&mut settings, random);
                Event::Settings(settings)
            }
        }
    }

    /// A wish that is known to wait, or one that nobody has.
    fn answer_wish(&self, random: &mut Random) -> Order {
        let wishes: Vec<u128> =
            self.found.iter().flat_map(|one| one.grants.pending.iter().map(|wish| wish.id)).collect();
        let wish = if wishes.is_empty() { u128::from(random.next()) } else { *random.pick(&wishes) };
        if random.happens(50) { Order::GrantRequest(wish) } else { Order::DenyRequest(wish) }
    }

    /// Files changed: a module is gone, new, changed, refused, or refused no more; or nothing did.
    fn rediscover(&mut self, random: &mut Random) -> Event {
        let number = random.below(house::MODULES);
        let id = house::module_id(number);
        let known = self.found.iter_mut().find(|one| one.spec.id == id);
        match (random.below(6), known) {
            (0, _) => self.found.retain(|one| one.spec.id != id),
            (1, Some(one)) => one.refused = Some(String::from("files changed")),
            (2, Some(one)) => one.refused = None,
            (3, Some(one)) => {
                let grants = one.grants.clone();
                *one = house::module(random, number);
                one.grants = grants;
            }
            (_, None) => self.found.push(house::module(random, number)),
            (_, Some(_)) => {}
        }
        Event::Discovered(self.found.clone())
    }

    fn approve(&mut self, random: &mut Random) -> Event {
        let id = house::module_id(random.below(house::MODULES));
        let grants = random.happens(75).then(|| Grants {
            base: random.happens(90).then(|| house::permissions(random)),
            dynamic: house::permissions(random),
            forbid: house::forbidden(random),
            ..Grants::default()
        });
        self.keep(&id, grants.clone().unwrap_or_default());
        Event::GrantsChanged(vec![(id, grants)])
    }

    /// What is approved is kept beside the files, so that the next discovery finds it.
    pub(crate) fn keep(&mut self, id: &ModuleId, grants: Grants) {
        if let Some(one) = self.found.iter_mut().find(|one| one.spec.id == *id) {
            one.grants = grants;
        }
    }
}

fn order(random: &mut Random) -> Order {
    let id = house::module_id(random.below(house::MODULES));
    match random.below(64) {
        0..=11 => Order::Start(id),
        12..=21 => Order::Stop(id),
        22..=31 => Order::Restart(id),
        32..=33 => Order::Remove(id),
        34..=37 => Order::Settle,
        38..=39 => Order::Grant(id, house::permissions(random)),
        40 => Order::Deny(id, house::permissions(random)),
        41 => Order::Revoke(id, house::permissions(random)),
        42..=52 => Order::Call {
            service: house::service(random),
            method: kernel::Word::literal("do"),
            params: None,
            timeout_ms: random.happens(50).then(|| random.below(10_000)),
        },
        53..=57 => Order::Publish { topic: house::topic(random), payload: process::payload(random) },
        58..=60 => Order::Context(house::session(random), process::context_verb(random)),
        _ => Order::Subscribe(vec![abi::Name::literal(if random.happens(50) { "system:*" } else { "t1" })]),
    }
}
