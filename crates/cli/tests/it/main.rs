//! The real binary, run as a person or a script runs it: without a kernel, against a kernel that only plays one, and
//! with a real kernel and real modules.

mod alone;
mod backup;
mod behind;
mod dashboard;
mod demo;
mod dev;
mod examples;
mod faults;
mod front;
mod import;
mod kept;
mod kernel;
mod mcp;
mod new;
mod older;
mod packages;
mod played;
mod policies;
mod runner;
mod screen;
mod self_update;
mod snapshots;
mod stage;
mod talk;
mod together;
mod tutorials;
mod updates;
