//! The text of an `ostoja.yaml`: as a person would write it, with the remarks as comments at their places.

use std::fmt::Write as _;
use std::time::Duration;

use abi::PermissionKind;
use protocol::files::policy::{OnGiveUp, Probe, Ready};
use serde_json::Value;

use crate::draft::{Draft, Entry, LeftOut, Module, Program};

mod scalar;
#[cfg(test)]
mod tests;

pub(crate) use scalar::{flow, plain};

/// 100 columns: comments are folded there, as editors show them.
const COMMENT_COLUMNS: usize = 100;

/// The whole file.
pub(crate) fn project(draft: &Draft) -> String {
    let mut text = String::new();
    comment(&mut text, 0, &format!("Made by `ostoja import` from {}.", draft.title));
    draft.remarks.iter().for_each(|remark| comment(&mut text, 0, &remark));
    if let Some(name) = &draft.name {
        line(&mut text, 0, "name", &plain(name));
    }
    text.push_str(if draft.modules().next().is_some() { "\nmodules:\n" } else { "\nmodules: {}\n" });
    for (number, entry) in draft.entries.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        match entry {
            Entry::Module(found) => module(&mut text, found),
            Entry::LeftOut(found) => left_out(&mut text, found),
        }
    }
    if let Value::Object(sections) = &draft.config
        && !sections.is_empty()
    {
        text.push_str("\nconfig:\n");
        for (section, values) in sections {
            let _ = writeln!(text, "  {}: {}", flow(section), value_flow(values));
        }
    }
    for (section, values) in &draft.settings {
        let _ = writeln!(text, "\n{}: {}", flow(section), value_flow(values));
    }
    text
}

/// JSON is YAML; the marks that JSON leaves as they are and YAML reads as ends of lines are written by number.
fn value_flow(value: &Value) -> String {
    let text = value.to_string();
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        scalar::push_escaped(&mut safe, c);
    }
    safe
}

fn left_out(text: &mut String, found: &LeftOut) {
    comment(
        text,
        2,
        &format!("`{}` is left out: {}.", one_line(&found.name), one_line(&found.why).trim_end_matches('.')),
    );
}

fn one_line(text: &str) -> String {
    let mut remarks = crate::draft::Remarks::default();
    remarks.add(text);
    remarks.iter().collect()
}

fn module(text: &mut String, module: &Module) {
    let _ = writeln!(text, "  {}:", flow(&module.id));
    module.remarks.iter().for_each(|remark| comment(text, 4, &remark));
    match &module.program {
        Program::Words(words) => line(text, 4, "run", &list(words)),
        Program::Text(command) => match scalar::block(command, 6) {
            Some(block) => line(text, 4, "run", &block),
            None => line(text, 4, "run", &plain(command)),
        },
        Program::Folder(folder) => line(text, 4, "path", &plain(folder)),
    }
    if let Some(cwd) = &module.cwd {
        line(text, 4, "cwd", &plain(cwd));
    }
    if !module.needs.is_empty() {
        line(text, 4, "needs", &list(&module.needs));
    }
    environment(text, module);
    if let Some(priority) = module.priority {
        line(text, 4, "priority", &priority.to_string());
    }
    if !module.autostart {
        line(text, 4, "autostart", "false");
    }
    if let Some(permissions) = &module.permissions {
        let kinds = PermissionKind::ALL.into_iter().filter(|kind| !permissions.of(*kind).is_empty());
        let kinds = kinds.map(|kind| {
            let values: Vec<String> = permissions.of(kind).iter().cloned().collect();
            format!("{}: {}", kind.as_str(), list(&values))
        });
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        line(
            text,
            4,
            "permissions",
            &if kinds.is_empty() { "{}".to_owned() } else { format!("{{ {kinds} }}") },
        );
    }
    policy(text, module);
}

fn environment(text: &mut String, module: &Module) {
    if !module.env.is_empty() {
        text.push_str("    env:\n");
        for (name, value) in &module.env {
            let _ = writeln!(text, "      {}: {}", flow(name), scalar::value(value));
        }
    }
    if !module.env_pass.is_empty() {
        line(text, 4, "env_pass", &list(&module.env_pass));
    }
}

