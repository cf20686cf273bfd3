//! `/metrics` in the OpenMetrics text format: what the kernel tells at the moment of the scrape, and what this process
//! counts itself. Labels are names of modules, states and codes: never a text that a module made up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use protocol::operator::{FunctionStats, JournalRow, KernelStatus, ModuleStatus};

#[cfg(test)]
mod tests;

/// The format's own name.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// 256 codes are counted apart: several times what the kernel has.
const CODES_MAX: usize = 256;

/// From 0.5 ms, a fast answer of the kernel, to 60 s, a slow start of a module.
const BUCKETS_S: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0];

/// What this process counts.
#[derive(Debug)]
pub(crate) struct Counts {
    records: Mutex<BTreeMap<(String, String), u64>>,
    answers: Mutex<BTreeMap<u16, u64>>,
    took: Histogram,
}

impl Default for Counts {
    fn default() -> Self {
        Self { records: Mutex::default(), answers: Mutex::default(), took: Histogram::new(BUCKETS_S) }
    }
}

impl Counts {
    /// A decision was told.
    pub(crate) fn record(&self, row: &JournalRow) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = row.facts.get("reason").and_then(|reason| reason.as_str());
        // Reasons are words of the kernel's, not sentences.
        let is_word = |text: &&str| {
            text.len() <= 32 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-')
        };
        let reason = reason.filter(is_word).unwrap_or_default().to_owned();
        let key = (row.code.clone(), reason);
        if records.contains_key(&key) || records.len() < CODES_MAX {
            *records.entry(key).or_default() += 1;
        }
    }

    /// A request was answered.
    pub(crate) fn answered(&self, status: u16, took: Duration) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
        self.took.observe(took.as_secs_f64());
    }
}

/// What the kernel told; nothing where it did not answer.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) kernel: Option<KernelStatus>,
    pub(crate) modules: Vec<ModuleStatus>,
    pub(crate) functions: Option<FunctionStats>,
    pub(crate) listeners: usize,
}

#[derive(Debug)]
struct Scrape {
    told: Told,
    records: BTreeMap<(String, String), u64>,
    answers: BTreeMap<u16, u64>,
    took: Histogram,
}

/// The whole text.
pub(crate) fn text(told: Told, counts: &Counts) -> Result<String, fmt::Error> {
    let scrape = Scrape {
        told,
        records: counts.records.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        answers: counts.answers.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        took: counts.took.clone(),
    };
    let mut registry = Registry::with_prefix("ostoja");
    registry.register_collector(Box::new(scrape));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut out = Out(&mut encoder);
        let up = u64::from(self.told.kernel.is_some());
        out.gauge("kernel_up", "Whether the kernel answers", None, [([], number(up))])?;
        if let Some(kernel) = &self.told.kernel {
            kernel_metrics(&mut out, kernel)?;
        }
        module_metrics(&mut out, &self.told.modules)?;
        if let Some(functions) = &self.told.functions {
            function_metrics(&mut out, functions)?;
        }
        self.own(&mut out)
    }
}

