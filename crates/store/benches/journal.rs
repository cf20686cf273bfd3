//! What journal and logs cost: throughput, what a caller waits, memory. Prints one line per number.
//!
//! A plain program, since what matters here are totals, tails and memory rather than the time of one call:
//! `cargo bench -p store --bench journal`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its numbers and stops at any mistake"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use abi::{Generation, ModuleId, Record, Wall};
use store::{
    Admission, BootId, Grep, Journal, JournalLimits, JournalReader, Level, LogEntry, LogLine, LogQuery, Logs,
    LogsOptions, Query, Said, Scribe, ScribeOptions, Source, read_logs,
};

/// 200,000 records: some days of a busy machine.
const RECORDS: u64 = 200_000;

/// 256 records in one transaction, as a busy scribe's batches are.
const BATCH: u64 = 256;

/// 60 s: longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let at_start = resident_kib();
    journal(folder.path());
    scribe_paced(folder.path());
    scribe_flood(folder.path());
    logs(folder.path());
    println!(
        "memory: {at_start} KiB resident at the start, {} KiB at the end, {} KiB of that the heap's; {} KiB at most",
        resident_kib(),
        status_kib("RssAnon:"),
        status_kib("VmHWM:")
    );
}

fn record(number: u64, module: &ModuleId) -> Record {
    Record::new("restart.planned")
        .of(module, Some(Generation(number / 10)))
        .number("delay_ms", number % 60_000)
        .text("because", "exit code 1 within 40 ms of the start")
}

fn modules() -> Vec<ModuleId> {
    (0..100).map(|number| ModuleId::parse(&format!("module-{number}")).unwrap()).collect()
}

/// The journal alone: appending in batches, single records, verifying, reading.
fn journal(folder: &Path) {
    let path = folder.join("journal.db");
    let modules = modules();
    let mut journal = Journal::open(&path, JournalLimits::default(), Wall(0), BootId(1)).unwrap().journal;
    let begin = Instant::now();
    for batch in 0..RECORDS / BATCH {
        let records: Vec<_> = (batch * BATCH..(batch + 1) * BATCH)
            .map(|number| record(number, &modules[usize::try_from(number % 100).unwrap()]))
            .collect();
        journal.append(Wall(batch), BootId(1), &records).unwrap();
    }
    journal.sync().unwrap();
    let took = begin.elapsed();
    println!(
        "journal: {RECORDS} records in batches of {BATCH}: {:.0} records/s, {} bytes each on disk",
        RECORDS as f64 / took.as_secs_f64(),
        fs::metadata(&path).unwrap().len() / RECORDS
    );
    let mut single = Times::default();
    for number in 0..2000 {
        let records = [record(number, &modules[0])];
        single.note(timed(|| journal.append(Wall(1), BootId(1), &records).unwrap()));
    }
    single.print("journal: one record, one transaction");
    let mut syncs = Times::default();
    for number in 0..20 {
        journal.append(Wall(1), BootId(1), &[record(number, &modules[0])]).unwrap();
        syncs.note(timed(|| journal.sync().unwrap()));
    }
    syncs.print("journal: sync");
    println!("journal: {} KiB resident", resident_kib());
    drop(journal);
    read_journal(&path, &modules[7]);
}

fn read_journal(path: &Path, module: &ModuleId) {
    let reader = JournalReader::open(path).unwrap();
    let took = timed(|| println!("journal: {}", reader.verify().unwrap()));
    println!("journal: verified in {took:.0?}");
    let of_module = Query { module: Some(module.clone()), ..Query::last(50) };
    println!(
        "journal: last 50 records of one module in {:.1?}",
        timed(|| drop(reader.read(&of_module).unwrap()))
    );
}

/// A caller that hands over one record every 20 µs, which is far more than a kernel decides.
fn scribe_paced(folder: &Path) {
    let scribe = Scribe::start(ScribeOptions::new(&folder.join("paced.db"), BootId(1))).unwrap();
    let modules = modules();
    let begin = Instant::now();
    let mut lost = 0;
    let mut waits = Times::default();
    for number in 0..RECORDS {
        while begin.elapsed() < Duration::from_micros(20 * number) {
            std::hint::spin_loop();
        }
        let record = record(number, &modules[usize::try_from(number % 100).unwrap()]);
        waits.note(timed(|| lost += u64::from(scribe.try_append(Wall(number), record) == Admission::Lost)));
    }
    waits.print("scribe: try_append at 50,000 records/s");
    println!("scribe: {lost} of {RECORDS} lost at that pace");
    finish(&scribe);
}

