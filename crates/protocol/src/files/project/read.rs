//! From the located tree of an `ostoja.yaml` to a [`Project`].

use std::collections::BTreeMap;

use abi::ModuleId;
use serde_json::Value;

use super::{Project, ProjectModule, Source, needs};
use crate::files::config::{Layer, settings};
use crate::files::fault::{Area, Fault, FileErrors};
use crate::files::manifest::Features;
use crate::files::node::{self, Key, Kind, Node};
use crate::files::policy::Policy;
use crate::files::policy::read::{POLICY_FIELDS, policy_field, words};
use crate::files::reader::{Reader, why_no_id};

const PROJECT_FIELDS: [&str; 10] = [
    "name",
    "modules",
    "config",
    "lifecycle",
    "security",
    "watchdog",
    "logging",
    "machine",
    "pools",
    "zones",
];

/// As in compose: fields for other tools and for blocks that aliases repeat.
const EXTENSION: &str = "x-";

const MODULE_FIELDS: [&str; 18] = [
    "run",
    "path",
    "cwd",
    "needs",
    "provides",
    "requires",
    "optional_requires",
    "subscribes",
    "publishes",
    "features",
    "env",
    "env_pass",
    "permissions",
    "config",
    "priority",
    "autostart",
    // Spelled as in module.json too, for those who copy from there.
    "optionalRequires",
    "envPass",
];

pub(super) fn project(file: &str, text: &str) -> Result<Project, FileErrors> {
    let root = node::from_yaml(Area::Project, file, text)?;
    let mut reader = Reader::new(Area::Project);
    let project = from_tree(&mut reader, file, &root);
    FileErrors::check(reader.errors, project)
}

fn from_tree(reader: &mut Reader, file: &str, root: &Node) -> Option<Project> {
    let entries = reader.map("ostoja.yaml", root)?;
    let mut project = Project { name: None, modules: Vec::new(), config: Layer::empty(file) };
    let mut found_modules = false;
    for (key, value) in entries {
        match key.text.as_str() {
            "name" => project.name = reader.text("name", value),
            "modules" => {
                found_modules = true;
                project.modules = modules(reader, value);
            }
            "config" => {
                reader.map("config", value);
                project.config.add_sections(value);
            }
            extension if extension.starts_with(EXTENSION) => {}
            section if PROJECT_FIELDS.contains(&section) => project.config.add_section(key, value),
            _ => unknown_field(reader, root, key, &PROJECT_FIELDS),
        }
    }
    if !found_modules {
        reader.complain(root, Fault::MissingField { field: "modules" });
    }
    settings::read(reader, project.config.root());
    Some(project)
}

fn modules(reader: &mut Reader, node: &Node) -> Vec<ProjectModule> {
    let mut modules = Vec::new();
    for (key, value) in reader.map("modules", node).unwrap_or_default() {
        match ModuleId::parse(&key.text) {
            Ok(id) => modules.extend(module(reader, id, value)),
            Err(error) => {
                let found = crate::files::fault::quoted(&key.text);
                let fault = Fault::BadValue { field: "modules".to_owned(), found, why: why_no_id(&error) };
                reader.complain_key(node, key, fault);
            }
        }
    }
    needs::check(reader, node);
    modules
}

fn module(reader: &mut Reader, id: ModuleId, node: &Node) -> Option<ProjectModule> {
    let entries = reader.map(id.as_str(), node)?;
    let source = source(reader, node);
    let mut module = ProjectModule {
        id,
        source: Source::Folder(String::new()),
        cwd: None,
        needs: Vec::new(),
        provides: Vec::new(),
        requires: Vec::new(),
        optional_requires: Vec::new(),
        subscribes: Vec::new(),
        publishes: Vec::new(),
        features: Features::default(),
        env: BTreeMap::new(),
        env_pass: Vec::new(),
        permissions: None,
        config: Value::Null,
        priority: None,
        autostart: true,
        policy: Policy::default(),
    };
    for (key, value) in entries {
        let name = key.text.as_str();
        if MODULE_FIELDS.contains(&name) {
            field(reader, &mut module, name, value);
        } else if POLICY_FIELDS.contains(&name) {
            policy_field(reader, &mut module.policy, name, value);
        } else if !name.starts_with(EXTENSION) {
            let known: Vec<&str> = MODULE_FIELDS.into_iter().chain(POLICY_FIELDS).collect();
            unknown_field(reader, node, key, &known);
        }
    }
    Some(ProjectModule { source: source?, ..module })
}

