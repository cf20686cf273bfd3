//! Reads the words about a module's life, which `ostoja.yaml` and `module.json` share.

use std::time::Duration;

use abi::Zone;

use super::{
    Limits, Minimum, OnGiveUp, Policy, Probe, Protocol, Ready, Restart, State, Stop, StopSignal, Strategy,
    Transport,
};
use crate::files::fault::Fault;
use crate::files::node::{Key, Kind, Node};
use crate::files::reader::Reader;
use crate::files::shell;

/// The fields that [`policy_field`] reads.
pub(in crate::files) const POLICY_FIELDS: [&str; 12] = [
    "protocol",
    "transport",
    "state",
    "restart",
    "strategy",
    "max_restarts",
    "on_give_up",
    "ready",
    "stop",
    "limits",
    "security",
    "zone",
];

/// 1,000,000: more restarts in a row than any machine lives to see.
const RESTARTS_MAX: u64 = 1_000_000;

/// 64 members of a state: who needs more wants all of it.
const STATE_KEYS_MAX: usize = 64;

/// 1,000,000,000: beyond what Linux counts of files, processes or a process's seconds.
const LIMIT_MAX: u64 = 1_000_000_000;

/// Reads one field into the policy if it is one of its own. The caller has checked the field's name.
pub(in crate::files) fn policy_field(reader: &mut Reader, policy: &mut Policy, field: &str, node: &Node) {
    match field {
        "protocol" => policy.protocol = protocol(reader, node),
        "transport" => {
            policy.transport = reader.word(field, node, &Transport::ALL.map(|word| (word.as_str(), word)))
        }
        "state" => policy.state = state(reader, node),
        "restart" => {
            policy.restart = reader.word(field, node, &Restart::ALL.map(|word| (word.as_str(), word)))
        }
        "strategy" => {
            policy.strategy = reader.word(field, node, &Strategy::ALL.map(|word| (word.as_str(), word)))
        }
        "max_restarts" => {
            let number = reader.whole(field, node, 0..=RESTARTS_MAX);
            policy.max_restarts = number.and_then(|number| u32::try_from(number).ok());
        }
        "on_give_up" => policy.on_give_up = on_give_up(reader, node),
        "ready" => policy.ready = ready(reader, node),
        "stop" => policy.stop = stop(reader, node),
        "limits" => policy.limits = limits(reader, node),
        "security" => policy.minimum = security(reader, node),
        "zone" => {
            let words = [Zone::Stable, Zone::Sandbox].map(|zone| (zone.as_str(), zone));
            policy.zone = reader.word(field, node, &words);
        }
        _ => {}
    }
}

fn state(reader: &mut Reader, node: &Node) -> Option<State> {
    let Kind::Map(entries) = &node.kind else {
        return match reader.word("state", node, &["none", "all"].map(|word| (word, word)))? {
            "all" => Some(State::All),
            _ => Some(State::None),
        };
    };
    let mut keys = None;
    for (key, value) in entries {
        match key.text.as_str() {
            "keys" => {
                let mut found = reader.texts("keys", value);
                found.sort();
                found.dedup();
                if found.is_empty() || found.len() > STATE_KEYS_MAX {
                    reader.bad_value("keys", value, format!("1 to {STATE_KEYS_MAX} members can be named"));
                } else {
                    keys = Some(State::Keys(found));
                }
            }
            _ => reader.unknown_field(node, key, &["keys"]),
        }
    }
    if entries.is_empty() {
        reader.complain(node, Fault::MissingField { field: "keys" });
    }
    keys
}

fn security(reader: &mut Reader, node: &Node) -> Option<Minimum> {
    let mut least = None;
    for (key, value) in reader.map("security", node)? {
        match key.text.as_str() {
            "minimum" => least = minimum(reader, value),
            _ => reader.unknown_field(node, key, &["minimum"]),
        }
    }
    least
}

/// Reads `minimum`, of a module or of the configuration.
pub(in crate::files) fn minimum(reader: &mut Reader, node: &Node) -> Option<Minimum> {
    reader.word("minimum", node, &Minimum::ALL.map(|word| (word.as_str(), word)))
}

fn protocol(reader: &mut Reader, node: &Node) -> Option<Protocol> {
    reader.word("protocol", node, &Protocol::ALL.map(|word| (word.as_str(), word)))
}

