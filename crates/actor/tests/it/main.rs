//! The crate from outside.

mod core_hosted;
mod core_life;
mod core_messages;
mod model;
