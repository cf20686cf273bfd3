//! A process-compose file.

use std::collections::BTreeMap;

use protocol::files::node::{self, Kind, Node};
use protocol::files::policy::{OnGiveUp, Probe, Ready, Restart};
use protocol::files::{Area, Fault, FileErrors};

use crate::draft::{Draft, Module, Program, tell_environment};
use crate::fields::{Complaints, Fields, shown};
use crate::supervisord::signal;
use crate::{spans, words};

mod probes;

pub(crate) fn read(file: &str, text: &str) -> Result<Draft, FileErrors> {
    let root = node::from_yaml(Area::Import, file, text)?;
    let mut complaints = Complaints::default();
    let mut draft = Draft::new(file);
    tell_environment(&mut draft);
    if complaints.is_map("the file", &root) {
        top(&mut complaints, &root, &mut draft);
    }
    FileErrors::check(complaints.errors, Some(draft))
}

/// What the file gives to every process.
struct Shared {
    environment: Vec<(String, String)>,
    variables: BTreeMap<String, String>,
}

fn top(complaints: &mut Complaints, root: &Node, draft: &mut Draft) {
    let mut fields = Fields::new(root);
    for key in ["version", "log_level", "log_location", "log_length", "is_strict"] {
        fields.take(key);
    }
    let mut shared = Shared { environment: Vec::new(), variables: BTreeMap::new() };
    if let Some(node) = fields.take("environment") {
        shared.environment = environment(complaints, node);
    }
    if let Some(node) = fields.take("vars") {
        let values = node
            .entries()
            .iter()
            .filter_map(|(key, value)| Some((key.text.clone(), value.literal()?.to_owned())));
        shared.variables = values.collect();
    }
    match fields.take("processes") {
        Some(processes) if complaints.is_map("processes", processes) => {
            let mut awaited = Vec::new();
            for (key, node) in processes.entries() {
                if complaints.is_map(&key.text, node) {
                    process(complaints, &key.text, node, &shared, draft, &mut awaited);
                }
            }
            for module in draft.modules_mut().filter(|module| awaited.contains(&module.id)) {
                module.policy.ready = Some(Ready { probe: Probe::Completed, timeout: None, interval: None });
            }
        }
        Some(_) => {}
        None => complaints.note(root, Fault::MissingField { field: "processes" }),
    }
    for (key, node) in fields.rest().filter(|(key, _)| !key.starts_with("x-")) {
        draft.remarks.lost(shown(key, node), "it has no counterpart");
    }
}

fn process(
    complaints: &mut Complaints,
    name: &str,
    node: &Node,
    shared: &Shared,
    draft: &mut Draft,
    awaited: &mut Vec<String>,
) {
    let mut fields = Fields::new(node);
    let mut module = Module::new(name, Program::Words(Vec::new()));
    let (command, entrypoint) = (fields.take("command"), fields.take("entrypoint"));
    module.program = match (command, entrypoint) {
        (Some(node), _) => {
            let Some(text) = complaints.text("command", node) else { return };
            let text = templated(&text, shared, &mut module);
            words::variables(&text.replace("$$", "$")).iter().for_each(|name| module.pass_env(name));
            Program::Text(text.replace("$$", "$"))
        }
        (None, Some(node)) => words::program(complaints.texts("entrypoint", node)),
        (None, None) => {
            draft.leave_out(name, "it names no command");
            return;
        }
    };
    shared.environment.iter().for_each(|(name, value)| module.set_env(name, value.clone()));
    if let Some(node) = fields.take("environment") {
        for (name, value) in environment(complaints, node) {
            let value = templated(&value, shared, &mut module);
            module.set_env(&name, value);
        }
    }
    module.cwd = fields
        .take("working_dir")
        .and_then(|node| complaints.text("working_dir", node))
        .filter(|cwd| cwd != ".");
    if fields.take("disabled").and_then(Node::literal) == Some("true") {
        module.autostart = false;
    }
    if let Some(text) = fields.take("description").and_then(Node::literal) {
        module.remarks.add(text);
    }
    needs(complaints, fields.take("depends_on"), &mut module, awaited);
    availability(complaints, fields.take("availability"), &mut module);
    if let Some(node) = fields.take("readiness_probe") {
        probes::readiness(complaints, node, &mut module);
    }
    if let Some(text) = fields.take("ready_log_line").and_then(Node::literal).filter(|text| !text.is_empty())
    {
        module.policy.ready =
            Some(Ready { probe: Probe::Log(text.to_owned()), timeout: None, interval: None });
    }
    if let Some(node) = fields.take("shutdown") {
        shutdown(complaints, node, &mut module);
    }
    for (key, node) in fields.rest().filter(|(key, _)| !key.starts_with("x-")) {
        lost(&mut module, key, node);
    }
    draft.push(module);
}