impl Scrape {
    fn own(&self, out: &mut Out<'_, '_>) -> fmt::Result {
        let records = self
            .records
            .iter()
            .map(|((code, reason), count)| ([("code", code.as_str()), ("reason", reason.as_str())], *count));
        let help = "Decisions of the kernel that this process heard, by code; restarts, denials and updates among them";
        out.counter("records", help, None, records)?;
        let codes: Vec<(String, u64)> =
            self.answers.iter().map(|(code, count)| (code.to_string(), *count)).collect();
        let answers = codes.iter().map(|(code, count)| ([("status", code.as_str())], *count));
        out.counter("http_answers", "Answers over HTTP, by status", None, answers)?;
        out.gauge("http_listeners", "Streams of events", None, [([], number(self.told.listeners as u64))])?;
        let help = "From a request's head to its answer's";
        self.took.encode(out.0.encode_descriptor(
            "http_answer",
            help,
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?)
    }
}

#[expect(clippy::cast_precision_loss, reason = "what is measured is far below 2^53")]
fn number(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a life are far below 2^53")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

fn kernel_metrics(out: &mut Out<'_, '_>, kernel: &KernelStatus) -> fmt::Result {
    let bytes = Some(&Unit::Bytes);
    let time = Some(&Unit::Seconds);
    out.gauge("kernel_uptime", "Since the kernel started", time, [([], seconds(kernel.uptime_ms))])?;
    out.gauge("kernel_resident_memory", "Of the kernel's process", bytes, [([], number(kernel.rss_bytes))])?;
    out.counter(
        "kernel_cpu",
        "Processor time of the kernel's process",
        time,
        [([], seconds(kernel.cpu_ms))],
    )?;
    out.counter("kernel_frames", "Frames moved", None, [([], kernel.frames)])?;
    out.gauge(
        "kernel_troubles",
        "Things that are not as they should be",
        None,
        [([], number(kernel.troubles.len() as u64))],
    )?;
    let safe = u64::from(kernel.safe_mode.is_some());
    out.gauge("kernel_safe_mode", "Whether no module may run", None, [([], number(safe))])?;
    let states = kernel.states.iter().map(|(state, count)| ([("state", state.as_str())], f64::from(*count)));
    out.gauge("modules", "Modules, by state", None, states)
}

fn module_metrics(out: &mut Out<'_, '_>, modules: &[ModuleStatus]) -> fmt::Result {
    let bytes = Some(&Unit::Bytes);
    let each = |of: fn(&ModuleStatus) -> Option<f64>| {
        modules.iter().filter_map(move |module| Some(([("module", module.id.as_str())], of(module)?)))
    };
    let count = |of: fn(&ModuleStatus) -> u64| {
        modules.iter().map(move |module| ([("module", module.id.as_str())], of(module)))
    };
    out.gauge(
        "module_ready",
        "Whether it is ready",
        None,
        each(|m| Some(f64::from(u8::from(m.status == "ready")))),
    )?;
    out.gauge("module_resident_memory", "Of its process", bytes, each(|m| m.rss_bytes.map(number)))?;
    out.gauge(
        "module_held",
        "Whether the governor holds it",
        None,
        each(|m| Some(f64::from(u8::from(m.held.is_some())))),
    )?;
    // Of its present process, so it falls with a restart, as every process's counters do.
    out.counter(
        "module_cpu",
        "Processor time of its process",
        Some(&Unit::Seconds),
        each(|m| m.cpu_ms.map(seconds)),
    )?;
    out.counter("module_restarts", "Restarts since the kernel knows it", None, count(|m| m.restarts_total))?;
    out.counter("module_frames_in", "Frames it sent", None, count(|m| m.frames_in))?;
    out.counter("module_frames_out", "Frames it was sent", None, count(|m| m.frames_out))?;
    out.counter(
        "module_dropped",
        "Deliveries dropped because its mailbox was full",
        None,
        count(|m| m.dropped),
    )?;
    out.counter(
        "module_bad_lines",
        "Lines that were no frames, or were refused",
        None,
        count(|m| m.bad_lines),
    )?;
    out.counter("module_log_lost", "Log lines lost because they came too fast", None, count(|m| m.log_lost))
}

fn function_metrics(out: &mut Out<'_, '_>, stats: &FunctionStats) -> fmt::Result {
    out.gauge("functions", "Functions", None, [([], number(stats.functions))])?;
    let runs = [([("outcome", "result")], stats.runs), ([("outcome", "failure")], stats.runs_failed)];
    out.counter("function_runs", "Runs of functions", None, runs)?;
    out.counter("function_compilations", "Compilations begun", None, [([], stats.compiled)])?;
    out.gauge(
        "function_cache",
        "Compiled code in memory",
        Some(&Unit::Bytes),
        [([], number(stats.warm_bytes))],
    )
}

/// One family after the other; those without a value are left out.
struct Out<'o, 'e>(&'o mut DescriptorEncoder<'e>);

type Labels<'l, const N: usize> = [(&'static str, &'l str); N];

impl Out<'_, '_> {
    fn gauge<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        values: impl IntoIterator<Item = (Labels<'l, N>, f64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        values.into_iter().try_for_each(|(labels, value)| one(&mut family, &labels, &ConstGauge::new(value)))
    }

    fn counter<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        values: impl IntoIterator<Item = (Labels<'l, N>, impl EncodeCounterValue)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, unit, MetricType::Counter)?;
        values
            .into_iter()
            .try_for_each(|(labels, value)| one(&mut family, &labels, &ConstCounter::new(value)))
    }
}

fn one<const N: usize>(
    family: &mut MetricEncoder<'_>,
    labels: &Labels<'_, N>,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(family.encode_family(labels)?)
}
