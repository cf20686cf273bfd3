//! pm2's ecosystem: `apps` as JSON, which is also what node makes of its JavaScript form.

use protocol::files::node::{self, Kind, Node};
use protocol::files::policy::{Restart, StopSignal};
use protocol::files::{Area, Fault, FileErrors};

use crate::draft::{Draft, Module, Program, tell_environment};
use crate::fields::{Complaints, Fields, shown};
use crate::words::{self, Escapes};
use crate::{spans, supervisord};

pub(crate) fn read(file: &str, text: &str) -> Result<Draft, FileErrors> {
    // pm2 takes YAML too, which JSON is told from by its first character.
    let root = match text.trim_start().starts_with(['{', '[']) {
        true => node::from_json(Area::Import, file, text)?,
        false => node::from_yaml(Area::Import, file, text)?,
    };
    let mut complaints = Complaints::default();
    let mut draft = Draft::new(file);
    tell_environment(&mut draft);
    let apps: Vec<&Node> = match (&root.kind, root.entry("apps").map(|apps| (&apps.kind, apps))) {
        (Kind::List(items), _) => items.iter().collect(),
        (_, Some((Kind::List(items), _))) => items.iter().collect(),
        (_, Some((Kind::Map(_), app))) => vec![app],
        (Kind::Map(_), None) if root.entry("script").is_some() => vec![&root],
        _ => {
            complaints.note(&root, Fault::MissingField { field: "apps" });
            Vec::new()
        }
    };
    for (number, node) in apps.into_iter().enumerate() {
        if complaints.is_map("an app", node) {
            app(&mut complaints, number, node, &mut draft);
        }
    }
    if root.entry("deploy").is_some() {
        draft.remarks.lost("deploy", "nothing is copied to other machines");
    }
    FileErrors::check(complaints.errors, Some(draft))
}

fn app(complaints: &mut Complaints, number: usize, node: &Node, draft: &mut Draft) {
    let mut fields = Fields::new(node);
    let Some(script) = fields.take("script").and_then(|script| complaints.text("script", script)) else {
        if node.entry("script").is_none() {
            complaints.note(node, Fault::MissingField { field: "script" });
        }
        return;
    };
    let name =
        fields.take("name").and_then(Node::literal).map_or_else(|| stem(&script, number), str::to_owned);
    let mut module = Module::new(&name, Program::Words(Vec::new()));
    let Some(words) = command(complaints, &mut fields, &script) else { return };
    module.program = words::program(words);
    // pm2 looks for the script below `cwd`, and so does a module.
    module.cwd = fields
        .take("cwd")
        .and_then(|cwd| complaints.text("cwd", cwd))
        .filter(|cwd| cwd != "." && cwd != "./");
    if let Some(env) = fields.take("env").filter(|env| complaints.is_map("env", env)) {
        for (key, value) in env.entries() {
            match value.literal() {
                Some(text) => module.set_env(&key.text, text),
                None if value.kind == Kind::Null => {}
                None => complaints.wrong_kind(&key.text, value, "a text"),
            }
        }
    }
    life(&mut fields, &mut module);
    for (key, node) in fields.rest() {
        lost(&mut module, key, node);
    }
    draft.push(module);
}

/// The script's name without folders and ending, as pm2 calls it.
fn stem(script: &str, number: usize) -> String {
    let last = script.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    if stem.is_empty() { format!("app-{number}") } else { stem.to_owned() }
}

/// The interpreter with its options, the script, its arguments.
fn command(complaints: &mut Complaints, fields: &mut Fields<'_>, script: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let named = fields.take("exec_interpreter").or(fields.take("interpreter")).and_then(Node::literal);
    match named.or_else(|| interpreter_of(script)) {
        None | Some("none" | "") => {}
        Some(interpreter) => words.push(interpreter.to_owned()),
    }
    for key in ["node_args", "interpreter_args"] {
        if let Some(node) = fields.take(key) {
            words.extend(arguments(complaints, key, node)?);
        }
    }
    // `script: npm start` is two words, and a path with a blank is not told from it by pm2 either.
    let is_path = script.contains('/') || script.contains('.');
    match is_path {
        true => words.push(script.to_owned()),
        false => words.extend(script.split_whitespace().map(str::to_owned)),
    }
    if let Some(node) = fields.take("args") {
        words.extend(arguments(complaints, "args", node)?);
    }
    Some(words)
}

