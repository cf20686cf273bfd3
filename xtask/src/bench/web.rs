//! What the web costs: how soon a browser shows something, what a page with 500 modules takes of a processor, what a thousand
//! listeners do to the kernel's calls, how many requests are answered, how much memory it holds, and what is left of it all
//! when its process is killed.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;
use serde_json::Value;

use super::calls::wait_for;
use super::process;
use super::report::{Report, Sense};
use crate::dashboard;
use crate::served::Served;

mod browser;
mod load;

/// Its module.
const WEB: &str = "ostoja-web";

/// How many look on at once.
const LISTENERS: usize = 1_000;

/// Modules on one screen.
const CROWD: usize = 500;

/// Calls one after the other for each p99: one in a hundred of them is 300 samples, so that no single hiccup makes it.
const CALLS: usize = 30_000;

/// Rounds of calls with and without listeners for each round that was asked for: percentiles of two shared cores scatter.
const TURNS: usize = 2;

/// 10 s over which a page is watched.
const WATCHED_S: u32 = 10;

/// 4 s of requests as fast as they are answered.
const ASKING: Duration = Duration::from_secs(4);

/// 2 s until a thousand that came or went are nothing new any more.
const SETTLED: Duration = Duration::from_secs(2);

/// 20 s until a killed process is back: forty times what it takes.
const BACK: Duration = Duration::from_secs(20);

/// 10 ms between two looks whether it is.
const LOOK: Duration = Duration::from_millis(10);

/// What the rows are called.
const FEW: &str = "12 modules";
const MANY: &str = "500 modules";

/// Folders of the two runs.
const FEW_FOLDER: &str = "web-few";
const MANY_FOLDER: &str = "web-many";

/// Where in its run's folder whoever makes the calls writes how they went.
const REPORTS: &str = "reports";
const REPORT: &str = "report.json";

/// Measures all, or only the parts named: `browser`, `crowd`, `listeners`, `rest`.
pub(super) fn measure(binary: &Path, rounds: usize, only: &[String]) -> Result<Report> {
    let mut report = Report::new("web");
    let is_wanted = |part: &str| only.is_empty() || only.iter().any(|name| name == part);
    weigh(&mut report)?;
    if ["browser", "listeners", "rest"].into_iter().any(is_wanted) {
        let few = Served::start(binary, FEW_FOLDER, &project(binary, FEW_FOLDER, 10)?)?;
        let measured = measured_with_few(&mut report, &few, rounds, &is_wanted);
        few.end()?;
        measured.context(FEW)?;
    }
    if is_wanted("crowd") {
        let many = Served::start(binary, MANY_FOLDER, &project(binary, MANY_FOLDER, CROWD - 2)?)?;
        let watched = watch(&mut report, &many, rounds);
        many.end()?;
        watched.context(MANY)?;
    }
    promises(&mut report);
    Ok(report)
}

