//! The language of the kernel's own tests: modules and events in words, effects in lines.
//!
//! Shared by source with the kernel, whose unit tests see another build of it than any crate that depends on it.

#[path = "../../../crates/kernel/src/testing/driver.rs"]
mod driver;
#[path = "../../../crates/kernel/src/testing/lines.rs"]
mod lines;
#[path = "../../../crates/kernel/src/testing/words.rs"]
mod words;

pub(crate) use driver::Driver;
pub(crate) use lines::Names;