/// What others call our fields: compose, systemd, Procfile tools.
const FOREIGN_FIELDS: [(&str, &str); 14] = [
    ("services", "modules"),
    ("processes", "modules"),
    ("command", "run"),
    ("cmd", "run"),
    ("exec", "run"),
    ("execstart", "run"),
    ("depends_on", "needs"),
    ("dependson", "needs"),
    ("after", "needs"),
    ("working_dir", "cwd"),
    ("workdir", "cwd"),
    ("healthcheck", "ready"),
    ("readiness_probe", "ready"),
    ("deploy", "limits"),
];

fn unknown_field(reader: &mut Reader, map: &Node, key: &Key, known: &[&str]) {
    let typed = key.text.to_lowercase();
    let ours = FOREIGN_FIELDS.into_iter().find(|(foreign, ours)| *foreign == typed && known.contains(ours));
    match ours {
        Some((_, ours)) => {
            let fault = Fault::UnknownField { field: key.text.clone(), nearest: Some(ours.to_owned()) };
            reader.complain_key(map, key, fault);
        }
        None => reader.unknown_field(map, key, known),
    }
}

fn source(reader: &mut Reader, node: &Node) -> Option<Source> {
    let run = node.entry("run");
    match node.entries().iter().find(|(key, _)| key.text == "path") {
        Some((key, _)) if run.is_some() => {
            let fault = Fault::Conflict { field: "path".to_owned(), other: "run".to_owned() };
            reader.complain_key(node, key, fault);
            None
        }
        Some((_, path)) => reader.text("path", path).map(Source::Folder),
        None => match run {
            Some(run) => words(reader, "run", run).map(Source::Run),
            None => {
                reader.complain(node, Fault::MissingField { field: "run" });
                None
            }
        },
    }
}

fn field(reader: &mut Reader, module: &mut ProjectModule, field: &str, node: &Node) {
    match field {
        "cwd" => module.cwd = reader.text(field, node),
        "needs" => {
            let items = reader.list(field, node).unwrap_or_default();
            module.needs = items.iter().filter_map(|item| reader.module_id(field, item)).collect();
        }
        "provides" => module.provides = reader.names(field, node),
        "requires" => module.requires = reader.names(field, node),
        "optional_requires" | "optionalRequires" => module.optional_requires = reader.names(field, node),
        "subscribes" => module.subscribes = reader.names(field, node),
        "publishes" => module.publishes = reader.names(field, node),
        "features" => module.features = features(reader, node),
        "env" => module.env = env(reader, node),
        "env_pass" | "envPass" => module.env_pass = env_pass(reader, node),
        "permissions" => module.permissions = reader.permissions(field, node),
        "config" => module.config = reader.map(field, node).map_or(Value::Null, |_| node.to_value()),
        "priority" => module.priority = reader.integer(field, node),
        "autostart" => module.autostart = reader.flag(field, node).unwrap_or(true),
        // `run` and `path` are read together, before.
        _ => {}
    }
}

type Switch = fn(&mut Features);

/// Each word of `features` and what it switches on.
const FEATURES: [(&str, Switch); 6] = [
    ("cancel", |features| features.cancel = true),
    ("progress", |features| features.progress = true),
    ("stream", |features| features.stream = true),
    ("state", |features| features.state = true),
    ("deadline", |features| features.deadline = true),
    ("trace", |features| features.trace = true),
];

fn features(reader: &mut Reader, node: &Node) -> Features {
    let mut features = Features::default();
    for item in reader.list("features", node).unwrap_or_default() {
        if let Some(switch) = reader.word("features", item, &FEATURES) {
            switch(&mut features);
        }
    }
    features
}

fn env(reader: &mut Reader, node: &Node) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for (key, value) in reader.map("env", node).unwrap_or_default() {
        if !is_variable(&key.text) {
            let found = crate::files::fault::quoted(&key.text);
            let why = "is no name of a variable".to_owned();
            reader.complain_key(node, key, Fault::BadValue { field: "env".to_owned(), found, why });
            continue;
        }
        // As typed: `1.10` and `0755` reach the program unchanged. The value may be a secret, so no error repeats it.
        match value.literal() {
            Some(text) if !text.contains('\0') => {
                env.insert(key.text.clone(), text.to_owned());
            }
            Some(_) => {
                let fault = Fault::BadValue {
                    field: key.text.clone(),
                    found: "a text".to_owned(),
                    why: "holds a zero byte".to_owned(),
                };
                reader.complain(value, fault);
            }
            None => reader.wrong_kind(&key.text, value, "a text, a number or a truth value"),
        }
    }
    env
}

fn env_pass(reader: &mut Reader, node: &Node) -> Vec<String> {
    let Kind::List(items) = &node.kind else {
        return reader.texts("env_pass", node);
    };
    for item in items {
        if item.literal().is_some_and(|name| !is_variable(name)) {
            reader.bad_value("env_pass", item, "is no name of a variable");
        }
    }
    reader.texts("env_pass", node)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}
