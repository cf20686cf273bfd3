//! Compiled code comes back to life: the one file of this crate that may hold `unsafe`.
//!
//! wasmtime can't tell compiled code from any other bytes; it runs what it is given. So the only way in is a
//! `Verified`, which is made here from bytes whose seal was checked, and which owns those very bytes: they were read
//! into this process's memory before the check, and what is checked is what is mapped. Nobody can change them in
//! between, as nobody could a file.
#![expect(
    unsafe_code,
    reason = "deserializing compiled code is unsafe by nature; each block proves its bytes"
)]

use wasmtime::Module;
use wasmtime::component::Component;

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
