//! Another binary in the kernel's place: a hundred modules, half of them calling the other half all the time, and nobody
//! notices but by a pause.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::home::Home;
use super::report::{Report, Sense};
use crate::shell;

/// 50 pairs: a hundred modules.
const PAIRS: usize = 50;

/// Answers at once.
const ECHO: &str = r#"
import json, os, sys
def say(**frame):
    os.write(1, (json.dumps(frame) + "\n").encode())
for line in sys.stdin:
    frame = json.loads(line)
    if frame["type"] == "init":
        say(type="ready")
    elif frame["type"] == "ping":
        say(type="pong")
    elif frame["type"] == "rpc_request":
        say(type="rpc_response", id=frame["id"], result=frame.get("params"))
    elif frame["type"] == "shutdown":
        break
"#;

/// Calls its own echo, about a hundred times a second, and counts what is not answered as it should be.
const CALLER: &str = r#"
import json, os, sys, time
def say(**frame):
    os.write(1, (json.dumps(frame) + "\n").encode())
calls, failed, number = 0, 0, 0
def call():
    global number
    number += 1
    say(type="rpc_request", id=str(number), service=sys.argv[1], method="say", params=number)
for line in sys.stdin:
    frame = json.loads(line)
    if frame["type"] == "init":
        say(type="ready")
    elif frame["type"] == "ping":
        say(type="pong")
    elif frame["type"] == "rpc_request":
        if number == 0:
            call()
        say(type="rpc_response", id=frame["id"], result={"calls": calls, "failed": failed})
    elif frame["type"] == "rpc_response":
        calls += 1
        failed += frame.get("result") != number or frame["id"] != str(number)
        time.sleep(0.01)
        call()
    elif frame["type"] == "shutdown":
        break
"#;

/// Lets binaries that differ in a byte take over, one after the other, and asks the modules what they saw.
pub(super) fn measure(binary: &Path, rounds: usize) -> Result<Report> {
    let mut report = Report::new("self-update");
    let folder = std::env::temp_dir().join(format!("ostoja-renewal-{}", std::process::id()));
    let home = Home::create(binary, &folder, &project())?;
    std::fs::write(folder.join("project/echo.py"), ECHO)?;
    std::fs::write(folder.join("project/caller.py"), CALLER)?;
    shell::read(&mut home.up()).context("`ostoja up -d` with a hundred modules")?;
    // Asking one begins its calls.
    ask_all(&home)?;
    let before = home.rows()?;
    let subject = "50 modules that call 50 others";
    let mut worst: f64 = 0.0;
    for round in 0..rounds {
        let next = another(binary, &folder, round)?;
        let done = home.json(&["self-update", &next.display().to_string()])?;
        let done = &done["data"];
        ensure!(done["tookOver"] == true, "the binary did not take over: {done}");
        let pause = done["pauseMs"].as_f64().context("no pause was told")?;
        worst = worst.max(pause);
        report.sample(subject, "pause", "ms", pause);
    }
    let (calls, failed) = ask_all(&home)?;
    let restarted = restarted(&before, &home.rows()?);
    report.sample(subject, "calls", "calls", calls);
    report.sample(subject, "failed calls", "calls", failed);
    report.sample(subject, "restarted", "modules", restarted);
    home.run(&["down"])?;
    let _ = std::fs::remove_dir_all(&folder);
    report.promise(
        "pause while another binary takes over, the longest",
        Some(worst),
        Sense::AtMost,
        250.0,
        "ms",
    );
    report.promise("calls that fail through it", Some(failed), Sense::AtMost, 0.0, "calls");
    report.promise("modules that are started again by it", Some(restarted), Sense::AtMost, 0.0, "modules");
    Ok(report)
}

fn project() -> String {
    let mut yaml = String::from("name: renewal\nmodules:\n");
    for pair in 0..PAIRS {
        let _ =
            writeln!(yaml, "  e{pair}: {{run: [python3, echo.py], protocol: lines, provides: [e{pair}]}}");
        let _ = writeln!(
            yaml,
            "  c{pair}: {{run: [python3, caller.py, e{pair}], protocol: lines, provides: [c{pair}], requires: [e{pair}]}}"
        );
    }
    yaml
}

/// The same program with other bytes at its end, which nobody reads.
fn another(binary: &Path, folder: &Path, round: usize) -> Result<PathBuf> {
    let path = folder.join(format!("ostoja-{round}"));
    std::fs::copy(binary, &path)?;
    let mut file = std::fs::OpenOptions::new().append(true).open(&path)?;
    write!(file, "{round}")?;
    Ok(path)
}

/// All calls that were made so far, and those that failed.
fn ask_all(home: &Home) -> Result<(f64, f64)> {
    let (mut calls, mut failed) = (0.0, 0.0);
    for pair in 0..PAIRS {
        let told = home.json(&["call", &format!("c{pair}"), "report"])?;
        let told = &told["data"]["result"];
        calls += told["calls"].as_f64().context("no number of calls")?;
        failed += told["failed"].as_f64().context("no number of failures")?;
    }
    Ok((calls, failed))
}

/// How many modules have another life than before.
#[expect(clippy::cast_precision_loss, reason = "there are a hundred")]
fn restarted(before: &[Value], after: &[Value]) -> f64 {
    let same = before.iter().filter(|row| {
        after.iter().any(|other| other["id"] == row["id"] && other["generation"] == row["generation"])
    });
    (before.len() - same.count()) as f64
}
