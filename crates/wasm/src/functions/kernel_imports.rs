//! What a function can import: four calls of the kernel, each with the permission that it needs. Nothing else is there.
//!
//! | import | core parameters | needs |
//! |---|---|---|
//! | `log(text)` | `ptr len` | nothing |
//! | `now() -> u64` ms since the Unix epoch | none; result `i64` | nothing |
//! | `call(service, method, params) -> result<string, string>` | three times `ptr len`; result as of `run` | `run kernel.call` |
//! | `publish(topic, payload) -> result<_, string>` | two times `ptr len`; result as of `run` | `run kernel.publish` |
//!
//! In a core module they are imported from `ostoja:function/kernel`, and texts that come back are put where the
//! module's own `alloc` says. In a component they are the interface of that name. Which service or topic may be used
//! is decided by the kernel's routes, with the rights of both the function and its caller.

use std::sync::Arc;
use std::time::Instant;

use abi::PermissionKind;
use wasmtime::{Caller as Guest, Linker, StoreContextMut};

use super::bounds::JSON_BYTES_MAX;
use super::caller::{Ask, KernelCalls, OnBehalf};
use super::error::{FunctionError, Lacking};
use super::packed;
use super::prepared::CallState;

/// The interface, in both forms.
pub const INTERFACE: &str = "ostoja:function/kernel";

/// One importable function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KernelImport {
    /// A line for the log.
    Log,
    /// The wall clock.
    Now,
    /// A call of a service.
    Call,
    /// A message to a topic.
    Publish,
}

impl KernelImport {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Log, Self::Now, Self::Call, Self::Publish];

    /// Its name in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Now => "now",
            Self::Call => "call",
            Self::Publish => "publish",
        }
    }

    /// The import with this name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|import| import.as_str() == word)
    }

    /// The permission without which it is not linked.
    pub fn needs(self) -> Option<(PermissionKind, &'static str)> {
        match self {
            Self::Log | Self::Now => None,
            Self::Call => Some((PermissionKind::Run, "kernel.call")),
            Self::Publish => Some((PermissionKind::Run, "kernel.publish")),
        }
    }

    /// Refuses unless `allows` says that what is needed is there.
    pub(super) fn check(
        self,
        of: Lacking,
        allows: impl Fn(PermissionKind, &str) -> bool,
    ) -> Result<(), FunctionError> {
        match self.needs() {
            Some((kind, value)) if !allows(kind, value) => Err(FunctionError::ImportRefused {
                import: format!("{INTERFACE}/{}", self.as_str()),
                needs: format!("{kind} {value}"),
                of,
            }),
            _ => Ok(()),
        }
    }
}

/// All imports in one line, for a help text.
pub(super) fn offered() -> String {
    let names: Vec<_> = KernelImport::ALL.iter().map(|import| import.as_str()).collect();
    format!("{INTERFACE} ({})", names.join(", "))
}

/// One call's way to the kernel; there only if the function imports something.
pub(super) struct Visit {
    pub(super) kernel: Arc<dyn KernelCalls>,
    pub(super) who: OnBehalf,
    pub(super) until: Instant,
}

impl Visit {
    /// The permission was checked before the function was entered; the kernel decides about the target.
    fn ask(&self, ask: Ask<'_>) -> Result<String, String> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("the function's time is over".to_owned());
        }
        let mut answer = self.kernel.ask(&self.who, ask, left);
        if let Ok(text) | Err(text) = &mut answer
            && text.len() > JSON_BYTES_MAX
        {
            return Err("the answer is too large".to_owned());
        }
        answer
    }
}

fn visit(state: &CallState) -> wasmtime::Result<&Visit> {
    state.visit.as_ref().ok_or_else(|| wasmtime::Error::msg("the function's record names no imports"))
}

