//! A lane of frames through shared memory, between two processes on one machine.
//!
//! # What is and isn't in this crate
//! Two rings in one sealed file in memory, one for each direction, one writer and one reader each; frames of bytes with
//! their length in front; how to sleep and to wake. It knows nothing of what the frames say, nor how two processes agree
//! on a lane: that is the module door's part, told in `docs/reference/shm-transport.md` with the layout byte by byte.
//!
//! ```text
//!            push, publish                        receive
//! kernel ──► Sender ═══════ ring, 64 KiB ═══════► Receiver ──► module
//!        ◄── Receiver ◄═════ ring, 64 KiB ═══════ Sender ◄──
//!             ▲                                      │
//!             └────── pipe: a blank line wakes ◄─────┘     (or a futex, for a thread that waits for nothing else)
//! ```
//! A side that finds nothing looks for a while ([`limits::SPIN_MAX`] at most), then sets its flag and sleeps: on a futex,
//! or on the pipe that it has to watch anyway, because its end is how a peer's death is noticed. The mover of a position
//! sees the flag and wakes it. There is no eventfd: both processes would share its open-file description, so that one of them
//! could make the other one's reads or writes block for ever.
//!
//! # Invariants
//! - The peer is not trusted. Positions are kept privately and checked when read, lengths and frames are copied out
//!   before anybody looks at them, and a fault is an error that breaks the lane for good.
//! - Nothing is lost, doubled or reordered between two honest ends; a frame is taken whole or not at all.
//! - No wait without a bound, and no memory beyond two rings, one record and one long frame for each end.
//!
//! # Example
//! ```
//! # use std::os::fd::AsFd;
//! use shm::{Lane, Pushed, limits::RING_BYTES_DEFAULT};
//!
//! let (mut kernel, fd) = Lane::create(RING_BYTES_DEFAULT)?;
//! let mut module = Lane::attach(fd.as_fd(), RING_BYTES_DEFAULT)?;
//! let (pushed, rouse) = kernel.sender.send(br#"{"type":"ping"}"#)?;
//! assert_eq!(pushed, Pushed::Taken);
//! assert_eq!(rouse, shm::Rouse::Nobody);
//! let received = module.receiver.receive(16, |frame| assert_eq!(frame, br#"{"type":"ping"}"#))?;
//! assert_eq!(received.frames, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod lane;
mod layout;
pub mod limits;
mod memory;
mod receiver;
mod ring;
mod sender;
mod signal;
mod sleep;
mod spin;

pub use error::{LaneError, PeerFault, SendFault};
pub use lane::Lane;
pub use layout::LAYOUT;
pub use receiver::{Received, Receiver};
pub use ring::Rouse;
pub use sender::{Pushed, Sender};
pub use sleep::{Doze, Woken};
