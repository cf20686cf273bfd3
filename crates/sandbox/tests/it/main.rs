//! Real processes under real confinements: what each layer refuses, what the launcher leaves out and keeps, how children end.

mod broker;
mod ends;
mod launches;
mod layers;
mod namespaces;
mod observed;
mod runtimes;
mod stage;
