//! Updates, from the file of a package to what is known of it: whose word counts here, what a package holds, and what it
//! would change. Nothing in this room changes a module; it only looks.
//!
//! - [`Makers`]: whom a home trusts, and what it has seen of them.
//! - [`look()`]: a package read to its end, with everything compared.
//! - [`facts_of_folder`], [`foresee()`]: what is known of the modules as they are, and the plan.
//! - [`verified`], [`told`]: both as the operator door tells them.

mod foresee;
mod look;
mod makers;
mod tell;

pub use foresee::{Depth, Foreseen, ForeseenAll, facts_of_folder, foresee, foresee_all, refusal_of};
pub(crate) use look::check_manifest;
pub use look::{Declared, DeclaredFlaw, LookError, Looked, look};
pub use makers::{MakerRow, Makers, MakersError, Vouch};
pub use tell::{told, told_together, verified};
