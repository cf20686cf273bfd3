//! What the operator door says about use: of each module, of each zone's pool, and of the kernel.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What every module uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageTable {
    /// When it was measured.
    pub ts_ms: u64,
    /// The kernel itself.
    pub kernel: UsageRow,
    /// Every module that runs.
    pub modules: Vec<UsageRow>,
    /// What the modules of each zone use together, those that give way first at the top.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<PoolRow>,
}

/// What the modules of one zone use together, and what they may.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolRow {
    /// `sandbox`, `stable` or `system`.
    pub zone: String,
    /// How many of its modules run.
    pub modules: u64,
    /// How much of a contended processor they get against other zones', from 1 to 10,000; 100 is as much as any other.
    pub share: u64,
    /// What they use, by resource, as in a row's `limits`; rates are known only where the pool or each of its modules has a
    /// bound.
    pub used: BTreeMap<String, u64>,
    /// What they may use; what is not there is not bounded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
    /// For how many thousandths of the last ten seconds one of them waited for a processor or for memory; nothing where the
    /// system does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressure_permille: Option<u64>,
    /// Restarts of its modules that may be begun at once.
    pub restarts_burst: u32,
    /// Restarts per second after that.
    pub restarts_per_s: u32,
}

/// What one process and its children use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageRow {
    /// Which.
    pub id: String,
    /// Its state.
    pub status: String,
    /// Its process.
    pub pid: Option<u32>,
    /// Share of one processor since the last sample, in percent; nothing at the first one.
    pub cpu_percent: Option<f64>,
    /// Processor time since its start, in milliseconds.
    pub cpu_ms: u64,
    /// Resident memory in bytes.
    pub rss_bytes: u64,
    /// Frames in both directions since its start.
    pub frames: u64,
    /// Frames per second since the last sample; nothing at the first one.
    pub frames_per_s: Option<f64>,
    /// Where it lives: `sandbox`, `stable` or `system`.
    #[serde(default)]
    pub zone: String,
    /// What it may use, by resource: `cpu` in thousandths of a processor, `memory` and `queue_bytes` in bytes, the others as
    /// numbers; what is not there is not bounded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
    /// How tight the governor holds it: `slowed`, `shedding`, `throttled` or `frozen`; nothing when it is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
}
