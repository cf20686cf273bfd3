//! What operators want, and when they are answered.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use abi::{ModuleId, Permissions, Reason, RequestId, Slot};

use crate::Effect;
use crate::effect::{Answer, Failure};
use crate::event::Order;
use crate::keeping::Asks;
use crate::machine::Kernel;
use crate::module::{Module, Phase, Rest, Stage, Then};
use crate::spec::Work;
use crate::timers::Timer;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    Ready,
    Gone,
}

/// Orders that are answered later.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiters {
    modules: Vec<(RequestId, Slot, Goal)>,
    settle: Vec<RequestId>,
}

impl Kernel {
    pub(crate) fn handle_order(&mut self, request: RequestId, order: Order) {
        match order {
            Order::Start(id) => self.with_module(request, &id, Self::order_start),
            Order::Stop(id) => self.with_module(request, &id, Self::order_stop),
            Order::Restart(id) => self.with_module(request, &id, Self::order_restart),
            Order::Reinstate(id) => self.with_module(request, &id, Self::order_reinstate),
            Order::Cut => self.order_cut(request),
            Order::Swap(id, carry) => match self.table.find(id.as_str()) {
                Some(slot) => self.order_swap(request, slot, carry),
                None => self.fail(request, Failure::NotFound, format!("Module \"{id}\" not found")),
            },
            Order::AwaitSwap(id) => self.with_module(request, &id, Self::order_await_swap),
            Order::Release(id) => self.with_module(request, &id, |kernel, request, slot| {
                kernel.release_warm(slot);
                kernel.push(Effect::Reply(request, Answer::Done));
            }),
            Order::Remove(id) => self.with_module(request, &id, Self::order_remove),
            Order::Shutdown => self.order_shutdown(request),
            Order::SafeMode(why) => self.order_safe_mode(request, why),
            Order::Resume => self.order_resume(request),
            Order::Promote(id) => self.with_module(request, &id, Self::order_promote),
            Order::RestartZone(zone) => self.order_restart_zone(request, zone),
            Order::ResetZone(zone) => self.order_reset_zone(request, zone),
            Order::Settle => self.waiters.settle.push(request),
            Order::Grant(id, more) => {
                self.order_grants(request, &id, "permission.granted", &more, |grants| {
                    grants.dynamic.extend(&more);
                    grants.denied = grants.denied.minus(&more);
                    grants.pending.retain(|wish| !wish.permissions.is_subset(&more));
                })
            }
            Order::Deny(id, less) => self.order_grants(request, &id, "permission.denied", &less, |grants| {
                grants.denied.extend(&less);
                grants.dynamic = grants.dynamic.minus(&less);
                grants.pending.retain(|wish| !wish.permissions.intersects(&less));
            }),
            Order::Revoke(id, less) => {
                self.order_grants(request, &id, "permission.revoked", &less, |grants| {
                    grants.dynamic = grants.dynamic.minus(&less);
                })
            }
            Order::GrantRequest(wish) => self.order_wish(request, wish, Order::Grant),
            Order::DenyRequest(wish) => self.order_wish(request, wish, Order::Deny),
            // Traffic: it lies with the operators' proxy.
            Order::Call { .. } | Order::Publish { .. } => {}
            Order::Subscribe(topics) => self.order_subscribe(request, topics),
            Order::Context(scope, verb) => self.order_context(request, &scope, verb),
        }
    }