fn on_give_up(reader: &mut Reader, node: &Node) -> Option<OnGiveUp> {
    let Kind::Map(entries) = &node.kind else {
        let words = ["nothing", "stop-dependents", "shutdown"].map(|word| (word, word));
        return Some(match reader.word("on_give_up", node, &words)? {
            "stop-dependents" => OnGiveUp::StopDependents,
            "shutdown" => OnGiveUp::Shutdown,
            _ => OnGiveUp::Nothing,
        });
    };
    let mut start = None;
    for (key, value) in entries {
        match key.text.as_str() {
            "start" => start = reader.module_id("start", value).map(OnGiveUp::Start),
            _ => reader.unknown_field(node, key, &["start"]),
        }
    }
    if entries.is_empty() {
        reader.complain(node, Fault::MissingField { field: "start" });
    }
    start
}

const PROBE_FIELDS: [&str; 7] = ["tcp", "http", "exec", "log", "notify", "started", "completed"];
const READY_FIELDS: [&str; 10] =
    ["tcp", "http", "exec", "log", "notify", "started", "completed", "timeout", "interval", "status"];

fn ready(reader: &mut Reader, node: &Node) -> Option<Ready> {
    let Kind::Map(entries) = &node.kind else {
        let probe =
            match reader.word("ready", node, &["started", "notify", "completed"].map(|word| (word, word)))? {
                "notify" => Probe::Notify,
                "completed" => Probe::Completed,
                _ => Probe::Started,
            };
        return Some(Ready { probe, ..Ready::default() });
    };
    let mut ready = Ready::default();
    let mut first: Option<&Key> = None;
    for (key, value) in entries {
        match key.text.as_str() {
            "timeout" => ready.timeout = reader.duration("timeout", value),
            "interval" => ready.interval = reader.duration("interval", value),
            // Read together with `http`, to which alone it belongs.
            "status" => {}
            field if PROBE_FIELDS.contains(&field) => {
                if let Some(first) = first {
                    let fault = Fault::Conflict { field: key.text.clone(), other: first.text.clone() };
                    reader.complain_key(node, key, fault);
                    continue;
                }
                first = Some(key);
                ready.probe = probe(reader, node, field, value)?;
            }
            _ => reader.unknown_field(node, key, &READY_FIELDS),
        }
    }
    let status_alone = !matches!(ready.probe, Probe::Http { .. });
    if let Some((key, _)) = entries.iter().find(|(key, _)| key.text == "status" && status_alone) {
        let other = first.map_or("started", |first| &first.text).to_owned();
        reader.complain_key(node, key, Fault::Conflict { field: "status".to_owned(), other });
    }
    Some(ready)
}

fn probe(reader: &mut Reader, ready: &Node, field: &str, node: &Node) -> Option<Probe> {
    match field {
        "tcp" => {
            let (host, port) = address(reader, field, node, node.literal().unwrap_or_default())?;
            Some(Probe::Tcp { host, port })
        }
        "http" => http(reader, ready, node),
        "exec" => words(reader, field, node).map(Probe::Exec),
        "log" => reader.text(field, node).map(Probe::Log),
        "notify" => reader.word(field, node, &[("true", ())]).map(|()| Probe::Notify),
        "completed" => reader.word(field, node, &[("true", ())]).map(|()| Probe::Completed),
        _ => reader.word(field, node, &[("true", ())]).map(|()| Probe::Started),
    }
}

fn http(reader: &mut Reader, ready: &Node, node: &Node) -> Option<Probe> {
    let text = node.literal().unwrap_or_default();
    if text.starts_with("https://") {
        reader.bad_value("http", node, "is encrypted; probes speak plain http only");
        return None;
    }
    let text = text.strip_prefix("http://").unwrap_or(text);
    let (authority, path) = text.find('/').map_or((text, "/"), |at| text.split_at(at));
    if path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        reader.bad_value("http", node, "holds white space");
        return None;
    }
    // A URL without a port means port 80; a bare number means a port.
    let implied = !authority.is_empty() && !authority.contains(':') && authority.parse::<u16>().is_err();
    let (host, port) = match implied {
        true => (authority.to_owned(), 80),
        false => address(reader, "http", node, authority)?,
    };
    let status = match ready.entry("status") {
        Some(status) => {
            let status = reader.whole("status", status, 100..=599)?;
            u16::try_from(status).ok()
        }
        None => None,
    };
    Some(Probe::Http { host, port, path: path.to_owned(), status })
}

