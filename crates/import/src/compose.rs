//! A compose file: services that are commands become modules; what only a container could be is left out, with what
//! would have to be written instead.

use std::collections::BTreeSet;

use protocol::files::node::{self, Kind, Node};
use protocol::files::policy::{Probe, Ready, Restart};
use protocol::files::{Area, FileErrors};

use crate::draft::{Draft, Module, Program};
use crate::fields::{Complaints, Fields, shown};
use crate::spans;
use crate::supervisord::signal;

mod command;
mod environment;
mod health;
mod reasons;

pub(crate) fn read(file: &str, text: &str) -> Result<Draft, FileErrors> {
    let root = node::from_yaml(Area::Import, file, text)?;
    let mut complaints = Complaints::default();
    let mut draft = Draft::new(file);
    draft.remarks.add(
        "Programs run on this machine as it is: there are no images, and no service has a host of its own.",
    );
    if complaints.is_map("the file", &root) {
        top(&mut complaints, &root, &mut draft);
    }
    FileErrors::check(complaints.errors, Some(draft))
}

fn top(complaints: &mut Complaints, root: &Node, draft: &mut Draft) {
    let mut fields = Fields::new(root);
    draft.name = fields
        .take("name")
        .and_then(Node::literal)
        .filter(|name| !name.is_empty() && name.len() < 200)
        .map(str::to_owned);
    fields.take("version");
    match fields.take("services") {
        Some(services) if complaints.is_map("services", services) => {
            let names: BTreeSet<&str> = services.entries().iter().map(|(key, _)| key.text.as_str()).collect();
            let mut awaited = Vec::new();
            for (key, node) in services.entries() {
                if complaints.is_map(&key.text, node) {
                    service(complaints, &key.text, node, &names, draft, &mut awaited);
                }
            }
            for module in draft.modules_mut().filter(|module| awaited.contains(&module.id)) {
                let timeout = module.policy.ready.take().and_then(|ready| ready.timeout);
                module.policy.ready = Some(Ready { probe: Probe::Completed, timeout, interval: None });
            }
        }
        Some(_) => {}
        None => complaints.note(root, protocol::files::Fault::MissingField { field: "services" }),
    }
    for (key, node) in fields.rest().filter(|(key, _)| !key.starts_with("x-")) {
        draft.remarks.lost(shown(key, node), reasons::of_file(key));
    }
}

/// One service; those that others wait for until they are done are noted.
fn service(
    complaints: &mut Complaints,
    name: &str,
    node: &Node,
    services: &BTreeSet<&str>,
    draft: &mut Draft,
    awaited: &mut Vec<String>,
) {
    let mut fields = Fields::new(node);
    let mut module = Module::new(name, Program::Words(Vec::new()));
    let (entrypoint, words) = (fields.take("entrypoint"), fields.take("command"));
    let image = fields.take("image").and_then(Node::literal);
    let build = fields.take("build");
    let Some(program) = command::program(complaints, entrypoint, words, &mut module) else {
        draft.leave_out(name, command::why_none(image, build));
        return;
    };
    module.program = program;
    if let Some(image) = image {
        module.remarks.lost(format_args!("image: {image}"), "the command must be found on this machine");
    } else if build.is_some() {
        module.remarks.lost("build", "the command must be found on this machine");
    }
    environment::read(complaints, fields.take("environment"), &mut module);
    folder(complaints, &mut fields, &mut module);
    needs(complaints, fields.take("depends_on"), &mut module, awaited);
    restart(complaints, &mut fields, &mut module);
    if let Some(node) = fields.take("healthcheck") {
        health::read(complaints, node, &mut module);
    }
    stop(&mut fields, &mut module);
    limits(&mut fields, &mut module);
    if fields.take("profiles").is_some() {
        module.autostart = false;
        module.remarks.add("It belongs to a profile, so it is started by `ostoja start` only.");
    }
    // Ostoja reaps what is left behind and starts what is wanted anyway.
    fields.take("init");
    for (key, node) in fields.rest().filter(|(key, _)| !key.starts_with("x-")) {
        module.remarks.lost(shown(key, node), reasons::of_service(key));
    }
    environment::tell_hosts(&mut module, services);
    draft.push(module);
}

/// The working folder, where it is one of this machine or a volume leads there.
fn folder(complaints: &mut Complaints, fields: &mut Fields<'_>, module: &mut Module) {
    let volumes = fields.take("volumes");
    let mounts: Vec<(String, String)> = match volumes.map(|node| &node.kind) {
        Some(Kind::List(items)) => items.iter().filter_map(mount).collect(),
        _ => Vec::new(),
    };
    if let Some(node) = fields.take("working_dir")
        && let Some(folder) = complaints.text("working_dir", node)
    {
        let here = mounts.iter().find_map(|(source, target)| {
            let rest = folder.strip_prefix(target.trim_end_matches('/'))?;
            let rest = rest.strip_prefix('/').or(rest.is_empty().then_some(""))?;
            let source = source.trim_end_matches('/');
            Some(if rest.is_empty() { source.to_owned() } else { format!("{source}/{rest}") })
        });
        match here {
            Some(here) => module.cwd = Some(here).filter(|here| here != "." && here != "./"),
            None if folder.starts_with('/') => {
                let why = "it is a folder of the image; `cwd` names one of this machine";
                module.remarks.lost(format_args!("working_dir: {folder}"), why);
            }
            None => module.cwd = Some(folder),
        }
    }
    if let Some(node) = volumes {
        module
            .remarks
            .lost(shown("volumes", node), "nothing is mounted: the program sees the files of this machine");
    }
}

