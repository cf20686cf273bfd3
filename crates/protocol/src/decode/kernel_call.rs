//! The kernel API: what a module's `call` asks for, read into one typed value.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use abi::{PermissionKind, Permissions};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Raw;
use super::context_call::{self, ContextCall};
use super::fields::{text_of, units_beyond_limit};

/// 256 values: the most that one kind of one permission request may hold; an operator reads every one of them.
pub(crate) const PERMISSION_VALUES_MAX: usize = 256;

/// 1,024 bytes: the longest value of a permission; a Linux path component chain beyond it is no honest request.
pub(crate) const PERMISSION_VALUE_BYTES_MAX: usize = 1024;

/// 1,024 bytes: how much of a request's reason is kept for the operator.
const REASON_BYTES_MAX: usize = 1024;

/// Path segments that reach outside a section, or into the prototype of an object in a JavaScript module.
const SEGMENTS_REFUSED: [&str; 4] = ["..", "__proto__", "constructor", "prototype"];

/// What a module asks the kernel to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelCall<'a> {
    /// `config.get`
    ConfigGet {
        /// The dotted key, free of refused segments.
        key: Cow<'a, str>,
    },
    /// `config.set`
    ConfigSet {
        /// The dotted key, free of refused segments.
        key: Cow<'a, str>,
        /// The new value's JSON.
        value: Raw<'a>,
    },
    /// `config.sections`
    ConfigSections,
    /// `module.list`
    ModuleList,
    /// `module.commands`
    ModuleCommands,
    /// `service.discover`
    ServiceDiscover,
    /// `service.resolve`
    ServiceResolve {
        /// The service.
        service: Cow<'a, str>,
    },
    /// `permissions.check`
    PermissionsCheck {
        /// What is asked about.
        permissions: Permissions,
    },
    /// `permissions.request`
    PermissionsRequest {
        /// What is asked for.
        permissions: Permissions,
        /// Why, for the operator; a long one is cut.
        reason: Option<Cow<'a, str>>,
    },
    /// `permissions.pending`
    PermissionsPending,
    /// `monitor.snapshot`
    MonitorSnapshot,
    /// `context.*`
    Context(ContextCall<'a>),
    /// `secret.get`
    SecretGet {
        /// The secret's name.
        name: Cow<'a, str>,
    },
    /// `fn.run`
    FunctionRun {
        /// Its name.
        name: Cow<'a, str>,
        /// What it is given.
        input: Option<Raw<'a>>,
        /// Give up after this many milliseconds.
        timeout_ms: Option<u64>,
    },
    /// `fn.list`
    FunctionList,
    /// `fn.put`
    FunctionPut {
        /// Its name.
        name: Cow<'a, str>,
        /// WebAssembly as text.
        source: Cow<'a, str>,
        /// The most that it may ever do.
        permissions: Permissions,
    },
    /// `fn.rm`
    FunctionRemove {
        /// Its name.
        name: Cow<'a, str>,
    },
    /// No such method.
    Unknown(&'a str),
    /// A known method with parameters that it can't take.
    Bad {
        /// The method.
        method: &'static str,
        /// What is wrong, complete: `config.get: key is missing`.
        message: String,
    },
}

/// Reads the `method` and `params` of a `call`.
pub fn decode_kernel_call<'a>(method: &'a str, params: Option<Raw<'a>>) -> KernelCall<'a> {
    let read = match method {
        "config.get" => config_get(params).map_err(|message| ("config.get", message)),
        "config.set" => config_set(params).map_err(|message| ("config.set", message)),
        "config.sections" => Ok(KernelCall::ConfigSections),
        "module.list" => Ok(KernelCall::ModuleList),
        "module.commands" => Ok(KernelCall::ModuleCommands),
        "service.discover" => Ok(KernelCall::ServiceDiscover),
        "service.resolve" => service_resolve(params).map_err(|message| ("service.resolve", message)),
        "permissions.check" => permissions_check(params).map_err(|message| ("permissions.check", message)),
        "permissions.request" => {
            permissions_request(params).map_err(|message| ("permissions.request", message))
        }
        "permissions.pending" => Ok(KernelCall::PermissionsPending),
        "monitor.snapshot" => Ok(KernelCall::MonitorSnapshot),
        "secret.get" => secret_get(params).map_err(|message| ("secret.get", message)),
        method if method.starts_with("context.") => return context_call::decode(method, params),
        "fn.run" => function_run(params).map_err(|message| ("fn.run", message)),
        "fn.list" => Ok(KernelCall::FunctionList),
        "fn.put" => function_put(params).map_err(|message| ("fn.put", message)),
        "fn.rm" => function_remove(params).map_err(|message| ("fn.rm", message)),
        _ => Ok(KernelCall::Unknown(method)),
    };
    read.unwrap_or_else(|(method, message)| KernelCall::Bad {
        method,
        message: format!("{method}: {message}"),
    })
}

fn config_get(params: Option<Raw<'_>>) -> Result<KernelCall<'_>, String> {
    Ok(KernelCall::ConfigGet { key: Params::read(params)?.path()? })
}

fn config_set(params: Option<Raw<'_>>) -> Result<KernelCall<'_>, String> {
    let params = Params::read(params)?;
    let value = params.value.ok_or("value is missing")?;
    Ok(KernelCall::ConfigSet { key: params.path()?, value })
}

fn service_resolve(params: Option<Raw<'_>>) -> Result<KernelCall<'_>, String> {
    Ok(KernelCall::ServiceResolve { service: name("service", Params::read(params)?.service)? })
}

fn secret_get(params: Option<Raw<'_>>) -> Result<KernelCall<'_>, String> {
    Ok(KernelCall::SecretGet { name: name("name", Params::read(params)?.name)? })
}

fn permissions_check(params: Option<Raw<'_>>) -> Result<KernelCall<'_>, String> {
    Ok(KernelCall::PermissionsCheck { permissions: Params::read(params)?.permissions()? })
}

fn permissions_request(params: Option<Raw<'_>>) -> Result<KernelCall<'_>, String> {
    let params = Params::read(params)?;
    let reason = params.reason.filter(|reason| *reason != Raw::NULL);
    let reason = reason.map(|reason| text_of(reason).ok_or("reason is not a string")).transpose()?;
    Ok(KernelCall::PermissionsRequest { permissions: params.permissions()?, reason: reason.map(cut) })
}

fn function_run(params: Option<Raw<'_>>) -> Result<KernelCall<'_>, String> {
    let params = Params::read(params)?;
    let timeout_ms = match params.timeout_ms.filter(|timeout| *timeout != Raw::NULL) {
        Some(timeout) => Some(timeout.as_str().parse().map_err(|_| "timeoutMs is no whole number")?),
        None => None,
    };
    Ok(KernelCall::FunctionRun { name: name("name", params.name)?, input: params.input, timeout_ms })
}

fn function_put(params: Option<Raw<'_>>) -> Result<KernelCall<'_>, String> {
    let params = Params::read(params)?;
    let source = params.source.ok_or("source is missing")?;
    let source = text_of(source).ok_or("source is not a string")?;
    // What is not asked for is nothing.
    let permissions = params.permissions.map_or_else(|| Ok(Permissions::default()), read_permissions)?;
    Ok(KernelCall::FunctionPut { name: name("name", params.name)?, source, permissions })
}

fn function_remove(params: Option<Raw<'_>>) -> Result<KernelCall<'_>, String> {
    Ok(KernelCall::FunctionRemove { name: name("name", Params::read(params)?.name)? })
}

fn cut(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.len() <= REASON_BYTES_MAX {
        return text;
    }
    let end = text.floor_char_boundary(REASON_BYTES_MAX);
    Cow::Owned(format!("{}…", &text[..end]))
}

/// The parameters that the methods know; others are ignored.
#[derive(Default)]
pub(super) struct Params<'a> {
    pub(super) key: Option<Raw<'a>>,
    pub(super) value: Option<Raw<'a>>,
    pub(super) session: Option<Raw<'a>>,
    pub(super) module: Option<Raw<'a>>,
    pub(super) ttl_ms: Option<Raw<'a>>,
    pub(super) watch: Option<Raw<'a>>,
    name: Option<Raw<'a>>,
    service: Option<Raw<'a>>,
    permissions: Option<Raw<'a>>,
    reason: Option<Raw<'a>>,
    input: Option<Raw<'a>>,
    source: Option<Raw<'a>>,
    timeout_ms: Option<Raw<'a>>,
}

impl<'a> Params<'a> {
    pub(super) fn read(params: Option<Raw<'a>>) -> Result<Self, String> {
        match params {
            None | Some(Raw::NULL) => Ok(Self::default()),
            Some(params) => {
                serde_json::from_str(params.as_str()).map_err(|_| "params is not an object".to_owned())
            }
        }
    }

    fn path(&self) -> Result<Cow<'a, str>, String> {
        let path = name("key", self.key)?;
        match refused_segment(&path) {
            Some(segment) => Err(format!("key holds the refused segment `{segment}`")),
            None if path.is_empty() || path.split('.').any(str::is_empty) => {
                Err("key holds an empty segment".to_owned())
            }
            None => Ok(path),
        }
    }

    fn permissions(&self) -> Result<Permissions, String> {
        let permissions = self.permissions.ok_or("permissions is missing")?;
        read_permissions(permissions)
    }
}

/// The segment of a dotted (or slashed) path that may not be in it, if there is one.
pub(crate) fn refused_segment(path: &str) -> Option<&'static str> {
    // Split at dots, `..` shows up as an empty segment, so it is looked for in the whole.
    if path.contains("..") {
        return Some(SEGMENTS_REFUSED[0]);
    }
    let mut segments = path.split(['.', '/']);
    segments.find_map(|segment| SEGMENTS_REFUSED.into_iter().find(|refused| *refused == segment))
}

pub(super) fn name<'a>(field: &str, value: Option<Raw<'a>>) -> Result<Cow<'a, str>, String> {
    let value = value.ok_or_else(|| format!("{field} is missing"))?;
    let text = text_of(value).ok_or_else(|| format!("{field} is not a string"))?;
    match units_beyond_limit(&text) {
        Some(units) => Err(format!("{field} exceeds 256 chars ({units})")),
        None => Ok(text),
    }
}

impl<'de> Deserialize<'de> for Params<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Params<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut params = Params::default();
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    let value = Some(Raw::from(map.next_value::<&'de RawValue>()?));
                    match &*key {
                        "key" => params.key = value,
                        "value" => params.value = value,
                        "service" => params.service = value,
                        "permissions" => params.permissions = value,
                        "reason" => params.reason = value,
                        "session" => params.session = value,
                        "module" => params.module = value,
                        "ttl_ms" => params.ttl_ms = value,
                        "watch" => params.watch = value,
                        "name" => params.name = value,
                        "input" => params.input = value,
                        "source" => params.source = value,
                        "timeoutMs" => params.timeout_ms = value,
                        _ => {}
                    }
                }
                Ok(params)
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

fn read_permissions(value: Raw<'_>) -> Result<Permissions, String> {
    match serde_json::from_str::<Kinds>(value.as_str()) {
        Ok(kinds) => kinds.0,
        Err(_) => Err("permissions is not an object".to_owned()),
    }
}

/// The kinds, or what is wrong with them. Read piece by piece, so that a list that is too long is never held.
struct Kinds(Result<Permissions, String>);

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Kinds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kinds, A::Error> {
                let mut read = Ok(Permissions::default());
                while let Some((word, values)) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    if let Ok(permissions) = &mut read
                        && let Err(message) = read_kind(permissions, &word, values)
                    {
                        read = Err(message);
                    }
                }
                Ok(Kinds(read))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

fn read_kind(permissions: &mut Permissions, word: &str, values: &RawValue) -> Result<(), String> {
    let Some(kind) = PermissionKind::from_word(word) else {
        let known = PermissionKind::ALL.map(PermissionKind::as_str).join(", ");
        return Err(format!("permissions holds an unknown kind; known are {known}"));
    };
    match serde_json::from_str::<Values>(values.get()) {
        Ok(Values(Ok(values))) => match values.iter().find_map(|value| kind.refusal(value)) {
            Some(why) => return Err(format!("permissions.{kind} {why}")),
            None => *permissions.of_mut(kind) = values,
        },
        Ok(Values(Err(why))) => return Err(format!("permissions.{kind} holds {why}")),
        Err(_) => return Err(format!("permissions.{kind} is not an array")),
    }
    Ok(())
}

/// The values of one kind, or why they are refused.
struct Values(Result<BTreeSet<String>, String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
                let mut read = Ok(BTreeSet::new());
                while let Some(value) = list.next_element::<&'de RawValue>()? {
                    if let Ok(values) = &mut read
                        && let Err(why) = read_value(values, value)
                    {
                        read = Err(why);
                    }
                }
                Ok(Values(read))
            }
        }
        deserializer.deserialize_seq(Collect)
    }
}

fn read_value(values: &mut BTreeSet<String>, value: &RawValue) -> Result<(), String> {
    let text = text_of(Raw::from(value)).ok_or("what is not a string")?;
    if text.len() > PERMISSION_VALUE_BYTES_MAX {
        return Err(format!("a value of more than {PERMISSION_VALUE_BYTES_MAX} bytes"));
    }
    values.insert(text.into_owned());
    if values.len() > PERMISSION_VALUES_MAX {
        return Err(format!("more than {PERMISSION_VALUES_MAX} values"));
    }
    Ok(())
}
