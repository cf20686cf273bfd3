//! Requests about context variables. Operators may see and change all of them; what they change is journaled without the
//! value.

use abi::Scope;
use kernel::{ContextVerb, Order, Variable, Word};
use protocol::decode::key_fault;
use protocol::operator::{ContextChange, ContextKey, VariableList, VariableRow};
use serde_json::json;

use super::connection::Caller;
use super::reply::{self, Done, Refusal, plain_answer};
use super::requests::payload;
use crate::shell::Shell;
use crate::translate::raw_value;

/// 1,000 rows in one answer: what a person can read, and far below the longest line of the door.
const ROWS_MAX: usize = 1000;

pub(super) fn list(caller: &Caller, scope_text: Option<&str>) -> Done {
    let wanted = scope_text.map(scope).transpose()?;
    let shell = caller.shell.borrow();
    let context = shell.kernel.context();
    let all = context
        .variables(shell.now())
        .filter(|(scope, _, _)| wanted.as_ref().is_none_or(|only| only == *scope));
    let mut left_out = 0;
    let mut variables = Vec::new();
    for (scope, key, variable) in all {
        if variables.len() < ROWS_MAX {
            variables.push(shell.variable_row(scope, key, variable));
        } else {
            left_out += 1;
        }
    }
    reply::data(&VariableList { variables, left_out, bytes_total: context.bytes() as u64 })
}

pub(super) fn get(caller: &Caller, wanted: &ContextKey) -> Done {
    let (scope, key) = (scope(&wanted.scope)?, key(&wanted.key)?);
    let shell = caller.shell.borrow();
    match shell.kernel.context().get(shell.now(), &scope, &key) {
        Some(found) => {
            let value = Some(raw_value(&found.value));
            reply::data(&VariableRow { value, ..shell.variable_row(&scope, &key, found) })
        }
        None => Err(not_found(&scope, &key)),
    }
}

pub(super) async fn set(caller: &Caller, change: ContextChange) -> Done {
    let (scope, key) = (scope(&change.scope)?, key(&change.key)?);
    let verb = ContextVerb::Set { key, value: payload(&change.value), ttl_ms: change.ttl_ms };
    plain_answer(caller.order(Order::Context(scope, verb)).await?)?;
    Ok(Some(json!({})))
}

pub(super) async fn delete(caller: &Caller, wanted: &ContextKey) -> Done {
    let (scope, key) = (scope(&wanted.scope)?, key(&wanted.key)?);
    if caller.shell.borrow().variable_is_missing(&scope, &key) {
        return Err(not_found(&scope, &key));
    }
    plain_answer(caller.order(Order::Context(scope, ContextVerb::Delete(key))).await?)?;
    Ok(Some(json!({})))
}

impl Shell {
    fn variable_is_missing(&self, scope: &Scope, key: &Word) -> bool {
        self.kernel.context().get(self.now(), scope, key).is_none()
    }

    fn variable_row(&self, scope: &Scope, key: &Word, variable: &Variable) -> VariableRow {
        VariableRow {
            scope: scope.to_string(),
            key: key.to_string(),
            bytes: variable.value.len() as u64,
            version: variable.version,
            expires_at_ms: variable.until.map(|until| self.clock.wall_of(until).0),
            value: None,
        }
    }
}

fn not_found(scope: &Scope, key: &Word) -> Refusal {
    let why = format!("{scope} has no variable `{key}`");
    Refusal::new("host::context::not_found", why).help(format!("ostoja context list {scope}"))
}

fn scope(text: &str) -> Result<Scope, Refusal> {
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    let why = format!("`{shown}` is no scope; write module:NAME or session:NAME");
    Scope::parse(text).ok_or_else(|| Refusal::new("host::context::bad_scope", why))
}

/// 64 characters of what is no scope are repeated.
const SHOWN_CHARS_MAX: usize = 64;

fn key(text: &str) -> Result<Word, Refusal> {
    let refused = |why: String| Refusal::new("host::context::bad_key", format!("the key {why}"));
    if let Some(why) = key_fault(text) {
        return Err(refused(why.to_owned()));
    }
    Word::parse(text).map_err(|error| refused(error.to_string()))
}