/// A folder of this machine and where the container would have it.
fn mount(item: &Node) -> Option<(String, String)> {
    let (source, target) = match item.literal() {
        Some(text) => {
            let (source, rest) = text.split_once(':')?;
            (source.to_owned(), rest.split(':').next()?.to_owned())
        }
        None => (item.entry("source")?.literal()?.to_owned(), item.entry("target")?.literal()?.to_owned()),
    };
    let is_folder = source.starts_with(['.', '/']) && !source.contains('$') && !target.is_empty();
    is_folder.then_some((source, target))
}

fn needs(complaints: &mut Complaints, node: Option<&Node>, module: &mut Module, awaited: &mut Vec<String>) {
    let Some(node) = node else { return };
    let Kind::Map(entries) = &node.kind else {
        module.needs = complaints.texts("depends_on", node);
        return;
    };
    for (key, how) in entries {
        module.needs.push(key.text.clone());
        match how.entry("condition").and_then(Node::literal) {
            Some("service_completed_successfully") => awaited.push(key.text.clone()),
            None | Some("service_healthy" | "service_started") => {}
            Some(_) => {
                let found = how.entry("condition").unwrap_or(how);
                complaints.bad_value("condition", found, "is no condition of compose");
            }
        }
        if how.entry("required").and_then(Node::literal) == Some("false") {
            module
                .remarks
                .lost(format_args!("{}: required: false", key.text), "what is needed must be there");
        }
        if how.entry("restart").and_then(Node::literal) == Some("true") {
            let why =
                "a module that restarts is waited for; `strategy: rest_for_one` there restarts this one too";
            module.remarks.lost(format_args!("{}: restart: true", key.text), why);
        }
    }
}

/// Compose restarts nothing by itself; Ostoja would.
fn restart(complaints: &mut Complaints, fields: &mut Fields<'_>, module: &mut Module) {
    let policy = fields.node.entry("deploy").and_then(|deploy| deploy.entry("restart_policy"));
    let condition = policy.and_then(|policy| policy.entry("condition")).and_then(Node::literal);
    let attempts = policy.and_then(|policy| policy.entry("max_attempts")).and_then(Node::literal);
    let node = fields.take("restart");
    let word = match (node.and_then(Node::literal), condition) {
        (Some(word), _) => word,
        (None, Some("none")) => "no",
        (None, Some("on-failure")) => "on-failure",
        (None, Some(_)) => "always",
        (None, None) => "no",
    };
    let (word, number) = word.split_once(':').map_or((word, attempts), |(word, number)| (word, Some(number)));
    module.policy.restart = Some(match word {
        "always" | "unless-stopped" => Restart::Always,
        "on-failure" => Restart::OnFailure,
        "no" | "false" => Restart::Never,
        _ => {
            if let Some(node) = node {
                complaints.bad_value("restart", node, "is none of no, always, on-failure, unless-stopped");
            }
            Restart::Never
        }
    });
    module.policy.max_restarts =
        number.and_then(|number| number.parse().ok()).filter(|number| *number <= 1_000_000);
}

fn stop(fields: &mut Fields<'_>, module: &mut Module) {
    if let Some(name) = fields.take("stop_signal").and_then(Node::literal) {
        module.policy.stop.signal = signal(name);
        if module.policy.stop.signal.is_none() {
            module.remarks.lost(format_args!("stop_signal: {name}"), "no module is stopped by that signal");
        }
    }
    if let Some(text) = fields.take("stop_grace_period").and_then(Node::literal) {
        module.policy.stop.grace = spans::go(text);
        if module.policy.stop.grace.is_none() {
            module.remarks.lost(format_args!("stop_grace_period: {text}"), "it is no time");
        }
    }
}

fn limits(fields: &mut Fields<'_>, module: &mut Module) {
    let deploy = fields.take("deploy");
    let limits = deploy.and_then(|deploy| deploy.entry("resources")).and_then(|all| all.entry("limits"));
    let bound = |key| limits.and_then(|limits| limits.entry(key)).and_then(Node::literal);
    let memory = fields.take("mem_limit").and_then(Node::literal).or(bound("memory"));
    // 0 means no bound.
    module.policy.limits.memory_bytes = memory.and_then(spans::size_bytes).filter(|bytes| *bytes > 0);
    let processes = fields.take("pids_limit").and_then(Node::literal).or(bound("pids"));
    module.policy.limits.processes = processes
        .and_then(|number| number.parse().ok())
        .filter(|number| *number > 0 && *number <= 1_000_000_000);
    let cpus = fields.take("cpus").and_then(Node::literal).or(bound("cpus"));
    module.policy.limits.cpu_permille = cpus.and_then(spans::cpu_permille);
    let replicas = deploy.and_then(|deploy| deploy.entry("replicas")).and_then(Node::literal);
    if let Some(number) = replicas.filter(|number| *number != "1") {
        let why = "each copy is an entry of its own here, with a name and a port of its own";
        module.remarks.lost(format_args!("replicas: {number}"), why);
    }
    let files = fields.node.entry("ulimits").and_then(|limits| limits.entry("nofile"));
    let soft = files.and_then(|files| files.entry("soft").or(Some(files))).and_then(Node::literal);
    if let Some(number) =
        soft.and_then(|number| number.parse().ok()).filter(|number| *number > 0 && *number <= 1_000_000_000)
    {
        fields.take("ulimits");
        module.policy.limits.files = Some(number);
    }
}