fn arguments(complaints: &mut Complaints, field: &str, node: &Node) -> Option<Vec<String>> {
    if let Kind::List(_) = node.kind {
        return Some(complaints.texts(field, node));
    }
    let text = complaints.text(field, node)?;
    match words::split(&text, Escapes::Shell) {
        Ok(words) => Some(words),
        Err((why, _)) => {
            complaints.bad_value(field, node, format!("is no list of arguments: {why}"));
            None
        }
    }
}

/// What pm2 runs a script with, by its ending.
fn interpreter_of(script: &str) -> Option<&'static str> {
    let (folder, name) =
        script.rsplit_once('/').map_or((None, script), |(folder, name)| (Some(folder), name));
    // A file without an ending is JavaScript to pm2, a name without a folder a program.
    let Some((_, ending)) = name.rsplit_once('.') else { return folder.map(|_| "node") };
    Some(match ending {
        "js" | "mjs" | "cjs" => "node",
        "ts" | "tsx" => "bun",
        "py" => "python3",
        "sh" => "bash",
        "rb" => "ruby",
        "php" => "php",
        "pl" => "perl",
        _ => return None,
    })
}

fn life(fields: &mut Fields<'_>, module: &mut Module) {
    let policy = &mut module.policy;
    // pm2 asks with SIGINT where others ask with SIGTERM.
    let signal = fields.take("kill_signal").and_then(Node::literal).and_then(supervisord::signal);
    policy.stop.signal = Some(signal.unwrap_or(StopSignal::Int));
    policy.stop.grace = fields.take("kill_timeout").and_then(Node::literal).and_then(spans::milliseconds);
    if fields.take("autorestart").and_then(Node::literal) == Some("false") {
        policy.restart = Some(Restart::Never);
    }
    let number =
        fields.take("max_restarts").and_then(Node::literal).and_then(|number| number.parse::<u32>().ok());
    policy.max_restarts = number.filter(|number| *number <= 1_000_000);
    if let Some(text) =
        fields.take("exec_mode").and_then(Node::literal).filter(|mode| mode.starts_with("cluster"))
    {
        module.remarks.lost(
            format_args!("exec_mode: {text}"),
            "one process listens on one port; the program runs as it is",
        );
    }
    let instances = fields.take("instances").and_then(Node::literal);
    if let Some(number) = instances.filter(|number| *number != "1") {
        let why = "each copy is an entry of its own here, with a name and a port of its own";
        module.remarks.lost(format_args!("instances: {number}"), why);
    }
    if fields.take("watch").is_some_and(|watch| watch.literal() != Some("false")) {
        module.remarks.lost("watch", "`ostoja restart NAME` takes new files over");
        fields.take("ignore_watch");
        fields.take("watch_delay");
    }
}

fn lost(module: &mut Module, key: &str, node: &Node) {
    let why = match key {
        "min_uptime" => "restarts are counted anew once a module was ready for a minute",
        "restart_delay" | "exp_backoff_restart_delay" => {
            "the pause before a restart doubles from 1 s to 60 s by itself"
        }
        "max_memory_restart" => "`limits: { memory: … }` bounds it, and a program that asks for more fails",
        "wait_ready" | "listen_timeout" => "`ready` can look at a port, a page, a command or a log line",
        "cron_restart" | "cron" => "nothing is started by the clock",
        "shutdown_with_message" | "treekill" => "a module and what it started are stopped by one signal",
        "env_file" => "put its values under `env`",
        "stop_exit_codes" => "only 0 counts as an expected end, with `restart: on-failure`",
        "namespace" => "modules have no groups; name several behind a verb",
        "uid" | "gid" | "user" => "everything runs as who runs Ostoja",
        key if key.starts_with("env_") => {
            "that environment is chosen by `pm2 start --env`; put its values under `env`"
        }
        key if key.contains("log")
            || ["error_file", "out_file", "error", "output", "time"].contains(&key) =>
        {
            module.remarks.add("Its log settings are not carried over: `ostoja logs` keeps what it says.");
            return;
        }
        _ => "it has no counterpart",
    };
    // Values of environments are nobody's remark.
    let what = if key.starts_with("env") { key.to_owned() } else { shown(key, node) };
    module.remarks.lost(what, why);
}
