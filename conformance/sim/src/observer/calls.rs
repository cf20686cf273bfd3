//! Calls: each call of a living caller is answered exactly once, by its target or by the kernel, to its caller, in time.

use core::time::Duration;
use std::collections::BTreeMap;

use abi::{Generation, RequestId, Time};
use kernel::{Answer, Effect, Ensemble, Event, Incoming, Order, Outcome, Outgoing, Undelivered, Word};

use super::lives::{Lives, Stage};
use super::{Cause, Step, Verdict};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Caller {
    Module(Generation, Word),
    Operator(RequestId),
}

/// A hop by the life that has to answer it and the number that it was given for it.
type Number = (Generation, u64);

#[derive(Debug, Clone)]
struct Hop {
    caller: Caller,
    /// The how manieth call of its caller it is.
    token: u64,
    until: Time,
    renewable: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Calls {
    open: BTreeMap<Number, Hop>,
    /// The last number that each living target was given.
    last: BTreeMap<Generation, u64>,
    /// How many calls of each living caller were passed on.
    passed: BTreeMap<Generation, u64>,
    /// How many answers a living caller is owed under each of its numbers.
    owed: BTreeMap<(Generation, Word), u32>,
    /// The hop that the present step must end, and with what, if it is told to by the right one.
    due: Option<(Number, Option<Outcome>)>,
    rpc_timeout: Duration,
}

impl Calls {
    pub(crate) fn begin(&mut self, step: &Step, kernel: &Ensemble) {
        self.due = None;
        self.rpc_timeout = kernel.settings().rpc_timeout;
        match &step.cause {
            Cause::Happened(Event::Undelivered(_, generation, what)) => {
                let overloaded = Some(Outcome::Error(String::from("overloaded")));
                let number = match what {
                    Undelivered::Call(hop) => {
                        self.open.contains_key(&(*generation, *hop)).then_some((*generation, *hop))
                    }
                    Undelivered::Part(token) => self.made(*generation, |hop| hop.token == *token),
                };
                self.due = number.map(|number| (number, overloaded));
            }
            Cause::Happened(Event::Departed(request)) => {
                self.open.retain(|_, hop| hop.caller != Caller::Operator(*request));
            }
            Cause::Happened(_) | Cause::TimeCame => {}
        }
        let Some((generation, said)) = step.said() else { return };
        match said {
            Incoming::Call { id, .. } => *self.owed.entry((generation, id.clone())).or_default() += 1,
            Incoming::Answer { id, outcome } => {
                self.due = self.served(generation, id).map(|hop| (hop, Some(outcome.clone())));
            }
            Incoming::Cancel { id } => {
                let caller = Caller::Module(generation, id.clone());
                let cancelled = Some(Outcome::Error(String::from("cancelled")));
                let latest = self.made(generation, |hop| hop.caller == caller);
                self.due = latest.map(|number| (number, cancelled));
            }
            Incoming::Progress { id, .. } | Incoming::Chunk { id, .. } | Incoming::End { id } => {
                self.renew(step.now, generation, id);
            }
            _ => {}
        }
    }

    fn served(&self, generation: Generation, id: &Word) -> Option<Number> {
        let number = (generation, id.as_str().parse().ok()?);
        self.open.contains_key(&number).then_some(number)
    }

    /// The latest call of this caller of which this is so.
    fn made(&self, caller: Generation, is_it: impl Fn(&Hop) -> bool) -> Option<Number> {
        let own = |hop: &Hop| matches!(hop.caller, Caller::Module(generation, _) if generation == caller);
        let all = self.open.iter().filter(|(_, hop)| own(hop) && is_it(hop));
        all.max_by_key(|(_, hop)| hop.token).map(|(number, _)| *number)
    }

    fn renew(&mut self, now: Time, generation: Generation, id: &Word) {
        let Some(number) = self.served(generation, id) else { return };
        let until = now + self.rpc_timeout;
        if let Some(hop) = self.open.get_mut(&number).filter(|hop| hop.renewable) {
            hop.until = until;
        }
    }

