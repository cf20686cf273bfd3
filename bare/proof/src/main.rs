//! Proof that the decisions and the actor core need no operating system: one static program without std and without
//! libc that runs a loop of messages through both and leaves with 0.
//!
//! Everything a bare machine has to offer is in two files: [`machine`] (entry, end, the four memory functions that
//! compilers take for granted) and [`heap`] (memory out of one fixed arena). Linux is only asked to write a line and
//! to end the process.
#![no_std]
#![no_main]

extern crate alloc;

mod decisions;
mod heap;
mod machine;
mod messages;

/// The program, called by [`machine`]'s entry with a stack and nothing else.
fn run() -> Result<(), &'static str> {
    let calls = decisions::run()?;
    machine::say("kernel: ");
    machine::say_number(calls);
    machine::say(" calls answered, every module stopped\n");
    let messages = messages::run()?;
    machine::say("actors: ");
    machine::say_number(messages);
    machine::say(" messages handled, one player left\n");
    Ok(())
}
