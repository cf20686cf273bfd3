//! Real kernels with real processes: each test has a home of its own and a kernel of its own, in a process of its own.

mod call;
mod crash;
mod disk;
mod door;
mod files;
mod functions;
mod governor;
#[path = "../../../wasm/tests/it/guests.rs"]
#[expect(dead_code, reason = "the other crate's tests use the rest of it")]
mod guests;
mod kept;
mod kernel;
mod lane;
mod messages;
mod narrowed;
mod net;
mod pids;
mod pools;
mod rude;
mod safe;
mod sdks;
mod secrets;
mod start;
mod stop;
mod swaps;
mod wasm;
mod zones;
