//! Compiled code comes back to life and is entered: the one file of this crate that may hold `unsafe`.
//!
//! wasmtime can't tell compiled code from any other bytes; it runs what it is given. So the only way in is a
//! `Verified`, which is made here from bytes whose seal was checked, and which owns those very bytes: they were read
//! into this process's memory before the check, and what is checked is what is mapped. Nobody can change them in
//! between, as nobody could a file.
//!
//! wasmtime also fetches a core function's type for each typed call, under the lock of all types and with their counts.
//! The type of a module's export never changes, so `CoreEntry` compares it once.
#![expect(
    unsafe_code,
    reason = "deserializing compiled code is unsafe by nature, and entering it is where its type was compared before; each block proves it"
)]

use wasmtime::component::Component;
use wasmtime::{AsContextMut, Extern, ExternType, Func, Instance, Module, ModuleExport, ValRaw, ValType};

use super::seal::Key;
use crate::engine::Engine;

/// Compiled code whose seal was checked. Invariant: `file` is a whole sealed file for its place.
pub(super) struct Verified {
    file: Vec<u8>,
    body_at: usize,
}

impl Verified {
    /// Checks the seal of a file that was read into memory; `None` when it does not hold.
    pub(super) fn check(key: &Key, place: &str, file: Vec<u8>) -> Option<Self> {
        let body_at = file.len() - key.unseal(place, &file)?.len();
        Some(Self { file, body_at })
    }

    pub(super) fn len(&self) -> u64 {
        self.body().len() as u64
    }

    /// The core module in it; `None` when it is of another engine after all.
    pub(super) fn to_module(&self, engine: &Engine) -> Option<Module> {
        // SAFETY: the bytes are what `Module::serialize` or `Component::serialize` gave and `Shelf::keep` sealed with
        // this folder's key: the seal was checked over these very bytes, which this value owns and nothing changes.
        // What was serialized by another version of wasmtime, or is a component, is refused by wasmtime itself.
        unsafe { Module::deserialize(engine.wasmtime(), self.body()) }.ok()
    }

    /// The component in it; `None` when it is of another engine after all.
    pub(super) fn to_component(&self, engine: &Engine) -> Option<Component> {
        // SAFETY: as in `to_module`: sealed by us, checked over these very bytes, owned and unchanged since.
        unsafe { Component::deserialize(engine.wasmtime(), self.body()) }.ok()
    }

    fn body(&self) -> &[u8] {
        &self.file[self.body_at..]
    }
}

/// The two functions of a core module that a call enters. Invariant: in the module that made them, `alloc` is a function
/// `(i32) -> i32` and `run` a function `(i32, i32) -> i64`.
#[derive(Clone, Copy)]
pub(super) struct CoreEntry {
    alloc: ModuleExport,
    run: ModuleExport,
}

/// Which of the two a module does not export, or with another type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Alloc,
    Run,
}

impl CoreEntry {
    /// Finds both and compares their types.
    pub(super) fn of(module: &Module) -> Result<Self, Missing> {
        let alloc = function(module, "alloc", &[ValType::I32], &ValType::I32).ok_or(Missing::Alloc)?;
        let run =
            function(module, "run", &[ValType::I32, ValType::I32], &ValType::I64).ok_or(Missing::Run)?;
        Ok(Self { alloc, run })
    }

    /// `alloc` of an instance; `None` when it is of another module.
    pub(super) fn alloc(self, instance: &Instance, store: impl AsContextMut) -> Option<Alloc> {
        // Nothing is given unless the instance is of the module that the export was taken from.
        instance.get_module_export(store, &self.alloc).and_then(Extern::into_func).map(Alloc)
    }

    /// `run` of an instance; `None` when it is of another module.
    pub(super) fn run(self, instance: &Instance, store: impl AsContextMut) -> Option<Run> {
        instance.get_module_export(store, &self.run).and_then(Extern::into_func).map(Run)
    }
}

/// An instance's `alloc`. Invariant: its type is `(i32) -> i32`.
pub(super) struct Alloc(Func);

impl Alloc {
    pub(super) fn call(&self, store: impl AsContextMut, len: u32) -> wasmtime::Result<u32> {
        let mut slots = [ValRaw::u32(len)];
        // SAFETY: the type of this function is `(i32) -> i32`: one slot holds its parameter, written as an i32, and then
        // its result. No references are among them, and stores of functions are never entered asynchronously.
        unsafe { self.0.call_unchecked(store, &raw mut slots)? };
        Ok(slots[0].get_u32())
    }
}

/// An instance's `run`. Invariant: its type is `(i32, i32) -> i64`.
pub(super) struct Run(Func);

impl Run {
    pub(super) fn call(&self, store: impl AsContextMut, at: u32, len: u32) -> wasmtime::Result<u64> {
        let mut slots = [ValRaw::u32(at), ValRaw::u32(len)];
        // SAFETY: the type of this function is `(i32, i32) -> i64`: two slots hold its parameters, each written as an
        // i32, and the first then its result. Else as in `Alloc::call`.
        unsafe { self.0.call_unchecked(store, &raw mut slots)? };
        Ok(slots[0].get_u64())
    }
}

/// The export `name`, if it is a function of exactly this type.
fn function(module: &Module, name: &str, takes: &[ValType], gives: &ValType) -> Option<ModuleExport> {
    let ty = module.get_export(name)?;
    let ExternType::Func(ty) = ty else { return None };
    let is_right = ty.params().len() == takes.len()
        && ty.results().len() == 1
        && ty.params().zip(takes).all(|(a, b)| ValType::eq(&a, b))
        && ty.results().all(|a| ValType::eq(&a, gives));
    module.get_export_index(name).filter(|_| is_right)
}

#[cfg(test)]
mod tests;
