//! Values that several tests show: one module that is well, and ways to change it.

use std::collections::BTreeMap;

use protocol::operator::{JournalRow, ModuleStatus};
use serde_json::{Map, Value};

/// A fixed moment: 2026-11-21 10:30:00 UTC.
pub(crate) const NOW_MS: u64 = 1_795_257_000_000;

/// A module that has been ready for ten minutes.
pub(crate) fn module(id: &str) -> ModuleStatus {
    ModuleStatus {
        id: id.to_owned(),
        status: "ready".to_owned(),
        pid: Some(4_711),
        provides: vec![id.to_owned()],
        restart_count: 0,
        started_at: Some(NOW_MS - 600_000),
        version: "1.2.0".to_owned(),
        runtime: "python".to_owned(),
        generation: Some(3),
        since_ms: NOW_MS - 600_000,
        restarts_total: 0,
        restart_at_ms: None,
        note: String::new(),
        waiting_for: Vec::new(),
        containment: "full".to_owned(),
        transport: "pipes".to_owned(),
        rss_bytes: Some(12_900_000),
        cpu_ms: Some(420),
        frames_in: 12,
        frames_out: 34,
        dropped: 0,
        bad_lines: 0,
        log_lost: 0,
        zone: "stable".to_owned(),
        limits: BTreeMap::new(),
        held: None,
    }
}

/// A module that is on its way back.
pub(crate) fn restarting(id: &str) -> ModuleStatus {
    ModuleStatus {
        status: "restarting".to_owned(),
        pid: None,
        transport: String::new(),
        restart_count: 2,
        restarts_total: 7,
        restart_at_ms: Some(NOW_MS + 4_000),
        note: "exit code 1 after 40 ms".to_owned(),
        rss_bytes: None,
        since_ms: NOW_MS - 2_000,
        ..module(id)
    }
}

/// A decision about a module.
pub(crate) fn row(seq: u64, code: &str, module: &str, facts: &[(&str, Value)]) -> JournalRow {
    let facts: Map<String, Value> =
        facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    JournalRow {
        seq,
        ts_ms: NOW_MS - 60_000 + seq * 1_000,
        code: code.to_owned(),
        module_id: Some(module.to_owned()),
        generation: Some(3),
        facts,
    }
}