    pub(crate) fn handle_departed(&mut self, request: RequestId) {
        self.waiters.modules.retain(|(waiting, _, _)| *waiting != request);
        self.waiters.settle.retain(|waiting| *waiting != request);
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.requests.retain(|waiting| *waiting != request);
        }
        // A cut that nobody waits for ends by itself, and its answer goes to nobody.
        self.forget_swap_request(request);
        self.topics.depart(request);
    }

    fn with_module(&mut self, request: RequestId, id: &ModuleId, act: fn(&mut Self, RequestId, Slot)) {
        match self.table.find(id.as_str()) {
            Some(slot) => act(self, request, slot),
            None => self.fail(request, Failure::NotFound, format!("Module \"{id}\" not found")),
        }
    }

    fn fail(&mut self, request: RequestId, failure: Failure, why: String) {
        self.push(Effect::Reply(request, Answer::Failed(failure, why)));
    }

    fn wait(&mut self, request: RequestId, slot: Slot, goal: Goal) {
        self.waiters.modules.push((request, slot, goal));
    }

    fn order_start(&mut self, request: RequestId, slot: Slot) {
        let Some(module) = self.table.get_mut(slot) else { return };
        match module.phase {
            Phase::Running(_, Stage::Ready) if module.spec.work == Work::Lasting => {
                return self.push(Effect::Reply(request, Answer::Already));
            }
            Phase::Running(..) if module.overdue => {
                // No time limit follows any more that would answer the order.
                let why = module.note.clone();
                return self.fail(request, Failure::TimedOut, why);
            }
            Phase::Running(..) => return self.wait(request, slot, Goal::Ready),
            Phase::Idle(_) | Phase::Held | Phase::Queued(_) | Phase::Ending { .. } => {}
        }
        module.kept_down = false;
        module.amend_end(Then::Respawn);
        let ending = module.generation().is_some();
        self.record(self.record_of(slot, "order.start"));
        self.reset_count(slot);
        if ending { self.wait(request, slot, Goal::Ready) } else { self.begin_by_order(request, slot) }
    }

    fn begin_by_order(&mut self, request: RequestId, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        if self.is_gathering(&module.spec.id) {
            return self.wait(request, slot, Goal::Ready);
        }
        let Some(module) = self.table.get_mut(slot) else { return };
        match module.phase {
            Phase::Held => {
                // It is held already: the order waits with it, for as long as any order waits for a held module.
                self.timers.set(self.now + self.settings.requires_timeout, Timer::Held(slot));
                return self.wait(request, slot, Goal::Ready);
            }
            Phase::Queued(_) => module.phase = Phase::Idle(Rest::Stopped),
            Phase::Idle(_) | Phase::Running(..) | Phase::Ending { .. } => {}
        }
        match self.begin(slot) {
            Ok(()) => self.wait(request, slot, Goal::Ready),
            Err((failure, why)) => self.fail(request, failure, why),
        }
    }

    fn order_stop(&mut self, request: RequestId, slot: Slot) {
        let Some(module) = self.table.get_mut(slot) else { return };
        module.kept_down = true;
        if let Phase::Idle(rest) = module.phase {
            self.reset_count(slot);
            // Whoever needs a job that is done still has it.
            if rest != Rest::Completed {
                self.set_reason(slot, Reason::Requested);
                self.rest(slot, Rest::Stopped, format!("stopped: {}", Reason::Requested));
            }
            return self.push(Effect::Reply(request, Answer::Already));
        }
        self.record(self.record_of(slot, "order.stop"));
        self.wait(request, slot, Goal::Gone);
        self.reset_count(slot);
        self.end(slot, Reason::Requested, Then::Stay, 0);
    }

    fn order_restart(&mut self, request: RequestId, slot: Slot) {
        self.restart_by_order(request, slot, Asks::State);
    }

    fn order_reinstate(&mut self, request: RequestId, slot: Slot) {
        if let Some(module) = self.table.get_mut(slot) {
            module.is_put_back = true;
        }
        self.restart_by_order(request, slot, Asks::Nothing);
    }

    fn restart_by_order(&mut self, request: RequestId, slot: Slot, asks: Asks) {
        if self.shutdown.is_some() {
            let why = String::from("the system is being shut down");
            return self.fail(request, Failure::ShuttingDown, why);
        }
        self.record(self.record_of(slot, "order.restart"));
        self.reset_count(slot);
        if let Some(module) = self.table.get_mut(slot) {
            module.kept_down = false;
        }
        match self.table.get(slot).and_then(Module::generation) {
            Some(_) => {
                self.end_as(slot, Reason::Requested, Then::Respawn, 0, asks);
                self.wait(request, slot, Goal::Ready);
            }
            None => self.begin_by_order(request, slot),
        }
    }

    fn order_remove(&mut self, request: RequestId, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        if !module.by_hand {
            let why = format!("`{}` was not added by hand; its files say that it is there", module.spec.id);
            return self.fail(request, Failure::Refused, why);
        }
        self.record(self.record_of(slot, "order.remove"));
        self.wait(request, slot, Goal::Gone);
        self.end(slot, Reason::Requested, Then::Forget, 0);
    }

    fn order_shutdown(&mut self, request: RequestId) {
        self.record(abi::Record::new("order.shutdown"));
        self.begin_shutdown(Some(request));
    }

    fn order_grants(
        &mut self,
        request: RequestId,
        id: &ModuleId,
        code: &'static str,
        changed: &Permissions,
        change: impl FnOnce(&mut crate::Grants),
    ) {
        match self.table.find(id.as_str()) {
            Some(slot) => {
                self.change_grants(slot, code, changed, change);
                self.push(Effect::Reply(request, Answer::Done));
            }
            None => self.fail(request, Failure::NotFound, format!("Module \"{id}\" not found")),
        }
    }

    fn order_wish(&mut self, request: RequestId, wish: u128, order: fn(ModuleId, Permissions) -> Order) {
        match self.wisher(wish) {
            Some((slot, pending)) => {
                let Some(module) = self.table.get(slot) else { return };
                let id = module.spec.id.clone();
                self.handle_order(request, order(id, pending.permissions));
            }
            None => {
                let why = format!("there is no pending request {}", crate::permits::uuid_text(wish));
                self.fail(request, Failure::NotFound, why);
            }
        }
    }

    pub(crate) fn succeed_waiters(&mut self, slot: Slot) {
        self.answer(slot, Goal::Ready, &Answer::Done);
    }

    pub(crate) fn fail_waiters(&mut self, slot: Slot, failure: Failure, why: &str) {
        self.answer(slot, Goal::Ready, &Answer::Failed(failure, String::from(why)));
    }

    pub(crate) fn settle_gone(&mut self, slot: Slot) {
        self.answer(slot, Goal::Gone, &Answer::Done);
    }

    pub(crate) fn fail_gone(&mut self, slot: Slot, why: &str) {
        self.answer(slot, Goal::Gone, &Answer::Failed(Failure::Failed, String::from(why)));
    }

    fn answer(&mut self, slot: Slot, goal: Goal, answer: &Answer) {
        let waiting = core::mem::take(&mut self.waiters.modules);
        for (request, on, wanted) in waiting {
            if on == slot && wanted == goal {
                self.push(Effect::Reply(request, answer.clone()));
            } else {
                self.waiters.modules.push((request, on, wanted));
            }
        }
    }

    /// Answers those who wait for all modules to be at rest.
    pub(crate) fn answer_settled(&mut self) {
        if self.waiters.settle.is_empty() {
            return;
        }
        let mut known = BTreeMap::new();
        if self.table.slots().into_iter().any(|slot| self.is_on_its_way(slot, &mut known)) {
            return;
        }
        let failed = |(_, module): (Slot, &Module)| {
            let fine = module.is_ready()
                || module.kept_down && !module.grants.is_quarantined
                || rests_as_meant(module);
            (module.spec.start_at_boot && !fine).then(|| module.spec.id.clone())
        };
        let failed: Vec<ModuleId> = self.table.iter().filter_map(failed).collect();
        for request in core::mem::take(&mut self.waiters.settle) {
            self.push(Effect::Reply(request, Answer::Settled(failed.clone())));
        }
    }

    /// Whether a module can still become ready without anybody's help and without having failed before. `known`
    /// holds what was found out on the way, and ends circles: nobody comes by waiting for itself.
    fn is_on_its_way(&self, slot: Slot, known: &mut BTreeMap<Slot, bool>) -> bool {
        if let Some(found) = known.get(&slot) {
            return *found;
        }
        known.insert(slot, false);
        let Some(module) = self.table.get(slot) else { return false };
        let found = match module.phase {
            Phase::Idle(_) => self.is_gathering(&module.spec.id),
            Phase::Running(_, Stage::Ready) => {
                module.spec.work == Work::Once && module.restart_count == 0 && !module.overdue
            }
            Phase::Running(_, Stage::Starting) | Phase::Queued(_) => {
                module.restart_count == 0 && !module.overdue
            }
            Phase::Ending { then, .. } => matches!(then, Then::Respawn | Then::Gather),
            Phase::Held | Phase::Running(_, Stage::Waiting) => self.missing(module).iter().all(|name| {
                let by_need = self.table.find(name.as_str());
                let mut offering = self.table.offering(name).iter().copied().chain(by_need);
                offering.any(|other| self.is_on_its_way(other, known))
            }),
        };
        known.insert(slot, found);
        found
    }
}

/// Whether a module that does not run does so because somebody wished it or its work is done.
fn rests_as_meant(module: &Module) -> bool {
    match module.phase {
        Phase::Idle(Rest::Fresh | Rest::Completed) => true,
        Phase::Idle(Rest::Stopped) => {
            matches!(module.reason, None | Some(Reason::Shutdown | Reason::Uninstalled))
        }
        Phase::Idle(Rest::Refused | Rest::Crashed)
        | Phase::Held
        | Phase::Queued(_)
        | Phase::Running(..)
        | Phase::Ending { .. } => false,
    }
}

crate::saved::keep_variants!(Goal { Ready {}, Gone {} });
crate::saved::keep_fields!(Waiters { modules, settle });

impl Waiters {
    /// Who waits.
    pub(crate) fn requests(&self) -> impl Iterator<Item = RequestId> {
        self.modules.iter().map(|(request, _, _)| *request).chain(self.settle.iter().copied())
    }
}

#[cfg(test)]
mod tests;
