//! Real kernels with real processes: each test has a home of its own and a kernel of its own, in a process of its own.

mod call;
mod crash;
mod disk;
mod door;
mod files;
mod governor;
mod kernel;
mod messages;
mod pids;
mod rude;
mod safe;
mod start;
mod stop;
