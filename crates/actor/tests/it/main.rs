//! The crate from outside.

mod core_hosted;
mod core_lanes;
mod core_life;
mod core_messages;
mod core_tell;
mod model;
mod system_drain;
mod system_links;
mod system_moves;
mod system_names;
mod system_observe;
mod system_puppet;
mod system_quota;
mod system_requests;
mod system_revoke;
mod system_supervise;
mod system_swap;