fn policy(text: &mut String, module: &Module) {
    let policy = &module.policy;
    if let Some(protocol) = policy.protocol {
        line(text, 4, "protocol", protocol.as_str());
    }
    if let Some(restart) = policy.restart {
        line(text, 4, "restart", restart.as_str());
    }
    if let Some(number) = policy.max_restarts {
        line(text, 4, "max_restarts", &number.to_string());
    }
    match &policy.on_give_up {
        Some(OnGiveUp::Shutdown) => line(text, 4, "on_give_up", "shutdown"),
        Some(OnGiveUp::StopDependents) => line(text, 4, "on_give_up", "stop-dependents"),
        Some(OnGiveUp::Nothing | OnGiveUp::Start(_)) | None => {}
    }
    if let Some(ready) = &policy.ready {
        line(text, 4, "ready", &readiness(ready));
    }
    let mut stop = Vec::new();
    stop.extend(policy.stop.signal.map(|signal| format!("signal: {}", signal.as_str())));
    stop.extend(policy.stop.grace.map(|grace| format!("grace: {}", span(grace))));
    map(text, "stop", &stop);
    let limits = &policy.limits;
    let mut bounds = Vec::new();
    bounds.extend(limits.memory_bytes.map(|bytes| format!("memory: {}", size(bytes))));
    bounds.extend(limits.cpu_permille.map(|permille| format!("cpu: {}", share(permille))));
    bounds.extend(limits.files.map(|number| format!("files: {number}")));
    bounds.extend(limits.processes.map(|number| format!("processes: {number}")));
    bounds.extend(limits.core_bytes.map(|bytes| format!("core: {}", size(bytes))));
    bounds.extend(limits.cpu_seconds.map(|number| format!("cpu_seconds: {number}")));
    map(text, "limits", &bounds);
}

fn map(text: &mut String, key: &str, entries: &[String]) {
    if !entries.is_empty() {
        line(text, 4, key, &format!("{{ {} }}", entries.join(", ")));
    }
}

fn readiness(ready: &Ready) -> String {
    let mut entries = Vec::new();
    let alone = ready.timeout.is_none() && ready.interval.is_none();
    match &ready.probe {
        Probe::Started if alone => return "started".to_owned(),
        Probe::Notify if alone => return "notify".to_owned(),
        Probe::Completed if alone => return "completed".to_owned(),
        Probe::Started => entries.push("started: true".to_owned()),
        Probe::Notify => entries.push("notify: true".to_owned()),
        Probe::Completed => entries.push("completed: true".to_owned()),
        Probe::Tcp { host, port } => {
            entries.push(format!("tcp: {}", flow(&format!("{}:{port}", bracketed(host)))))
        }
        Probe::Http { host, port, path, status } => {
            entries.push(format!("http: {}", flow(&format!("{}:{port}{path}", bracketed(host)))));
            entries.extend(status.map(|status| format!("status: {status}")));
        }
        Probe::Exec(words) => entries.push(format!("exec: {}", list(words))),
        Probe::Log(text) => entries.push(format!("log: {}", flow(text))),
    }
    entries.extend(ready.timeout.map(|timeout| format!("timeout: {}", span(timeout))));
    entries.extend(ready.interval.map(|interval| format!("interval: {}", span(interval))));
    format!("{{ {} }}", entries.join(", "))
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// A time as our files have it, in the largest unit that divides it.
fn span(span: Duration) -> String {
    let ms = span.as_millis();
    match ms {
        0 => "0s".to_owned(),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

/// A size as our files have it.
fn size(bytes: u64) -> String {
    for (unit, unit_bytes) in [("G", 1_u64 << 30), ("M", 1 << 20), ("k", 1 << 10)] {
        if bytes > 0 && bytes.is_multiple_of(unit_bytes) {
            return format!("{}{unit}", bytes / unit_bytes);
        }
    }
    bytes.to_string()
}

/// A share of processors: in percent, or as it is where that is no whole number.
fn share(permille: u64) -> String {
    if permille.is_multiple_of(10) {
        format!("{}%", permille / 10)
    } else {
        format!("{}.{}%", permille / 10, permille % 10)
    }
}

fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| flow(word)).collect();
    format!("[{}]", words.join(", "))
}

fn line(text: &mut String, indent: usize, key: &str, value: &str) {
    let _ = writeln!(text, "{:indent$}{key}: {value}", "");
}

/// A comment, folded at blanks.
fn comment(text: &mut String, indent: usize, remark: &str) {
    let width = COMMENT_COLUMNS - indent - 2;
    let mut row = String::new();
    for word in remark.split_whitespace() {
        if !row.is_empty() && row.chars().count() + 1 + word.chars().count() > width {
            let _ = writeln!(text, "{:indent$}# {row}", "");
            row.clear();
            // What belongs to one remark is seen to.
            row.push(' ');
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(word);
    }
    let _ = writeln!(text, "{:indent$}# {row}", "");
}
