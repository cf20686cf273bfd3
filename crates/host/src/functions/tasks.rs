//! Functions for modules: the kernel's own methods `fn.run`, `fn.list`, `fn.put` and `fn.rm`.

use abi::{Generation, Payload, Permissions, Slot};
use kernel::{FunctionCall, Word};
use serde_json::Value;
use tokio::task::spawn_local;
use wasm::functions::{Caller, FunctionError};

use super::operator::{row_of, run_limits};
use super::{CacheError, Worked};
use crate::launch::sentence;
use crate::outbox::Mail;
use crate::shell::Shell;

impl Shell {
    /// Does what a module wants of functions, with the rights that it has, and answers it later.
    pub(crate) fn function_task(
        &mut self,
        slot: Slot,
        generation: Generation,
        id: &Word,
        (call, effective): (FunctionCall, Permissions),
    ) {
        let Some(caller) = self.caller_of(slot, effective) else { return };
        let now = self.now();
        let receiver = match call {
            FunctionCall::List => self.with_functions(|cache| Ok(list(cache))),
            FunctionCall::Run { name, input, timeout_ms } => {
                let limits = run_limits(timeout_ms);
                self.with_functions(move |cache| {
                    let input = input.as_ref().map_or(&b"null"[..], Payload::as_bytes);
                    cache.run(now, &caller, name.as_str(), input, &limits)
                })
            }
            FunctionCall::Put { name, source, permissions } => self.with_functions(move |cache| {
                let put = cache.put(now, &caller, name.as_str(), &permissions, source.as_bytes())?;
                Ok(json(&row_of(&put)))
            }),
            FunctionCall::Remove { name } => self.with_functions(move |cache| remove(cache, &caller, &name)),
        };
        let (handle, id) = (self.handle(), id.clone());
        spawn_local(async move {
            let worked: Worked<Vec<u8>> = receiver.await.unwrap_or(Err(CacheError::Died));
            let Some(shell) = handle.upgrade() else { return };
            let mut shell = shell.borrow_mut();
            let answer = worked.map(|bytes| Some(Payload::new(&bytes))).map_err(|error| told(&error));
            shell.answer_task(slot, generation, &id, Mail::Answer, answer);
            shell.end_turn();
        });
    }
}

/// What went wrong, for the module: the function's own words where it has some.
fn told(error: &CacheError) -> String {
    error.answered().unwrap_or_else(|| sentence(error))
}

fn list(cache: &wasm::functions::Functions) -> Vec<u8> {
    json(&cache.list().iter().map(|function| row_of(function)).collect::<Vec<_>>())
}

fn remove(
    cache: &wasm::functions::Functions,
    caller: &Caller,
    name: &Word,
) -> Result<Vec<u8>, FunctionError> {
    cache.remove(caller, name.as_str())?;
    Ok(b"{\"removed\":true}".to_vec())
}

fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_value(value).unwrap_or(Value::Null).to_string().into_bytes()
}