/// A caller that never stops.
fn scribe_flood(folder: &Path) {
    let scribe = Scribe::start(ScribeOptions::new(&folder.join("flood.db"), BootId(1))).unwrap();
    let modules = modules();
    let begin = Instant::now();
    let (mut queued, mut number) = (0, 0);
    let mut waits = Times::default();
    while queued < RECORDS {
        let record = record(number, &modules[usize::try_from(number % 100).unwrap()]);
        let at = Instant::now();
        let admission = scribe.try_append(Wall(number), record);
        waits.note(at.elapsed());
        queued += u64::from(admission == Admission::Queued);
        number += 1;
    }
    scribe.flush(DEADLINE).unwrap();
    let rate = RECORDS as f64 / begin.elapsed().as_secs_f64();
    println!("scribe: flood: {rate:.0} records/s written and durable, {} of {number} lost", number - queued);
    waits.print("scribe: try_append in the flood");
    finish(&scribe);
}

fn finish(scribe: &Scribe) {
    let took = timed(|| scribe.close(DEADLINE).unwrap());
    println!("scribe: closed in {took:.1?}, {:?}, {} KiB resident", scribe.counts(), resident_kib());
}

/// Ten modules that talk as fast as one caller hands over, then reading.
fn logs(folder: &Path) {
    let mut lost = 0;
    let path = folder.join("logs");
    let logs = Logs::start(LogsOptions::new(&path)).unwrap();
    let modules = modules();
    let begin = Instant::now();
    let mut waits = Times::default();
    for number in 0..RECORDS {
        let line = LogLine::new(
            Level::Info,
            Source::Stderr,
            format!("request {number} answered with 200 in 3 ms, all well"),
        );
        let module = modules[usize::try_from(number % 10).unwrap()].clone();
        let entry = LogEntry { module, generation: Generation(1), ts: Wall(number), said: Said::Line(line) };
        waits.note(timed(|| lost += u64::from(logs.try_append(entry) == Admission::Lost)));
    }
    logs.flush(DEADLINE).unwrap();
    let rate = (RECORDS - lost) as f64 / begin.elapsed().as_secs_f64();
    println!("logs: flood: {rate:.0} lines/s written, {lost} of {RECORDS} lost");
    waits.print("logs: try_append in the flood");
    logs.close(DEADLINE).unwrap();
    println!(
        "logs: last 100 lines of 10 modules in {:.1?}",
        timed(|| drop(read_logs(&path, &LogQuery::last(100)).unwrap()))
    );
    let rare = LogQuery { grep: Some(Grep::new("request 17 ", store::Case::Any)), ..LogQuery::last(100) };
    println!("logs: a rare text in all of them in {:.0?}", timed(|| drop(read_logs(&path, &rare).unwrap())));
}

fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

/// How often each time came, in buckets that are an eighth of a power of two wide: counting takes no memory, so that
/// what is measured as memory is the store's.
struct Times {
    buckets: [u64; 512],
    count: u64,
    most: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { buckets: [0; 512], count: 0, most: Duration::ZERO }
    }
}

impl Times {
    fn note(&mut self, time: Duration) {
        let nanoseconds = (time.as_nanos().max(1)) as f64;
        self.buckets[((nanoseconds.log2() * 8.0) as usize).min(511)] += 1;
        self.count += 1;
        self.most = self.most.max(time);
    }

    /// The upper end of the bucket below which this share of all times lies.
    fn at(&self, share: f64) -> Duration {
        let mut left = (self.count as f64 * share) as u64;
        let bucket = self.buckets.iter().position(|found| {
            let here = left < *found;
            left = left.saturating_sub(*found);
            here
        });
        let nanoseconds = ((bucket.unwrap_or(511) + 1) as f64 / 8.0).exp2();
        Duration::from_nanos(nanoseconds as u64).min(self.most)
    }

    fn print(&self, name: &str) {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| self.at(share));
        println!("{name}: p50 {p50:?}, p99 {p99:?}, p99.9 {p999:?}, most {:?}", self.most);
    }
}

fn resident_kib() -> u64 {
    status_kib("VmRSS:")
}

fn status_kib(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