/// `8080`, `host:8080` or `[::1]:8080`.
fn address(reader: &mut Reader, field: &str, node: &Node, text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("127.0.0.1", text));
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let bad_host = host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control());
    match port.parse::<u16>() {
        Ok(port) if port > 0 && !bad_host => Some((host.to_owned(), port)),
        _ => {
            reader.bad_value(field, node, "is no port and no `host:port`");
            None
        }
    }
}

/// A command: a list of words, or a text as for a shell.
pub(in crate::files) fn words(reader: &mut Reader, field: &str, node: &Node) -> Option<Vec<String>> {
    if let Kind::List(_) = node.kind {
        let words = reader.texts(field, node);
        if words.is_empty() {
            reader.bad_value(field, node, "names no program");
            return None;
        }
        return Some(words);
    }
    let text = reader.text(field, node)?;
    match shell::command(&text) {
        Ok(words) => Some(words),
        Err(why) => {
            reader.bad_value(field, node, why);
            None
        }
    }
}

fn stop(reader: &mut Reader, node: &Node) -> Stop {
    let mut stop = Stop::default();
    for (key, value) in reader.map("stop", node).unwrap_or_default() {
        match key.text.as_str() {
            "signal" => stop.signal = signal(reader, value),
            "grace" => stop.grace = reader.duration("grace", value),
            _ => reader.unknown_field(node, key, &["signal", "grace"]),
        }
    }
    stop
}

fn signal(reader: &mut Reader, node: &Node) -> Option<StopSignal> {
    let typed = node.literal().unwrap_or_default();
    let short = |signal: &StopSignal| signal.as_str().trim_start_matches("SIG").eq_ignore_ascii_case(typed);
    if let Some(signal) = StopSignal::ALL.into_iter().find(short) {
        return Some(signal);
    }
    reader.word("signal", node, &StopSignal::ALL.map(|signal| (signal.as_str(), signal)))
}

const LIMIT_FIELDS: [&str; 12] = [
    "memory",
    "cpu",
    "processes",
    "files",
    "queue_frames",
    "queue",
    "messages_per_s",
    "calls_per_s",
    "births_per_s",
    "core",
    "cpu_seconds",
    "deadline",
];

/// Reads bounds, which modules and pools share.
pub(in crate::files) fn limits(reader: &mut Reader, node: &Node) -> Limits {
    let mut limits = Limits::default();
    for (key, value) in reader.map("limits", node).unwrap_or_default() {
        let name = key.text.as_str();
        match name {
            "memory" => limits.memory_bytes = size(reader, name, value),
            "queue" => limits.queue_bytes = size(reader, name, value),
            "core" => limits.core_bytes = reader.size_bytes(name, value),
            "cpu" => limits.cpu_permille = reader.cpu_permille(name, value),
            "files" => limits.files = reader.whole(name, value, 1..=LIMIT_MAX),
            "processes" => limits.processes = reader.whole(name, value, 1..=LIMIT_MAX),
            "queue_frames" => limits.queue_frames = reader.whole(name, value, 1..=LIMIT_MAX),
            "messages_per_s" => limits.messages_per_s = reader.whole(name, value, 1..=LIMIT_MAX),
            "calls_per_s" => limits.calls_per_s = reader.whole(name, value, 1..=LIMIT_MAX),
            "births_per_s" => limits.births_per_s = reader.whole(name, value, 1..=LIMIT_MAX),
            "cpu_seconds" => limits.cpu_seconds = reader.whole(name, value, 1..=LIMIT_MAX),
            "deadline" => limits.deadline = deadline(reader, name, value),
            _ => reader.unknown_field(node, key, &LIMIT_FIELDS),
        }
    }
    limits
}

/// A bound of nothing would be a module that can't live.
fn deadline(reader: &mut Reader, field: &str, node: &Node) -> Option<Duration> {
    let deadline = reader.duration(field, node)?;
    if deadline.is_zero() {
        reader.bad_value(field, node, "is no time at all; leave it out, or write one such as `2s`");
        return None;
    }
    Some(deadline)
}

fn size(reader: &mut Reader, field: &str, node: &Node) -> Option<u64> {
    let bytes = reader.size_bytes(field, node)?;
    if bytes == 0 {
        reader.bad_value(
            field,
            node,
            "is a bound of nothing; leave it out for none, or write one such as `64M`",
        );
        return None;
    }
    Some(bytes)
}