fn environment(complaints: &mut Complaints, node: &Node) -> Vec<(String, String)> {
    match &node.kind {
        Kind::Map(entries) => {
            let values = entries
                .iter()
                .filter_map(|(key, value)| Some((key.text.clone(), value.literal()?.to_owned())));
            values.collect()
        }
        _ => {
            let texts = complaints.texts("environment", node);
            texts
                .iter()
                .filter_map(|text| text.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        }
    }
}

/// `{{ .NAME }}` with the file's own `vars` filled in.
fn templated(text: &str, shared: &Shared, module: &mut Module) -> String {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let Some((inner, behind)) = after.split_once("}}") else {
            filled.push_str("{{");
            rest = after;
            continue;
        };
        match inner.trim().strip_prefix('.').and_then(|name| shared.variables.get(name.trim())) {
            Some(value) => filled.push_str(value),
            None => {
                filled.push_str(&format!("{{{{{inner}}}}}"));
                module
                    .remarks
                    .add(format!("`{{{{{inner}}}}}` is a template that only process-compose fills in."));
            }
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

fn needs(complaints: &mut Complaints, node: Option<&Node>, module: &mut Module, awaited: &mut Vec<String>) {
    let Some(node) = node.filter(|node| complaints.is_map("depends_on", node)) else { return };
    for (key, how) in node.entries() {
        module.needs.push(key.text.clone());
        let condition = how.entry("condition");
        match condition.and_then(Node::literal) {
            Some("process_completed_successfully") => awaited.push(key.text.clone()),
            Some("process_completed") => {
                awaited.push(key.text.clone());
                let why = "it waits until that one has left with 0";
                module
                    .remarks
                    .lost(format_args!("{}: process_completed, whatever the exit code", key.text), why);
            }
            None | Some("process_healthy" | "process_started" | "process_log_ready") => {}
            Some(_) => complaints.bad_value(
                "condition",
                condition.unwrap_or(how),
                "is no condition of process-compose",
            ),
        }
    }
}

/// process-compose restarts nothing by itself; Ostoja would.
fn availability(complaints: &mut Complaints, node: Option<&Node>, module: &mut Module) {
    module.policy.restart = Some(Restart::Never);
    let Some(node) = node.filter(|node| complaints.is_map("availability", node)) else { return };
    let mut fields = Fields::new(node);
    if let Some(node) = fields.take("restart") {
        module.policy.restart = Some(match node.literal() {
            Some("always") => Restart::Always,
            Some("on_failure") => Restart::OnFailure,
            Some("exit_on_failure") => {
                module.policy.max_restarts = Some(0);
                module.policy.on_give_up = Some(OnGiveUp::Shutdown);
                Restart::OnFailure
            }
            Some("no" | "false") => Restart::Never,
            _ => {
                complaints.bad_value("restart", node, "is none of no, always, on_failure, exit_on_failure");
                Restart::Never
            }
        });
    }
    let number =
        fields.take("max_restarts").and_then(Node::literal).and_then(|number| number.parse::<u32>().ok());
    // 0 means as often as it takes.
    if let Some(number) = number.filter(|number| (1..=1_000_000).contains(number)) {
        module.policy.max_restarts = Some(number);
    }
    for (key, node) in fields.rest() {
        let why = match key {
            "backoff_seconds" => "the pause before a restart doubles from 1 s to 60 s by itself",
            _ => "it has no counterpart",
        };
        module.remarks.lost(format_args!("availability: {}", shown(key, node)), why);
    }
}

fn shutdown(complaints: &mut Complaints, node: &Node, module: &mut Module) {
    if !complaints.is_map("shutdown", node) {
        return;
    }
    let mut fields = Fields::new(node);
    if let Some(text) = fields.take("signal").and_then(Node::literal) {
        module.policy.stop.signal = signal(text);
        if module.policy.stop.signal.is_none() {
            module
                .remarks
                .lost(format_args!("shutdown: signal: {text}"), "no module is stopped by that signal");
        }
    }
    module.policy.stop.grace =
        fields.take("timeout_seconds").and_then(Node::literal).and_then(spans::seconds);
    for (key, node) in fields.rest() {
        let why = "a module and what it started are stopped by one signal";
        module.remarks.lost(format_args!("shutdown: {}", shown(key, node)), why);
    }
}

fn lost(module: &mut Module, key: &str, node: &Node) {
    let why = match key {
        "namespace" => "modules have no groups; name several behind a verb",
        "log_location" | "log_configuration" | "disable_ansi_colors" => "`ostoja logs` keeps what it says",
        "liveness_probe" => "a plain command is not asked whether it still works",
        "is_daemon" => "Ostoja watches the process that it starts; keep the program in the foreground",
        "is_tty" | "is_foreground" | "is_interactive" => "programs have no terminal here",
        "replicas" => "each copy is an entry of its own here, with a name and a port of its own",
        "schedule" => "nothing is started by the clock",
        _ => "it has no counterpart",
    };
    module.remarks.lost(shown(key, node), why);
}
