//! From the located tree of a `module.json` to a [`Manifest`].

use abi::{ModuleId, Permissions};

use super::{DoorVersion, Features, Manifest, Runtime, informative};
use crate::files::capabilities;
use crate::files::fault::{Area, Fault, FileErrors};
use crate::files::node::{self, Kind, Node};
use crate::files::policy::read::policy_field;
use crate::files::reader::Reader;

/// 100: the spawn order of a module that says nothing.
pub(super) const PRIORITY_DEFAULT: i64 = 100;

const ENTRY_DEFAULT: &str = "runner.ts";

const RUNTIMES: [(&str, Runtime); 9] = [
    ("deno", Runtime::Deno),
    ("node", Runtime::Node),
    ("bun", Runtime::Bun),
    ("go", Runtime::Go),
    ("rust", Runtime::Rust),
    ("python", Runtime::Python),
    ("php", Runtime::Php),
    ("binary", Runtime::Binary),
    ("wasm", Runtime::Wasm),
];

pub(super) fn manifest(file: &str, text: &str) -> Result<Manifest, FileErrors> {
    let root = node::from_json(Area::Manifest, file, text)?;
    let mut reader = Reader::new(Area::Manifest);
    let manifest = from_tree(&mut reader, &root);
    FileErrors::check(reader.errors, manifest)
}

fn from_tree(reader: &mut Reader, root: &Node) -> Option<Manifest> {
    if !matches!(root.kind, Kind::Map(_)) {
        reader.wrong_kind("module.json", root, "a map");
        return None;
    }
    let id = required(reader, root, "id").and_then(|node| reader.module_id("id", node));
    let name = required(reader, root, "name").and_then(|node| reader.text("name", node));
    let permissions =
        required(reader, root, "permissions").and_then(|node| reader.permissions("permissions", node));
    let mut rest = blank();
    for (key, value) in root.entries() {
        // Many generators write every field and leave what is not used empty.
        if value.kind != Kind::Null {
            field(reader, &mut rest, &key.text, value);
        }
    }
    rest.warnings = informative::read(&mut rest, root);
    Some(Manifest { id: id?, name: name?, permissions: permissions?, ..rest })
}

fn required<'n>(reader: &mut Reader, root: &'n Node, field: &'static str) -> Option<&'n Node> {
    let found = root.entry(field);
    if found.is_none() {
        reader.complain(root, Fault::MissingField { field });
    }
    found
}

/// A manifest that says nothing; what is required is put in last.
fn blank() -> Manifest {
    Manifest {
        id: ModuleId::parse("unnamed").expect("the word is a slug"),
        name: String::new(),
        permissions: Permissions::default(),
        entry: ENTRY_DEFAULT.to_owned(),
        runtime: Runtime::default(),
        min_protocol_version: DoorVersion::OURS,
        version: None,
        description: None,
        priority: PRIORITY_DEFAULT,
        provides: Vec::new(),
        requires: Vec::new(),
        optional_requires: Vec::new(),
        dependencies: Vec::new(),
        optional_dependencies: Vec::new(),
        subscribes: Vec::new(),
        publishes: Vec::new(),
        config_key: None,
        config_schema: None,
        config_dependencies: Vec::new(),
        capabilities: None,
        commands: Vec::new(),
        hooks: Vec::new(),
        cli_entrypoint: None,
        features: Features::default(),
        policy: super::Policy::default(),
        warnings: Vec::new(),
    }
}

/// The fields that decide something. Those that are not known are somebody else's.
fn field(reader: &mut Reader, manifest: &mut Manifest, field: &str, node: &Node) {
    match field {
        "entry" | "entrypoint" => {
            if let Some(entry) = reader.text(field, node) {
                manifest.entry = entry;
            }
        }
        "runtime" => manifest.runtime = reader.word(field, node, &RUNTIMES).unwrap_or_default(),
        "minProtocolVersion" => {
            manifest.min_protocol_version = door_version(reader, node).unwrap_or(DoorVersion::OURS);
        }
        "version" => manifest.version = version(reader, node),
        "priority" => manifest.priority = reader.integer(field, node).unwrap_or(PRIORITY_DEFAULT),
        "provides" => manifest.provides = reader.names(field, node),
        "requires" => manifest.requires = reader.names(field, node),
        "optionalRequires" => manifest.optional_requires = reader.names(field, node),
        "dependencies" => manifest.dependencies = reader.names(field, node),
        "optionalDependencies" => manifest.optional_dependencies = reader.names(field, node),
        "subscribes" => manifest.subscribes = reader.names(field, node),
        "publishes" => manifest.publishes = reader.names(field, node),
        "configKey" => manifest.config_key = config_key(reader, node),
        "configSchema" => manifest.config_schema = reader.text(field, node),
        "configDependencies" => manifest.config_dependencies = reader.texts(field, node),
        "capabilities" => manifest.capabilities = capabilities::read(reader, node),
        "features" => manifest.features = features(&reader.texts(field, node)),
        _ => policy_field(reader, &mut manifest.policy, field, node),
    }
}

/// Some write `1.2` without quotes.
fn version(reader: &mut Reader, node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Number(_, literal) => Some(literal.clone()),
        _ => reader.text("version", node),
    }
}

fn config_key(reader: &mut Reader, node: &Node) -> Option<String> {
    let key = reader.text("configKey", node)?;
    if key.contains('.') {
        reader.bad_value("configKey", node, "holds a `.`; a section stands at the top of the configuration");
        return None;
    }
    if crate::decode::refused_segment(&key).is_some() {
        reader.bad_value("configKey", node, "is a word that no section may have");
        return None;
    }
    Some(key)
}

fn door_version(reader: &mut Reader, node: &Node) -> Option<DoorVersion> {
    let literal = node.literal().unwrap_or_default();
    let parse = |text: &str| text.parse::<u32>().ok();
    let version = literal
        .split_once('.')
        .and_then(|(major, minor)| Some(DoorVersion { major: parse(major)?, minor: parse(minor)? }));
    let Some(version) = version else {
        reader.wrong_kind("minProtocolVersion", node, "a version such as `1.0`");
        return None;
    };
    let ours = DoorVersion::OURS;
    if version.major != ours.major || version.minor > ours.minor {
        let why = format!("is not compatible with this kernel's {}.{}", ours.major, ours.minor);
        reader.bad_value("minProtocolVersion", node, why);
        return None;
    }
    Some(version)
}

fn features(words: &[String]) -> Features {
    let has = |word: &str| words.iter().any(|found| found == word);
    Features {
        cancel: has("cancel"),
        progress: has("progress"),
        stream: has("stream") || has("chunk"),
        state: has("state"),
        deadline: has("deadline") || has("deadline_ms"),
        trace: has("trace") || has("traceparent"),
    }
}
