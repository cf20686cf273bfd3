//! What every peer does alike: the works and their sizes, the messages and what is checked of them, the measuring and
//! the one line that is printed. Kept in one place so that the runtimes differ in nothing but themselves.
#![forbid(unsafe_code)]

mod finish;
mod measure;
mod messages;
mod place;
mod works;

pub use finish::{Finish, Window};
pub use messages::{BATCH, BATCHES_AHEAD, Ball, Steps, Tally, Walker};
pub use place::{pin, resident_bytes};
pub use works::{Cores, Graph, Peer, RING, Runner, SENDERS, Spawned, play};
