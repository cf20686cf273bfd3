//! Answers about what lives in the kernel's own process: actors, WebAssembly modules that were swapped, functions.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ModuleStatus;

/// The answer of `module.swap`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Swapped {
    /// How long messages were held, in microseconds; 0 where nothing went over, as nothing had to wait.
    pub pause_us: u64,
    /// How much state went over.
    pub state_bytes: u64,
    /// How the module is now.
    pub status: Option<ModuleStatus>,
}

/// The answer of `actors`: all actor systems of the kernel's process at about one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActorTable {
    /// When.
    pub ts_ms: u64,
    /// For how long rates were measured, in milliseconds; 0 for none.
    pub over_ms: u64,
    /// Each system with its cores, by name.
    pub systems: Vec<ActorSystem>,
    /// Every actor, in the order of systems and places.
    pub actors: Vec<ActorRow>,
    /// Actors that are there, too, and are not in the list.
    pub left_out: u64,
}

/// One actor system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActorSystem {
    /// Its name: `wasm-0`, …
    pub name: String,
    /// Its cores in their order.
    pub cores: Vec<ActorCore>,
}

/// One core of an actor system: a thread that runs actors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActorCore {
    /// Turns, those without work included.
    pub turns: u64,
    /// Messages and timers handled.
    pub handled: u64,
    /// Actors that live there.
    pub actors: u64,
    /// Messages that wait there.
    pub queued: u64,
    /// Messages that found nobody.
    pub dead: u64,
    /// Panics contained.
    pub panics: u64,
}

/// One actor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActorRow {
    /// Its place, generation included: unique within its system.
    pub id: String,
    /// The module that it is, or the name it has.
    pub name: Option<String>,
    /// Its system.
    pub system: String,
    /// Its core within the system.
    pub core: u32,
    /// What it is.
    pub kind: String,
    /// The `id` of the actor that supervises it.
    pub supervisor: Option<String>,
    /// Messages that wait for it.
    pub queued: u64,
    /// How many may.
    pub queue_max: u64,
    /// Whether its queue was full and has not come down to the half.
    pub congested: bool,
    /// Messages that it handled, modulo 2^32.
    pub handled: u64,
    /// Messages that it sent to actors, modulo 2^32.
    pub sent: u64,
    /// Messages that were refused.
    pub refused: u64,
    /// Panics contained.
    pub panics: u64,
    /// Processor time in milliseconds.
    pub cpu_ms: u64,
    /// Messages handled per second.
    pub handled_per_s: Option<u64>,
    /// Share of one processor, in percent.
    pub cpu_percent: Option<f64>,
    /// By how much its queue grew; negative when it shrank.
    pub queue_growth: Option<i64>,
}

/// One row of `fn.list`, and the answer of `fn.put`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FunctionRow {
    /// Its name.
    pub name: String,
    /// Who put it: `operator`, or a module.
    pub owner: String,
    /// `core` or `component`.
    pub form: String,
    /// What it asks of the kernel: `log`, `now`, `call`, `publish`.
    pub imports: Vec<String>,
    /// The most that it may do, by kind.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// The hash of its code.
    pub content: String,
}

/// The answer of `fn.stats`: counters since the kernel's start, and what is kept now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FunctionStats {
    /// Functions.
    pub functions: u64,
    /// Of these, ready in memory.
    pub warm: u64,
    /// Bytes of compiled code in memory.
    pub warm_bytes: u64,
    /// Compiled forms on disk.
    pub on_disk: u64,
    /// Their bytes.
    pub disk_bytes: u64,
    /// Runs that gave a result.
    pub runs: u64,
    /// Runs that did not.
    pub runs_failed: u64,
    /// Compilations begun.
    pub compiled: u64,
    /// Compiled forms taken from disk.
    pub from_disk: u64,
    /// Callers that waited for somebody else's compilation.
    pub waited: u64,
    /// Dropped from memory to make room.
    pub evicted_by_weight: u64,
    /// Dropped from memory because nobody used them.
    pub evicted_by_age: u64,
}