fn measured_with_few(
    report: &mut Report,
    few: &Served,
    rounds: usize,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<()> {
    remember_memory(report, few)?;
    if is_wanted("browser") {
        paint(report, few, FEW, rounds)?;
    }
    if is_wanted("listeners") {
        for _ in 0..rounds * TURNS {
            listen(report, few)?;
        }
    }
    if is_wanted("rest") {
        for _ in 0..rounds {
            ask(report, few)?;
        }
    }
    for _ in 0..rounds {
        kill(report, few)?;
    }
    Ok(())
}

/// An echo, somebody who calls it when told to, and so many that only live.
fn project(binary: &Path, name: &str, others: usize) -> Result<String> {
    let (rude, tiny) = (binary.with_file_name("rude"), super::little("tiny")?);
    let (rude, tiny) = (rude.display(), tiny.display());
    let reports = Served::folder_of(name).join(REPORTS);
    std::fs::create_dir_all(&reports)?;
    let reports = reports.display();
    let mut yaml = format!(
        "name: web\nlifecycle: {{readyTimeoutMs: 120000, maxRestarts: 1000}}\nconfig: {{ ostoja-web: {{ start: true, listen: \"127.0.0.1:0\" }} }}\nmodules:\n\
         \x20 good: {{run: [\"{rude}\", good, echo], protocol: lines, provides: [echo], permissions: {{}}}}\n\
         \x20 probe:\n    run: [\"{rude}\", relay-probe, echo, \"{CALLS}\", \"1\"]\n    protocol: lines\n    requires: [echo]\n\
         \x20   env: {{RUDE_REPORT: \"{reports}/{REPORT}\"}}\n    permissions: {{write: [\"{reports}\"]}}\n"
    );
    for number in 0..others {
        yaml.push_str(&format!("  m{number}: {{run: [\"{tiny}\"], protocol: lines, permissions: {{}}}}\n"));
    }
    Ok(yaml)
}

/// What a browser fetches, as `web/build.mjs` adds it up.
fn weigh(report: &mut Report) -> Result<()> {
    let bytes = dashboard::gzipped_bytes()?;
    report.sample(FEW, "dashboard, gzipped", "kB", bytes / 1e3);
    Ok(())
}

fn paint(report: &mut Report, served: &Served, subject: &str, rounds: usize) -> Result<()> {
    browser::paint(served, rounds.max(3) * 2, |useful_ms| {
        report.sample(subject, "first useful paint", "ms", useful_ms);
    })
}

/// Two pages of five hundred modules, one after the other, each told afresh every second.
fn watch(report: &mut Report, many: &Served, rounds: usize) -> Result<()> {
    let rows = many.home.rows()?;
    let ready = rows.iter().filter(|row| row["status"] == "ready").count();
    ensure!(ready > CROWD, "only {ready} modules are ready");
    paint(report, many, MANY, rounds)?;
    let kernel = many.home.pid()?;
    for page in ["overview", "modules"] {
        let subject = format!("{MANY}, page {page}");
        for _ in 0..rounds {
            let watched = browser::watch(many, page, WATCHED_S, kernel, pid_of(many, WEB)?)?;
            report.sample(&subject, "page", "% of a core", watched.page_percent);
            report.sample(&subject, "whole browser", "% of a core", watched.browser_percent);
            report.sample(&subject, "kernel", "% of a core", watched.kernel_percent);
            report.sample(&subject, "web process", "% of a core", watched.web_percent);
        }
    }
    remember_memory(report, many)
}

/// The kernel's calls while nobody listens, and while a thousand do.
fn listen(report: &mut Report, few: &Served) -> Result<()> {
    take_calls(report, few, "nobody listens")?;
    let token = few.token("viewer")?;
    let crowd = load::Crowd::gather(&few.address, &token, LISTENERS)?;
    std::thread::sleep(SETTLED);
    take_calls(report, few, "1,000 listen")?;
    remember_memory(report, few)?;
    let heard = crowd.leave();
    std::thread::sleep(SETTLED);
    ensure!(heard.silent == 0, "{} of {LISTENERS} listeners heard nothing", heard.silent);
    report.sample("1,000 listen", "heard", "kB", heard.bytes_each / 1e3);
    Ok(())
}

fn take_calls(report: &mut Report, few: &Served, subject: &str) -> Result<()> {
    let path = few.folder().join(REPORTS).join(REPORT);
    let _none_yet = std::fs::remove_file(&path);
    few.home.run(&["restart", "probe"])?;
    let found = wait_for(&path)?;
    for (field, measure) in [("p50_us", "call p50"), ("p99_us", "call p99")] {
        let value = found[field].as_f64().with_context(|| format!("the probe's report has no `{field}`"))?;
        report.sample(subject, measure, "µs", value);
    }
    Ok(())
}

/// `GET /modules` as fast as it is answered.
fn ask(report: &mut Report, few: &Served) -> Result<()> {
    let tokens = (0..load::CONNECTIONS).map(|_| few.token("viewer")).collect::<Result<Vec<_>>>()?;
    let (kernel, web) = (few.home.pid()?, pid_of(few, WEB)?);
    let before = (process::cpu_ms(&[kernel]), process::cpu_ms(&[web]));
    let asked = load::ask(&few.address, &tokens, "/api/v1/modules", ASKING)?;
    let micros = |since: f64, pid: u32| (process::cpu_ms(&[pid]) - since) * 1e3 / asked.answers;
    report.sample(FEW, "GET /modules", "1/s", asked.answers / asked.seconds);
    report.sample(FEW, "kernel for each", "µs", micros(before.0, kernel));
    report.sample(FEW, "web for each", "µs", micros(before.1, web));
    for row in few.home.json(&["token", "list"])?["data"]["tokens"].as_array().into_iter().flatten() {
        few.home.run(&["token", "revoke", row["id"].as_str().context("a token without an id")?])?;
    }
    remember_memory(report, few)
}

/// What is left when its process is killed, and how soon it is back.
fn kill(report: &mut Report, few: &Served) -> Result<()> {
    let others = |rows: &[Value]| -> Vec<(String, String, String)> {
        let others = rows.iter().filter(|row| row["id"] != WEB);
        others
            .map(|row| (row["id"].to_string(), row["pid"].to_string(), row["generation"].to_string()))
            .collect()
    };
    let (kernel, before, web) = (few.home.pid()?, few.home.rows()?, pid_of(few, WEB)?);
    let began = Instant::now();
    process::signal(web, Signal::KILL);
    while !is_back(few, web) {
        ensure!(began.elapsed() < BACK, "{WEB} did not come back");
        std::thread::sleep(LOOK);
    }
    report.sample(FEW, "back after a kill", "ms", began.elapsed().as_secs_f64() * 1e3);
    let (before, after) = (others(&before), others(&few.home.rows()?));
    let touched = before.iter().filter(|row| !after.contains(row)).count();
    #[expect(clippy::cast_precision_loss, reason = "there are some dozens")]
    let touched = touched as f64 + if few.home.pid()? == kernel { 0.0 } else { 1.0 };
    report.sample(FEW, "others that a kill touched", "processes", touched);
    Ok(())
}

fn is_back(few: &Served, killed: u32) -> bool {
    let rows = few.home.rows().unwrap_or_default();
    rows.iter().any(|row| row["id"] == WEB && row["status"] == "ready" && row["pid"] != killed)
}

fn pid_of(served: &Served, module: &str) -> Result<u32> {
    let rows = served.home.rows()?;
    let row = rows.iter().find(|row| row["id"] == module);
    let pid = row.and_then(|row| row["pid"].as_u64()).and_then(|pid| u32::try_from(pid).ok());
    pid.with_context(|| format!("{module} does not run"))
}

fn remember_memory(report: &mut Report, served: &Served) -> Result<()> {
    let (rss, _) = process::memory_mib(&[pid_of(served, WEB)?]);
    report.sample(FEW, "rss of the web process", "MiB", rss);
    Ok(())
}

fn promises(report: &mut Report) {
    report.note("A page is watched for 10 s after it settled; it is told afresh once a second. The kernel's percent are all that");
    report.note("it uses meanwhile. The load is made on the same two cores; each of the requests has one of 16 tokens.");
    let pages = [format!("{MANY}, page overview"), format!("{MANY}, page modules")];
    let worst = |report: &Report, measure: &str| {
        let found = pages.iter().filter_map(|page| report.median(page, measure));
        found.max_by(f64::total_cmp)
    };
    let weight = report.median(FEW, "dashboard, gzipped");
    report.promise("dashboard, gzipped", weight, Sense::AtMost, 150.0, "kB");
    let paint = report.median(FEW, "first useful paint");
    report.promise("first useful paint", paint, Sense::AtMost, 300.0, "ms");
    let page = worst(report, "page");
    report.promise("500 modules at 1 Hz, the worse page", page, Sense::AtMost, 5.0, "% of a core");
    let kernel = worst(report, "kernel");
    report.promise("500 modules at 1 Hz, the kernel", kernel, Sense::AtMost, 2.0, "% of a core");
    let calls = report.median("1,000 listen", "call p99").zip(report.median("nobody listens", "call p99"));
    let ratio = calls.map(|(with, without)| with / without);
    report.promise("call p99 with 1,000 listeners, against without", ratio, Sense::AtMost, 1.1, "×");
    let rest = report.median(FEW, "GET /modules");
    report.promise("GET /modules", rest, Sense::AtLeast, 5_000.0, "1/s");
    let memory = report.quantile(FEW, "rss of the web process", 1.0);
    report.promise("memory of the web process, the most", memory, Sense::AtMost, 40.0, "MiB");
    let touched = report.quantile(FEW, "others that a kill touched", 1.0);
    report.promise("what a kill of the web process touches", touched, Sense::AtMost, 0.0, "processes");
}
