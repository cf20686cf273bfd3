//! `context.*`: what a module's call about context variables asks for.
//!
//! Without `session` and `module` it is about the module's own variables. A `key` names one variable; where it chooses
//! several (`context.list`, `context.watch`) it may end in `*` after a `:` or a `.`, and when it is left out it means all.

use std::borrow::Cow;

use abi::{ModuleId, Pattern, Scope};

use super::Raw;
use super::kernel_call::{KernelCall, Params, name};

/// What is asked about context variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextCall<'a> {
    /// Whose; the module's own when left out.
    pub scope: Option<Scope>,
    /// What about them.
    pub verb: ContextVerb<'a>,
}

/// The methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextVerb<'a> {
    /// `context.get`
    Get {
        /// Which.
        key: Cow<'a, str>,
    },
    /// `context.set`
    Set {
        /// Which.
        key: Cow<'a, str>,
        /// The new value's JSON.
        value: Raw<'a>,
        /// For how many milliseconds.
        ttl_ms: Option<u64>,
    },
    /// `context.delete`
    Delete {
        /// Which.
        key: Cow<'a, str>,
    },
    /// `context.list`
    List {
        /// Which; all when left out.
        pattern: Option<Pattern>,
    },
    /// `context.watch`
    Watch {
        /// Which; all when left out.
        pattern: Option<Pattern>,
    },
    /// `context.unwatch`
    Unwatch {
        /// The number that the watch was given.
        watch: u64,
    },
}

pub(super) fn decode<'a>(method: &'a str, params: Option<Raw<'a>>) -> KernelCall<'a> {
    let method: &'static str = match method {
        "context.get" => "context.get",
        "context.set" => "context.set",
        "context.delete" => "context.delete",
        "context.list" => "context.list",
        "context.watch" => "context.watch",
        "context.unwatch" => "context.unwatch",
        _ => return KernelCall::Unknown(method),
    };
    match read(method, params) {
        Ok(call) => KernelCall::Context(call),
        Err(message) => KernelCall::Bad { method, message: format!("{method}: {message}") },
    }
}

fn read<'a>(method: &str, params: Option<Raw<'a>>) -> Result<ContextCall<'a>, String> {
    let params = Params::read(params)?;
    let scope = scope(&params)?;
    let verb = match method {
        "context.get" => ContextVerb::Get { key: key(&params)? },
        "context.set" => ContextVerb::Set {
            key: key(&params)?,
            value: params.value.ok_or("value is missing")?,
            ttl_ms: number("ttl_ms", params.ttl_ms)?,
        },
        "context.delete" => ContextVerb::Delete { key: key(&params)? },
        "context.list" => ContextVerb::List { pattern: pattern(&params)? },
        "context.watch" => ContextVerb::Watch { pattern: pattern(&params)? },
        _ => {
            let watch = number("watch", params.watch)?.ok_or("watch is missing")?;
            ContextVerb::Unwatch { watch }
        }
    };
    Ok(ContextCall { scope, verb })
}

fn scope(params: &Params<'_>) -> Result<Option<Scope>, String> {
    let given = |field: &str, raw: Option<Raw<'_>>| -> Result<Option<ModuleId>, String> {
        let Some(raw) = raw.filter(|raw| *raw != Raw::NULL) else { return Ok(None) };
        let text = name(field, Some(raw))?;
        ModuleId::parse(&text).map(Some).map_err(|error| format!("{field} {error}"))
    };
    match (given("session", params.session)?, given("module", params.module)?) {
        (None, None) => Ok(None),
        (Some(session), None) => Ok(Some(Scope::Session(session))),
        (None, Some(module)) => Ok(Some(Scope::Module(module))),
        (Some(_), Some(_)) => Err("either session or module, not both".to_owned()),
    }
}

fn key<'a>(params: &Params<'a>) -> Result<Cow<'a, str>, String> {
    let key = name("key", params.key)?;
    match key_fault(&key) {
        Some(why) => Err(format!("key {why}")),
        None => Ok(key),
    }
}

/// Why no variable can have this key, as the end of a sentence.
pub fn key_fault(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        Some("is empty")
    } else if key.contains('*') {
        Some("holds a `*`, which stands for all keys that begin alike")
    } else if key.chars().any(char::is_control) {
        Some("holds a control character")
    } else {
        None
    }
}

fn pattern(params: &Params<'_>) -> Result<Option<Pattern>, String> {
    let Some(raw) = params.key.filter(|raw| *raw != Raw::NULL) else { return Ok(None) };
    let text = name("key", Some(raw))?;
    let read = Pattern::parse(&text);
    read.map(Some).ok_or_else(|| "key holds a `*` that is not at its end, after a `:` or a `.`".to_owned())
}

fn number(field: &str, raw: Option<Raw<'_>>) -> Result<Option<u64>, String> {
    let Some(raw) = raw.filter(|raw| *raw != Raw::NULL) else { return Ok(None) };
    raw.as_str().parse().map(Some).map_err(|_| format!("{field} is not a whole number"))
}
