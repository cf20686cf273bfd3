//! A call from module to module through the kernel, by pipes and by lanes of shared memory, beside a bare relay: the same
//! two programs, joined by two threads that copy bytes from one pipe to the other and look at none of them.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::home::Home;
use super::report::{Report, Sense};
use crate::shell;

/// Calls one after the other: enough for a p99 that a single hiccup does not make.
const CALLS_SINGLE: usize = 20_000;

/// Calls with many on their way.
const CALLS_MANY: usize = 200_000;

/// How many are on their way then.
const IN_FLIGHT: usize = 64;

/// 60 s for one run: ten times what the slowest took.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a call took beside the relay's when the module door first worked, before traffic had a plane of its own.
const FIRST_RATIO: f64 = 1.38;

/// 5 ms between two looks at the report's file, which nobody waits for while it measures.
const LOOK: Duration = Duration::from_millis(5);

/// 64 KiB: what a pipe holds.
const COPY_BYTES: usize = 64 << 10;

/// The ways from caller to service.
const SUBJECTS: [&str; 3] = ["relay", "ostoja", "ostoja, shm"];

/// One run of the probe.
#[derive(Debug, Clone, Copy)]
struct Probe {
    calls: usize,
    in_flight: usize,
}

/// Measures both ways in turns.
pub(super) fn measure(binary: &Path, rounds: usize, only: &[String]) -> Result<Report> {
    let mut report = Report::new("calls");
    let rude = binary.with_file_name("rude");
    let base = std::env::temp_dir().join(format!("ostoja-calls-{}", std::process::id()));
    let single = Probe { calls: CALLS_SINGLE, in_flight: 1 };
    let many = Probe { calls: CALLS_MANY, in_flight: IN_FLIGHT };
    for round in 0..rounds {
        for turn in 0..SUBJECTS.len() {
            let subject = SUBJECTS[(turn + round) % SUBJECTS.len()];
            if !only.is_empty() && !only.iter().any(|name| name == subject) {
                continue;
            }
            for probe in [single, many] {
                let folder = base.join(format!("{round}-{turn}-{}", probe.in_flight));
                std::fs::create_dir_all(&folder)?;
                let found = match subject {
                    "ostoja" => through_ostoja(binary, &rude, &folder, (probe, "pipes")),
                    "ostoja, shm" => through_ostoja(binary, &rude, &folder, (probe, "shm")),
                    _ => through_relay(&rude, &folder, probe),
                };
                take(&mut report, subject, probe, &found.with_context(|| format!("{subject}: {probe:?}"))?)?;
            }
        }
    }
    let _ = std::fs::remove_dir_all(&base);
    promises(&mut report);
    Ok(report)
}

/// Adds one run's numbers.
fn take(report: &mut Report, subject: &str, probe: Probe, found: &Value) -> Result<()> {
    let number =
        |name: &str| found[name].as_f64().with_context(|| format!("the probe's report has no `{name}`"));
    ensure!(found["failed"] == 0, "{} of {} calls failed", found["failed"], probe.calls);
    if probe.in_flight == 1 {
        report.sample(subject, "call p50", "µs", number("p50_us")?);
        report.sample(subject, "call p99", "µs", number("p99_us")?);
    } else {
        report.sample(subject, "calls with 64 in flight", "1/s", number("calls_per_second")?);
        // Each call is a request and an answer; each of them is read once and written once by the kernel.
        report.sample(subject, "frames carried", "1/s", number("calls_per_second")? * 2.0);
    }
    Ok(())
}

fn promises(report: &mut Report) {
    report.note(
        "A frame carried is one line that was read from one module and written to another: two per call.",
    );
    for (measure, factor) in [("call p50", 2.5), ("call p99", 4.0)] {
        let (relay, ours) = (report.median("relay", measure), report.median("ostoja", measure));
        let ratio = relay.zip(ours).map(|(relay, ours)| ours / relay);
        report.promise(&format!("{measure} against the bare relay"), ratio, Sense::AtMost, factor, "×");
    }
    let ratio = report.median("relay", "call p50").zip(report.median("ostoja", "call p50"));
    report.promise(
        "call p50 against the bare relay, half of the first ratio",
        ratio.map(|(relay, ours)| ours / relay),
        Sense::AtMost,
        FIRST_RATIO / 2.0,
        "×",
    );
    let frames = report.median("ostoja", "frames carried");
    report.promise("throughput with 64 calls in flight", frames, Sense::AtLeast, 100_000.0, "frames/s");
}

