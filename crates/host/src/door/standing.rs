//! Who asks, and whether they may. Whoever holds the socket is an admin; on behalf of somebody they have that one's role
//! and no more. What is asked on somebody's behalf is journaled when it changes something and when it is refused.

use abi::Record;
use protocol::operator::{OnBehalf, Request, Weight};

use super::connection::Caller;
use super::parse::Asked;
use super::reply::Refusal;

/// The request, if its asker may ask it.
pub(super) fn admit(caller: &Caller, asked: Asked) -> Result<Request, Refusal> {
    let Some(by) = &asked.by else { return Ok(asked.request) };
    if !by.role.may(&asked.request) {
        note(caller, "operator.refused", by, &asked);
        let least = asked.request.least_role();
        let why = format!("a {} may not ask `{}`; a role of {least} or more may", by.role, asked.cmd);
        return Err(Refusal::new("host::door::forbidden", why));
    }
    if asked.request.weight() == Weight::Change {
        note(caller, "operator.asked", by, &asked);
    }
    Ok(asked.request)
}

fn note(caller: &Caller, code: &'static str, by: &OnBehalf, asked: &Asked) {
    let record = Record::new(code)
        .text("cmd", asked.cmd.as_str())
        .text("by", by.name.as_str())
        .text("role", by.role.as_str());
    let record = match &asked.module {
        Some(module) => record.of(module, None),
        None => record,
    };
    caller.shell.borrow_mut().record(record);
}
