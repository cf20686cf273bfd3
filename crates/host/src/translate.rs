//! The one place where wire types become the kernel's types, and back.

mod heard;
mod told;
mod values;

#[cfg(test)]
mod tests;

pub(crate) use heard::{Heard, Sheet, hear, kernel_call};
pub(crate) use told::{Initial, tell, tell_long};
pub(crate) use values::{answer_json, log_level, message_json, permissions_json, raw_value, uuid_text};
