//! Another binary takes the kernel's place while its modules run on: the process stays, its program is replaced (`execve`).
//!
//! ```text
//! verify   the new binary lies in its slot; a child of it reads a sample of all that is to be handed over
//! wait     for operators' orders that are open, 5 s at most; modules are heard meanwhile
//! leave    no module is heard any more; what waits to be written is written; everything goes into a piece of memory
//! replace  the first thread calls execve; descriptors that are needed stay open, everything else is closed
//! take     the new program boots as always, but takes over what was left instead of starting it
//! ```
//! The process keeps its number, so children stay children: their ends come here, their pidfds and pipes stay what they are,
//! and the signal that a dead parent would send them is not sent, because they were born on the thread that calls `execve`
//! ([`crate::midwife`]). Locks, sockets, cgroups, the sentinel and the net helper stay as well.
//!
//! # When it goes wrong
//! - The new binary is no program, or can't read the sample: nothing has happened yet.
//! - It fails before it has taken over, or needs too long: it executes the earlier one, which takes the same memory.
//! - It falls later: that is a fall of the kernel, with what that means. The next starts are counted, and after
//!   [`versions::TRIES_MAX`] of them without rest the earlier binary is started instead.

mod act;
mod error;
mod form;
mod image;
mod leave;
mod redirect;
mod take;
pub(crate) mod versions;

pub(crate) use act::{Wish, list, renew};
pub(crate) use error::SelfUpdateError;
pub use form::Renewal;
pub(crate) use form::{ByHand, Left};
pub(crate) use image::json_of;
pub(crate) use leave::Keepsakes;
pub(crate) use redirect::{Begin, begin, way_back};
pub use take::handover_check_main;
pub(crate) use take::take_over;