/// Both programs as modules of one kernel, which take their lanes when they are to.
fn through_ostoja(
    binary: &Path,
    rude: &Path,
    folder: &Path,
    (probe, transport): (Probe, &str),
) -> Result<Value> {
    let (program, result) = (rude.display(), folder.join("report.json"));
    let yaml = format!(
        "name: calls\nmodules:\n  good: {{run: [\"{program}\", good, echo], protocol: lines, transport: {transport}, provides: [echo], permissions: {{}}}}\n\
         \x20 probe:\n    run: [\"{program}\", relay-probe, echo, \"{}\", \"{}\"]\n    protocol: lines\n    transport: {transport}\n\
         \x20   requires: [echo]\n    env: {{RUDE_REPORT: \"{}\"}}\n    permissions: {{write: [\"{}\"]}}\n",
        probe.calls,
        probe.in_flight,
        result.display(),
        folder.display(),
    );
    let home = Home::create(binary, folder, &yaml)?;
    shell::read(&mut home.up())?;
    let found = wait_for(&result);
    home.run(&["down"])?;
    found
}

/// Both programs joined by two threads.
fn through_relay(rude: &Path, folder: &Path, probe: Probe) -> Result<Value> {
    let result = folder.join("report.json");
    let mut service = joined(Command::new(rude).args(["good", "echo"]))?;
    let (calls, in_flight) = (probe.calls.to_string(), probe.in_flight.to_string());
    let mut caller = Command::new(rude);
    let mut caller =
        joined(caller.args(["relay-probe", "echo", &calls, &in_flight]).env("RUDE_REPORT", &result))?;
    let mut pipes = Vec::new();
    for child in [&mut service, &mut caller] {
        pipes.push((
            child.stdin.take().context("stdin is piped")?,
            child.stdout.take().context("stdout is piped")?,
        ));
    }
    let (caller_in, caller_out) = pipes.pop().context("there are two")?;
    let (service_in, service_out) = pipes.pop().context("there are two")?;
    let copiers = [copier(service_out, caller_in), copier(caller_out, service_in)];
    let found = wait_for(&result);
    for child in [&mut caller, &mut service] {
        child.kill()?;
        child.wait()?;
    }
    for copier in copiers {
        ensure!(copier.join().is_ok(), "a copying thread died");
    }
    found
}

/// A child with both pipes.
fn joined(command: &mut Command) -> Result<Child> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("starting `rude`")
}

/// Says `init`, as the kernel would, then copies whatever comes.
fn copier(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
) -> std::thread::JoinHandle<()> {
    let init = b"{\"type\":\"init\",\"protocolVersion\":\"1.0\",\"config\":{},\"workspacePath\":\"/\",\"projectRoot\":\"/\"}\n";
    std::thread::spawn(move || {
        let mut buffer = vec![0; COPY_BYTES];
        let mut is_open = to.write_all(init).is_ok();
        while is_open {
            is_open = match from.read(&mut buffer) {
                Ok(read) if read > 0 => to.write_all(&buffer[..read]).is_ok(),
                _ => false,
            };
        }
    })
}

/// The probe's report, as soon as all of it is there.
pub(super) fn wait_for(path: &Path) -> Result<Value> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let mut text = String::new();
        if File::open(path).and_then(|mut file| file.read_to_string(&mut text)).is_ok()
            && let Ok(found) = serde_json::from_str(&text)
        {
            return Ok(found);
        }
        std::thread::sleep(LOOK);
    }
    bail!("no report within {PATIENCE:?}")
}