/// Links the interface for core modules.
pub(super) fn link_core(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.func_wrap(INTERFACE, "log", |mut guest: Guest<'_, CallState>, at: u32, len: u32| {
        let text = text_at(&mut guest, at, len)?;
        let _ = visit(guest.data())?.ask(Ask::Log(&text));
        Ok(())
    })?;
    linker.func_wrap(INTERFACE, "now", |guest: Guest<'_, CallState>| {
        Ok(visit(guest.data())?.kernel.wall_ms())
    })?;
    linker.func_wrap(
        INTERFACE,
        "call",
        |mut guest: Guest<'_, CallState>, s: u32, s_len: u32, m: u32, m_len: u32, p: u32, p_len: u32| {
            let service = text_at(&mut guest, s, s_len)?;
            let method = text_at(&mut guest, m, m_len)?;
            let params = text_at(&mut guest, p, p_len)?;
            let ask = Ask::Call { service: &service, method: &method, params: &params };
            let answer = visit(guest.data())?.ask(ask);
            give(&mut guest, answer)
        },
    )?;
    linker.func_wrap(
        INTERFACE,
        "publish",
        |mut guest: Guest<'_, CallState>, t: u32, t_len: u32, p: u32, p_len: u32| {
            let topic = text_at(&mut guest, t, t_len)?;
            let payload = text_at(&mut guest, p, p_len)?;
            let answer = visit(guest.data())?.ask(Ask::Publish { topic: &topic, payload: &payload });
            give(&mut guest, answer.map(|_| String::new()))
        },
    )?;
    Ok(())
}

/// Links the interface for components.
pub(super) fn link_component(linker: &mut wasmtime::component::Linker<CallState>) -> wasmtime::Result<()> {
    type Store<'a> = StoreContextMut<'a, CallState>;
    let mut kernel = linker.instance(INTERFACE)?;
    kernel.func_wrap("log", |store: Store<'_>, (text,): (String,)| {
        let _ = visit(store.data())?.ask(Ask::Log(bounded(&text)?));
        Ok(())
    })?;
    kernel.func_wrap("now", |store: Store<'_>, (): ()| Ok((visit(store.data())?.kernel.wall_ms(),)))?;
    kernel.func_wrap("call", |store: Store<'_>, (service, method, params): (String, String, String)| {
        let (service, method, params) = (bounded(&service)?, bounded(&method)?, bounded(&params)?);
        Ok((visit(store.data())?.ask(Ask::Call { service, method, params }),))
    })?;
    kernel.func_wrap("publish", |store: Store<'_>, (topic, payload): (String, String)| {
        let (topic, payload) = (bounded(&topic)?, bounded(&payload)?);
        Ok((visit(store.data())?.ask(Ask::Publish { topic, payload }).map(|_| ()),))
    })?;
    Ok(())
}

fn bounded(text: &str) -> wasmtime::Result<&str> {
    if text.len() > JSON_BYTES_MAX { Err(wasmtime::Error::msg("a text is too large")) } else { Ok(text) }
}

/// A text in the guest's memory.
fn text_at(guest: &mut Guest<'_, CallState>, at: u32, len: u32) -> wasmtime::Result<String> {
    let wrong = || wasmtime::Error::msg("a text lies outside of the memory, is too large, or is not UTF-8");
    let memory = guest.get_export("memory").and_then(wasmtime::Extern::into_memory).ok_or_else(wrong)?;
    let (at, len) = (at as usize, len as usize);
    if len > JSON_BYTES_MAX {
        return Err(wrong());
    }
    let bytes = memory.data(&*guest).get(at..at.saturating_add(len)).ok_or_else(wrong)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| wrong())
}

/// Puts an answer where the guest's `alloc` says.
fn give(guest: &mut Guest<'_, CallState>, answer: Result<String, String>) -> wasmtime::Result<u64> {
    let wrong = || wasmtime::Error::msg("there is no place for the answer");
    let is_error = answer.is_err();
    let (Ok(text) | Err(text)) = answer;
    let len = u32::try_from(text.len()).map_err(|_| wrong())?;
    let alloc = guest.get_export("alloc").and_then(wasmtime::Extern::into_func).ok_or_else(wrong)?;
    let at = alloc.typed::<u32, u32>(&*guest)?.call(&mut *guest, len)?;
    let memory = guest.get_export("memory").and_then(wasmtime::Extern::into_memory).ok_or_else(wrong)?;
    memory.write(&mut *guest, at as usize, text.as_bytes()).map_err(|_| wrong())?;
    Ok(packed::pack(at, len, if is_error { packed::Says::Failed } else { packed::Says::Done }))
}
