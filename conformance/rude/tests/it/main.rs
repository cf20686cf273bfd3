//! Each rude module is as rude as it says: one that behaves by accident would make the tests that use it worthless.

mod modes;
mod spawned;