    /// Nobody answers, or is owed anything by, a life that is over. Its targets' hops wait for their answers.
    pub(crate) fn life_over(&mut self, ended: Generation) {
        self.owed.retain(|(caller, _), _| *caller != ended);
        self.last.remove(&ended);
        self.passed.remove(&ended);
        self.open.retain(|_, hop| !matches!(&hop.caller, Caller::Module(caller, _) if *caller == ended));
    }

    pub(crate) fn effect(
        &mut self,
        step: &Step,
        effect: &Effect,
        kernel: &Ensemble,
        lives: &Lives,
    ) -> Verdict {
        match effect {
            Effect::Send(_, target, frame @ Outgoing::Call { .. }) => {
                self.passed_on(step, *target, frame, lives)
            }
            Effect::Send(_, caller, Outgoing::Answer { id, outcome }) => {
                self.answered(step, Caller::Module(*caller, id.clone()), outcome, kernel, lives)
            }
            Effect::Reply(request, Answer::Called(outcome)) => {
                self.answered(step, Caller::Operator(*request), outcome, kernel, lives)
            }
            Effect::Reply(request, Answer::Failed(..)) => {
                let timed_out = |hop: &Hop| hop.caller == Caller::Operator(*request) && hop.until <= step.now;
                self.open.retain(|_, hop| !timed_out(hop));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn passed_on(&mut self, step: &Step, target: Generation, frame: &Outgoing, lives: &Lives) -> Verdict {
        let Outgoing::Call { hop: number, from, service, .. } = frame else { return Ok(()) };
        let number = (target, *number);
        if !lives.get(target).is_some_and(|life| life.offers.contains(service.as_str())) {
            return Err(format!("a call to {service} went to generation {target}, which does not offer it"));
        }
        let last = self.last.entry(target).or_default();
        if number.1 <= *last {
            return Err(format!("hop {number:?} was used before"));
        }
        *last = number.1;
        let (caller, name, own) = match &step.cause {
            Cause::Happened(Event::Ordered(request, Order::Call { timeout_ms, .. })) => {
                (Caller::Operator(*request), Word::literal("operator"), *timeout_ms)
            }
            Cause::Happened(Event::Said(_, generation, Incoming::Call { id, context, .. })) => {
                let life = lives.get(*generation).filter(|life| life.stage == Stage::Ready);
                let life = life.ok_or("a call was passed on for a caller that is not ready")?;
                if !life.may.contains(service.as_str()) {
                    return Err(format!("{} may not call {service}, and does", life.id));
                }
                let house = u64::try_from(self.rpc_timeout.as_millis()).unwrap_or(u64::MAX);
                let own = context.deadline_ms.map(|own| own.min(house));
                (Caller::Module(*generation, id.clone()), Word::from(&life.id), own)
            }
            other => return Err(format!("a call was passed on because of {other:?}")),
        };
        if *from != name {
            return Err(format!("a call of {name} was passed on as {from}'s"));
        }
        let wait = own.map_or(self.rpc_timeout, Duration::from_millis);
        let token = match &caller {
            Caller::Module(generation, _) => {
                let passed = self.passed.entry(*generation).or_default();
                *passed += 1;
                *passed
            }
            Caller::Operator(_) => 0,
        };
        let hop = Hop { caller, token, until: step.now + wait, renewable: own.is_none() };
        self.open.insert(number, hop);
        Ok(())
    }

    /// Which hop an answer ends: the one that this step has to end, or one whose time or target is over; none when
    /// the call was refused at once.
    fn answered(
        &mut self,
        step: &Step,
        caller: Caller,
        outcome: &Outcome,
        kernel: &Ensemble,
        lives: &Lives,
    ) -> Verdict {
        if let Caller::Module(generation, id) = &caller {
            let owed = self.owed.get_mut(&(*generation, id.clone())).filter(|owed| **owed > 0);
            *owed.ok_or_else(|| {
                format!("call {id} of generation {generation} was answered without a question")
            })? -= 1;
        }
        let ended = match &self.due {
            Some((number, Some(expected))) => {
                let hop = self.open.get(number).ok_or("a hop was ended twice")?;
                if hop.caller != caller || expected != outcome {
                    return Err(format!(
                        "hop {number:?} was answered {outcome:?} to {caller:?}, not as it was"
                    ));
                }
                Some(*number)
            }
            _ => self.over(step, &caller, outcome, lives),
        };
        let refused = matches!(&step.cause, Cause::Happened(Event::Said(_, _, Incoming::Call { .. })));
        match ended {
            Some(number) => {
                self.open.remove(&number);
                self.due = None;
                Ok(())
            }
            None if refused => self.refusal(outcome, &caller, kernel, lives),
            None => Err(format!("{caller:?} was answered {outcome:?} for no reason")),
        }
    }

    fn over(&self, step: &Step, caller: &Caller, outcome: &Outcome, lives: &Lives) -> Option<Number> {
        let Outcome::Error(error) = outcome else { return None };
        let is_over = |number: Number, hop: &Hop| match error.as_str() {
            "timeout" => hop.until <= step.now && matches!(step.cause, Cause::TimeCame),
            // A stream beyond its credit.
            "overloaded" => matches!(
                step.said(),
                Some((from, Incoming::Chunk { id, .. })) if self.served(from, id) == Some(number)
            ),
            died => died.ends_with("stopped while processing RPC") && lives.get(number.0).is_none(),
        };
        let is_it = |(number, hop): &(&Number, &Hop)| hop.caller == *caller && is_over(**number, hop);
        self.open.iter().find(is_it).map(|(number, _)| *number)
    }

    fn refusal(&self, outcome: &Outcome, caller: &Caller, kernel: &Ensemble, lives: &Lives) -> Verdict {
        let words = ["Module not ready", "forbidden", "service_not_found", "module_not_ready", "overloaded"];
        let known = matches!(outcome, Outcome::Error(error) if words.contains(&error.as_str()));
        let Caller::Module(generation, _) = caller else { return Ok(()) };
        let ready = lives.get(*generation).is_some_and(|life| life.stage == Stage::Ready);
        let not_ready = *outcome == Outcome::Error(String::from("Module not ready"));
        let slot_known = lives.get(*generation).is_some_and(|life| kernel.spec(life.slot).is_some());
        if known && slot_known && (ready || not_ready) {
            return Ok(());
        }
        Err(format!("a call was refused with {outcome:?} while its caller is ready: {ready}"))
    }

    pub(crate) fn end(&self, step: &Step, lives: &Lives) -> Verdict {
        if let Some((number, _)) = &self.due {
            return Err(format!("hop {number:?} should have ended and did not"));
        }
        let mut open: BTreeMap<(Generation, Word), u32> = BTreeMap::new();
        for (number, hop) in &self.open {
            if lives.get(number.0).is_none() {
                return Err(format!("hop {number:?} waits for a life that is over"));
            }
            if matches!(step.cause, Cause::TimeCame) && hop.until <= step.now {
                return Err(format!("hop {number:?} should have timed out"));
            }
            if let Caller::Module(generation, id) = &hop.caller {
                *open.entry((*generation, id.clone())).or_default() += 1;
            }
        }
        let owed = self.owed.iter().filter(|(_, owed)| **owed > 0);
        if owed.map(|(key, owed)| (key.clone(), *owed)).ne(open) {
            return Err(String::from("a call was neither passed on nor answered"));
        }
        Ok(())
    }

    pub(crate) fn farewell(&self) -> Verdict {
        if self.open.is_empty() { Ok(()) } else { Err(String::from("calls are open though nothing runs")) }
    }
}
