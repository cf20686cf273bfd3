//! Who asks, and whether they may. Whoever holds the socket is an admin, and no policy is about them; on behalf of somebody
//! they have that one's role, as policies narrow it or add to it. What is asked on somebody's behalf is journaled when it
//! changes something and when it is refused, as long as the refusals are few enough to read.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use abi::Record;
use protocol::operator::{OnBehalf, Request, Weight};
use tokio::task::spawn_local;

use super::connection::Caller;
use super::parse::Asked;
use super::reply::Refusal;
use crate::policies::Denied;

#[cfg(test)]
mod tests;

/// 10 refusals a minute of one asker have a record of their own; more are one that asks in a loop.
const RECORDS_PER_MINUTE: u32 = 10;

/// 32 askers are counted apart; those beyond them share one count, so that made-up names fill neither memory nor journal.
const ASKERS_MAX: usize = 32;

/// From the first refusal to the sum of those that got no record of their own.
const MINUTE: Duration = Duration::from_secs(60);

/// What was refused since a minute began.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// How many were told, by asker.
    told: BTreeMap<String, u32>,
    untold: u64,
}

impl Refusals {
    /// Whether this one gets a record, and whether a minute begins with it.
    fn count(&mut self, asker: &str) -> (bool, bool) {
        let begins = self.told.is_empty();
        let is_new = !self.told.contains_key(asker);
        let key = if is_new && self.told.len() >= ASKERS_MAX { "" } else { asker };
        let told = self.told.entry(key.to_owned()).or_default();
        if *told >= RECORDS_PER_MINUTE {
            self.untold += 1;
            return (false, begins);
        }
        *told += 1;
        (true, begins)
    }

    /// The minute is over: how many had no record.
    fn end(&mut self) -> u64 {
        std::mem::take(self).untold
    }
}

/// The request, if its asker may ask it.
pub(super) fn admit(caller: &Caller, asked: Asked) -> Result<Request, Refusal> {
    let Some(by) = &asked.by else { return Ok(asked.request) };
    let denied = caller.shell.borrow().may(by, &asked.verb, asked.module.as_ref(), &asked.request).err();
    if let Some(denied) = denied {
        journal_refusal(caller, by, &asked, &denied);
        return Err(refusal(by, &asked, &denied));
    }
    if asked.request.weight() == Weight::Change {
        let record = record("operator.asked", by, &asked);
        caller.shell.borrow_mut().record(record);
    }
    Ok(asked.request)
}

fn refusal(by: &OnBehalf, asked: &Asked, denied: &Denied) -> Refusal {
    let (cmd, role) = (&asked.cmd, by.role);
    match denied {
        Denied::Role => {
            let least = asked.request.least_role();
            let why = format!("a {role} may not ask `{cmd}`; a role of {least} or more may");
            Refusal::new("host::door::forbidden", why)
        }
        Denied::Policies(_) => {
            let why = format!("the policies do not let `{}` ask `{}`", by.name, asked.verb);
            let about = asked.module.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
            let help = format!("ostoja policy explain --as {} --role {role} {}{about}", by.name, asked.verb);
            Refusal::new("host::door::forbidden", why).help(help)
        }
        Denied::Unreadable => {
            let why = "the policies can't be read, so only the owner may ask anything";
            Refusal::new("host::policy::unreadable", why).help("ostoja policy check")
        }
    }
}

fn journal_refusal(caller: &Caller, by: &OnBehalf, asked: &Asked, denied: &Denied) {
    let mut shell = caller.shell.borrow_mut();
    let (is_told, begins) = shell.desk.refusals.count(&by.name);
    if is_told {
        let record = record("operator.refused", by, asked);
        shell.record(match denied {
            Denied::Role => record,
            Denied::Policies(by) if by.is_empty() => record.text("policy", "none permits it"),
            Denied::Policies(by) => record.text("policy", by.join(", ")),
            Denied::Unreadable => record.text("policy", "unreadable"),
        });
    }
    if begins {
        let shell = Rc::downgrade(&caller.shell);
        spawn_local(async move {
            tokio::time::sleep(MINUTE).await;
            let Some(shell) = shell.upgrade() else { return };
            let mut shell = shell.borrow_mut();
            let untold = shell.desk.refusals.end();
            if untold > 0 {
                shell.record(Record::new("operator.refusals_summed_up").number("count", untold));
            }
        });
    }
}

fn record(code: &'static str, by: &OnBehalf, asked: &Asked) -> Record {
    let record = Record::new(code)
        .text("cmd", asked.verb.as_str())
        .text("by", by.name.as_str())
        .text("role", by.role.as_str());
    match &asked.module {
        Some(module) => record.of(module, None),
        None => record,
    }
}
