//! Guests of every kind against the real engine: those that work, and those that do whatever they can to harm it.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at any mistake, as the tests themselves may")]

mod acting;
mod commands;
mod contract;
mod guests;
mod host;
mod hostile;
mod life;
mod lying;
mod refused;
mod swapping;
mod waiting;
