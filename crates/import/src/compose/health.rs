//! A healthcheck as readiness: compose looks again and again, Ostoja until a module is ready.

use std::time::Duration;

use protocol::files::node::{Kind, Node};
use protocol::files::policy::{Probe, Ready};

use crate::draft::{Module, Program};
use crate::fields::{Complaints, Fields, shown};
use crate::spans;
use crate::words;

/// 30 s and 3: compose's own pace and patience where the file says none.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(30);
const RETRIES_DEFAULT: u32 = 3;

pub(super) fn read(complaints: &mut Complaints, node: &Node, module: &mut Module) {
    if !complaints.is_map("healthcheck", node) {
        return;
    }
    let mut fields = Fields::new(node);
    let is_off = fields.take("disable").and_then(Node::literal) == Some("true");
    let test = fields.take("test");
    let (interval, start_interval) = (span(&mut fields, "interval"), span(&mut fields, "start_interval"));
    let start_period = span(&mut fields, "start_period");
    let retries =
        fields.take("retries").and_then(Node::literal).and_then(|number| number.parse::<u32>().ok());
    let Some(words) = test.filter(|_| !is_off).and_then(|test| command(complaints, test)) else { return };
    let patience = interval.unwrap_or(INTERVAL_DEFAULT).saturating_mul(retries.unwrap_or(RETRIES_DEFAULT));
    let is_said = start_period.is_some() || retries.is_some();
    // As long as compose waits until it calls a service unhealthy.
    let timeout = is_said.then(|| start_period.unwrap_or_default().saturating_add(patience));
    let timeout = timeout.filter(|timeout| (1..=86_400).contains(&timeout.as_secs()));
    let interval = start_interval.or(interval).filter(|interval| !interval.is_zero());
    module.policy.ready = Some(Ready { probe: Probe::Exec(words), timeout, interval });
    module.remarks.add("`healthcheck` became `ready`: it is looked at until the module is ready, not after.");
    for (key, node) in fields.rest() {
        module.remarks.lost(format_args!("healthcheck: {}", shown(key, node)), "it has no counterpart");
    }
}

fn span(fields: &mut Fields<'_>, key: &'static str) -> Option<Duration> {
    fields.take(key).and_then(Node::literal).and_then(spans::go)
}

/// The command that looks; nothing where there is none.
fn command(complaints: &mut Complaints, test: &Node) -> Option<Vec<String>> {
    let Kind::List(_) = test.kind else {
        return shell(&complaints.text("test", test)?);
    };
    let words = complaints.texts("test", test);
    match words.first().map(String::as_str) {
        Some("CMD-SHELL") => shell(&words[1..].join(" ")),
        Some("CMD") if words.len() > 1 && words.iter().all(|word| !word.is_empty()) => {
            Some(words[1..].iter().map(|word| word.replace("$$", "$")).collect())
        }
        Some("NONE") => None,
        _ => {
            complaints.bad_value("test", test, "begins with none of CMD, CMD-SHELL, NONE");
            None
        }
    }
}

fn shell(text: &str) -> Option<Vec<String>> {
    let text = text.replace("$$", "$");
    if text.trim().is_empty() {
        return None;
    }
    match protocol::files::command(&text) {
        Ok(words) if words.iter().all(|word| !word.is_empty()) => Some(words),
        _ => match words::program(vec!["/bin/sh".to_owned(), "-c".to_owned(), text]) {
            Program::Words(words) => Some(words),
            Program::Text(_) | Program::Folder(_) => None,
        },
    }
}
