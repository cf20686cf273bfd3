//! Real processes under real confinements: what each layer refuses, what the launcher leaves out and keeps, how children end.

mod ends;
mod launches;
mod layers;
mod runtimes;
mod stage;
