//! From `ostoja new` to the first answered call, in every language: the commands that `new` itself names, typed one
//! after the other by somebody who has never built anything.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::report::{Report, Sense};
use crate::shell;

/// The language, and what has to be there for it.
const LANGUAGES: [(&str, &str); 7] = [
    ("python", "python3"),
    ("node", "node"),
    ("typescript", "deno"),
    ("go", "go"),
    ("rust", "cargo"),
    ("shell", "sh"),
    ("wasm", "sh"),
];

/// 10 s: longer than that, and a newcomer looks whether it hangs.
const PROMISED_S: f64 = 10.0;

/// Measures those whose tools are here, or those named.
pub(super) fn measure(binary: &Path, rounds: usize, only: &[String]) -> Result<Report> {
    let mut report = Report::new("first-call");
    let base = std::env::temp_dir().join(format!("ostoja-first-call-{}", std::process::id()));
    let mut seen = Vec::new();
    for round in 0..rounds {
        for (language, tool) in LANGUAGES {
            if !only.is_empty() && !only.iter().any(|name| name == language) {
                continue;
            }
            if !is_here(tool) {
                println!("not done for {language}: there is no `{tool}`");
                continue;
            }
            println!("round {} of {rounds}: {language}", round + 1);
            let folder = base.join(format!("{language}-{round}"));
            let seconds = once(binary, &folder, language).with_context(|| language.to_owned());
            let _ = std::fs::remove_dir_all(&folder);
            report.sample(language, "time", "s", seconds?);
            if !seen.contains(&language) {
                seen.push(language);
            }
        }
    }
    let _ = std::fs::remove_dir_all(&base);
    for language in seen {
        let what = format!("new to the first answered call, {language}");
        let median = report.median(language, "time");
        report.promise(&what, median, Sense::AtMost, PROMISED_S, "s");
    }
    Ok(report)
}

/// Whether a tool is on the path or was installed for the tests.
fn is_here(tool: &str) -> bool {
    shell::on_path(tool) || shell::tools().join("npm/node_modules/.bin").join(tool).exists()
}

/// One newcomer: `new`, what it says to type, and the answer. Gives the seconds.
fn once(binary: &Path, folder: &Path, language: &str) -> Result<f64> {
    std::fs::create_dir_all(folder)?;
    let home = folder.join("home");
    let path = std::env::join_paths(
        [shell::tools().join("npm/node_modules/.bin")]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )?;
    let typed = |program: &Path, words: &[String], here: &Path| {
        let mut command = Command::new(program);
        command.args(words).current_dir(here).env("PATH", &path).env("OSTOJA_HOME", &home);
        // Nothing that an earlier build left is used.
        command.env("GOCACHE", folder.join("gocache")).env("DENO_DIR", folder.join("deno"));
        command.env_remove("CARGO_TARGET_DIR");
        shell::read(&mut command)
    };
    let mut words: Vec<String> = ["--json", "new", "mine", "--lang", language].map(str::to_owned).into();
    if language == "rust" {
        words.extend(["--sdk".to_owned(), shell::root().join("crates/sdk").display().to_string()]);
    }
    let began = Instant::now();
    let told: Value = serde_json::from_str(&typed(binary, &words, folder)?)?;
    let next = told["data"]["next"].as_array().context("`new` names no next commands")?;
    let here = folder.join("mine");
    let mut answer = String::new();
    // The first changes into the folder.
    for line in next.iter().skip(1).filter_map(Value::as_str) {
        // The last word of a call may be JSON in quotes, with blanks nowhere else.
        let words: Vec<String> = line.splitn(5, ' ').map(|word| word.trim_matches('\'').to_owned()).collect();
        let (program, rest) = words.split_first().context("an empty command")?;
        answer = match program.as_str() {
            "ostoja" => typed(binary, rest, &here)?,
            // A compiler's words have blanks between all of them.
            other => typed(
                Path::new(other),
                &line.split(' ').skip(1).map(str::to_owned).collect::<Vec<_>>(),
                &here,
            )?,
        };
    }
    let took = began.elapsed().as_secs_f64();
    typed(binary, &["down".to_owned()], &here)?;
    ensure!(!answer.trim().is_empty(), "the call was not answered");
    Ok(took)
}
