//! A readiness probe: a command or a GET.

use protocol::files::node::Node;
use protocol::files::policy::{Probe, Ready};

use crate::draft::Module;
use crate::fields::{Complaints, Fields, shown};
use crate::spans;

pub(super) fn readiness(complaints: &mut Complaints, node: &Node, module: &mut Module) {
    if !complaints.is_map("readiness_probe", node) {
        return;
    }
    let mut fields = Fields::new(node);
    let exec = fields.take("exec").and_then(|exec| exec.entry("command"));
    let get = fields.take("http_get");
    let interval = fields.take("period_seconds").and_then(Node::literal).and_then(spans::seconds);
    let interval = interval.filter(|interval| !interval.is_zero());
    let probe = match (exec, get) {
        (Some(node), _) => command(complaints, node),
        (None, Some(node)) => http(node, module),
        (None, None) => {
            module.remarks.lost("readiness_probe", "it names neither a command nor a page");
            None
        }
    };
    let Some(probe) = probe else { return };
    module.policy.ready = Some(Ready { probe, timeout: None, interval });
    for (key, node) in fields.rest() {
        let why = "it is looked at until the module is ready, once in each interval";
        module.remarks.lost(format_args!("readiness_probe: {}", shown(key, node)), why);
    }
}

fn command(complaints: &mut Complaints, node: &Node) -> Option<Probe> {
    let text = complaints.text("command", node)?;
    match protocol::files::command(&text.replace("$$", "$")) {
        Ok(words) if words.iter().all(|word| !word.is_empty()) => Some(Probe::Exec(words)),
        Ok(_) => {
            complaints.bad_value("command", node, "has an empty word");
            None
        }
        Err(why) => {
            complaints.bad_value("command", node, why);
            None
        }
    }
}

fn http(node: &Node, module: &mut Module) -> Option<Probe> {
    let text = |key| node.entry(key).and_then(Node::literal);
    if text("scheme").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) {
        module.remarks.lost("readiness_probe: scheme: https", "probes speak plain http only");
        return None;
    }
    let host = text("host").unwrap_or("127.0.0.1").to_owned();
    let path = text("path").unwrap_or("/");
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let port = text("port").map_or(Some(80), |port| port.parse::<u16>().ok()).filter(|port| *port > 0);
    let is_clean = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
    let is_host = is_clean(&host) && !host.contains(['/', '[', ']']);
    let status = text("status_code")
        .and_then(|status| status.parse().ok())
        .filter(|status| (100..=599).contains(status));
    match port {
        Some(port) if is_host && is_clean(&path) => Some(Probe::Http { host, port, path, status }),
        _ => {
            module.remarks.lost("readiness_probe: http_get", "its host, port or path is no plain value");
            None
        }
    }
}
