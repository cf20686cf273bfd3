//! The last 24 hours in numbers: rings of fixed length, so that a day of them costs what their first minute did.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use protocol::operator::{UsageRow, UsageTable};
use serde::Serialize;

#[cfg(test)]
mod tests;

/// 10 s between two points of everything together.
const ALL_STEP_MS: u64 = 10_000;

/// 60 s between two points of one module.
const ONE_STEP_MS: u64 = 60_000;

/// 24 hours in milliseconds.
const SPAN_MS: u64 = 24 * 60 * 60 * 1000;

/// 600 modules have rings: at 1,440 points of 12 bytes each, some 10 MiB.
const MODULES_MAX: usize = 600;

/// One point. Numbers are halved in width: a chart shows three digits.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    /// Not a number where it was not measured.
    cpu_percent: f32,
    rss_kib: u32,
    frames_per_s: f32,
}

const NOTHING: Point = Point { cpu_percent: f32::NAN, rss_kib: u32::MAX, frames_per_s: f32::NAN };

/// What is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    pub(crate) step_ms: u64,
    pub(crate) ts_ms: Vec<u64>,
    pub(crate) cpu_percent: Vec<Option<f64>>,
    pub(crate) rss_bytes: Vec<Option<u64>>,
    pub(crate) frames_per_s: Vec<Option<f64>>,
}

/// Points of equal distance, the newest last.
#[derive(Debug, Clone)]
struct Ring {
    step_ms: u64,
    /// The number of the newest point's step since the epoch.
    newest: u64,
    points: std::collections::VecDeque<Point>,
}

impl Ring {
    fn new(step_ms: u64) -> Self {
        Self { step_ms, newest: 0, points: std::collections::VecDeque::new() }
    }

    fn length_max(&self) -> usize {
        usize::try_from(SPAN_MS / self.step_ms).unwrap_or(usize::MAX)
    }

    /// The last of a step's points counts; steps without one are left empty.
    fn put(&mut self, now_ms: u64, point: Point) {
        let step = now_ms / self.step_ms;
        if self.points.is_empty() || step > self.newest + SPAN_MS / self.step_ms {
            self.points.clear();
        } else if step > self.newest {
            for _ in self.newest + 1..step {
                self.points.push_back(NOTHING);
            }
        } else {
            // A clock that was set back waits until time has caught up.
            if step == self.newest
                && let Some(last) = self.points.back_mut()
            {
                *last = point;
            }
            return;
        }
        self.newest = step;
        self.points.push_back(point);
        while self.points.len() > self.length_max() {
            self.points.pop_front();
        }
    }

    fn shown(&self, span_ms: u64) -> Shown {
        let wanted = usize::try_from(span_ms / self.step_ms).unwrap_or(usize::MAX);
        let skipped = self.points.len().saturating_sub(wanted);
        let points = self.points.iter().skip(skipped);
        let count = (self.points.len() - skipped) as u64;
        let measured = |value: f32| (!value.is_nan()).then(|| (f64::from(value) * 100.0).round() / 100.0);
        Shown {
            step_ms: self.step_ms,
            ts_ms: (0..count).map(|at| (self.newest + 1 + at - count) * self.step_ms).collect(),
            cpu_percent: points.clone().map(|point| measured(point.cpu_percent)).collect(),
            rss_bytes: points
                .clone()
                .map(|point| (point.rss_kib != u32::MAX).then(|| u64::from(point.rss_kib) << 10))
                .collect(),
            frames_per_s: points.map(|point| measured(point.frames_per_s)).collect(),
        }
    }
}

/// All rings.
#[derive(Debug)]
pub(crate) struct History {
    rings: Mutex<(Ring, BTreeMap<String, Ring>)>,
}

impl Default for History {
    fn default() -> Self {
        Self { rings: Mutex::new((Ring::new(ALL_STEP_MS), BTreeMap::new())) }
    }
}

impl History {
    /// Takes in what was measured.
    pub(crate) fn put(&self, table: &UsageTable) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, each) = &mut *rings;
        let rows = || table.modules.iter().chain([&table.kernel]);
        let sum = |of: fn(&UsageRow) -> Option<f64>| {
            rows().filter_map(of).fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
        };
        let rss: u64 = rows().map(|row| row.rss_bytes).sum();
        // Frames of modules all pass the kernel: its own count holds each once.
        let frames = table.kernel.frames_per_s;
        all.put(table.ts_ms, point(sum(|row| row.cpu_percent), rss, frames));
        for row in &table.modules {
            if each.contains_key(&row.id) || each.len() < MODULES_MAX {
                let ring = each.entry(row.id.clone()).or_insert_with(|| Ring::new(ONE_STEP_MS));
                ring.put(table.ts_ms, point(row.cpu_percent, row.rss_bytes, row.frames_per_s));
            }
        }
        let oldest = (table.ts_ms / ONE_STEP_MS).saturating_sub(SPAN_MS / ONE_STEP_MS);
        each.retain(|_, ring| ring.newest >= oldest);
    }

    /// The last hours of everything together.
    pub(crate) fn of_all(&self, hours: u64) -> Shown {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner).0.shown(span(hours))
    }

    /// The last hours of one module; without points when nothing is known of it.
    pub(crate) fn of_module(&self, id: &str, hours: u64) -> Shown {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.1.get(id).map_or_else(|| Ring::new(ONE_STEP_MS).shown(0), |ring| ring.shown(span(hours)))
    }
}

fn span(hours: u64) -> u64 {
    hours.saturating_mul(60 * 60 * 1000).min(SPAN_MS)
}

#[expect(clippy::cast_possible_truncation, reason = "a chart shows three digits")]
fn point(cpu_percent: Option<f64>, rss_bytes: u64, frames_per_s: Option<f64>) -> Point {
    Point {
        cpu_percent: cpu_percent.map_or(f32::NAN, |value| value as f32),
        rss_kib: u32::try_from(rss_bytes >> 10).unwrap_or(u32::MAX - 1),
        frames_per_s: frames_per_s.map_or(f32::NAN, |value| value as f32),
    }
}
