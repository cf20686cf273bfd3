//! The user's files against their vectors.

use abi::{Explain, Name, PermissionKind, Permissions};
use protocol::files::config::settings::Settings;
use protocol::files::config::{Config, Layer};
use protocol::files::manifest::{Capabilities, Manifest};
use protocol::files::permissions::{Entry, Store};
use protocol::files::policy::Policy;
use protocol::files::policy::Transport;
use protocol::files::project::{Project, ProjectModule, Source};
use protocol::files::{FileError, FileErrors};
use serde_json::{Map, Value, json};

use crate::vectors::{check, text};

#[test]
fn every_module_json_is_read_as_the_vectors_say() {
    check("manifest.jsonl", |vector| match Manifest::parse("module.json", text(vector, "input")) {
        Ok(manifest) => json!({ "manifest": manifest_json(&manifest) }),
        Err(errors) => refused(&errors),
    });
}

#[test]
fn every_project_file_is_read_as_the_vectors_say() {
    check("project.jsonl", |vector| match Project::parse("ostoja.yaml", text(vector, "input")) {
        Ok(project) => json!({
            "name": project.name,
            "modules": project.modules.iter().map(module_json).collect::<Vec<_>>(),
            "config": Config::merge(&[project.config]).values(),
        }),
        Err(errors) => refused(&errors),
    });
}

#[test]
fn every_configuration_is_merged_as_the_vectors_say() {
    check("config.jsonl", |vector| {
        let files = vector["layers"].as_array().expect("a list of layers");
        let part =
            |layer: &Value, part: &str| layer[part].as_str().expect("a layer has file and text").to_owned();
        let layers: Result<Vec<Layer>, FileErrors> =
            files.iter().map(|layer| Layer::parse(&part(layer, "file"), &part(layer, "text"))).collect();
        match layers {
            Ok(layers) => config_json(&Config::merge(&layers)),
            Err(errors) => refused(&errors),
        }
    });
}

#[test]
fn every_permissions_file_is_read_as_the_vectors_say_and_survives_being_written() {
    check("permissions.jsonl", |vector| match Store::parse("permissions.yaml", text(vector, "input")) {
        Ok((store, warnings)) => {
            let written = store.to_yaml();
            let (again, _) = Store::parse("permissions.yaml", &written).expect("what is written can be read");
            assert_eq!(again, store, "{written}");
            assert_eq!(again.to_yaml(), written, "the order is stable");
            store_json(&store, &warnings)
        }
        Err(errors) => refused(&errors),
    });
}

fn refused(errors: &FileErrors) -> Value {
    json!({ "errors": errors.iter().map(error_json).collect::<Vec<_>>() })
}

fn error_json(error: &FileError) -> Value {
    let mut map = Map::new();
    map.insert("text".to_owned(), json!(error.to_string()));
    map.insert("code".to_owned(), json!(error.code()));
    map.extend(error.help().map(|help| ("help".to_owned(), json!(help))));
    map.into()
}

/// Leaves out what says nothing, so that a vector shows what it is about.
fn telling<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let says_something = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    let fields = fields.into_iter().filter(|(_, value)| says_something(value));
    fields.map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
}

fn names(names: &[Name]) -> Value {
    names.iter().map(Name::as_str).collect()
}

fn permissions(permissions: &Permissions) -> Value {
    let kinds = PermissionKind::ALL.into_iter().filter(|kind| !permissions.of(*kind).is_empty());
    kinds.map(|kind| (kind.as_str().to_owned(), json!(permissions.of(kind)))).collect::<Map<_, _>>().into()
}

fn capabilities(capabilities: &Capabilities) -> Value {
    json!({ "services": names(&capabilities.services), "topics": names(&capabilities.topics) })
}

fn policy_json(policy: &Policy) -> Value {
    let limits = policy.limits;
    telling([
        ("protocol", json!(policy.protocol.map(|protocol| protocol.as_str()))),
        ("restart", json!(policy.restart.map(|restart| restart.as_str()))),
        ("strategy", json!(policy.strategy.map(|strategy| strategy.as_str()))),
        ("max_restarts", json!(policy.max_restarts)),
        ("on_give_up", json!(policy.on_give_up.as_ref().map(|action| format!("{action:?}")))),
        ("ready", json!(policy.ready.as_ref().map(|ready| format!("{ready:?}")))),
        ("signal", json!(policy.stop.signal.map(|signal| signal.as_str()))),
        ("grace_ms", json!(policy.stop.grace.map(|grace| grace.as_millis()))),
        ("memory_bytes", json!(limits.memory_bytes)),
        ("files", json!(limits.files)),
        ("processes", json!(limits.processes)),
        ("core_bytes", json!(limits.core_bytes)),
        ("cpu_seconds", json!(limits.cpu_seconds)),
        ("cpu_permille", json!(limits.cpu_permille)),
        ("queue_frames", json!(limits.queue_frames)),
        ("queue_bytes", json!(limits.queue_bytes)),
        ("messages_per_s", json!(limits.messages_per_s)),
        ("calls_per_s", json!(limits.calls_per_s)),
        ("zone", json!(policy.zone.map(|zone| zone.as_str()))),
    ])
}

fn manifest_json(manifest: &Manifest) -> Value {
    let version = manifest.min_protocol_version;
    telling([
        ("id", json!(manifest.id.as_str())),
        ("name", json!(manifest.name)),
        ("permissions", permissions(&manifest.permissions)),
        ("entry", json!(manifest.entry)),
        ("runtime", json!(format!("{:?}", manifest.runtime))),
        ("min_protocol_version", json!(format!("{}.{}", version.major, version.minor))),
        ("version", json!(manifest.version)),
        ("description", json!(manifest.description)),
        ("priority", json!(manifest.priority)),
        ("provides", names(&manifest.provides)),
        ("requires", names(&manifest.requires)),
        ("optional_requires", names(&manifest.optional_requires)),
        ("dependencies", names(&manifest.dependencies)),
        ("optional_dependencies", names(&manifest.optional_dependencies)),
        ("subscribes", names(&manifest.subscribes)),
        ("publishes", names(&manifest.publishes)),
        ("config_key", json!(manifest.config_key)),
        ("config_schema", json!(manifest.config_schema)),
        ("config_dependencies", json!(manifest.config_dependencies)),
        ("capabilities", manifest.capabilities.as_ref().map_or(Value::Null, capabilities)),
        ("commands", manifest.commands.iter().map(|command| json!(format!("{command:?}"))).collect()),
        ("hooks", json!(manifest.hooks)),
        ("cli_entrypoint", json!(manifest.cli_entrypoint)),
        ("features", features(manifest)),
        (
            "transport",
            if manifest.policy.transport == Some(Transport::Shm) { json!("shm") } else { Value::Null },
        ),
        ("policy", policy_json(&manifest.policy)),
        ("warnings", manifest.warnings.iter().map(error_json).collect()),
    ])
}

fn features(manifest: &Manifest) -> Value {
    let features = manifest.features;
    let all = [
        ("cancel", features.cancel),
        ("progress", features.progress),
        ("stream", features.stream),
        ("state", features.state),
        ("deadline", features.deadline),
        ("trace", features.trace),
    ];
    all.into_iter().filter(|(_, on)| *on).map(|(word, _)| json!(word)).collect()
}

fn module_json(module: &ProjectModule) -> Value {
    let ids: Value = module.needs.iter().map(abi::ModuleId::as_str).collect();
    let (run, path) = match &module.source {
        Source::Run(words) => (json!(words), Value::Null),
        Source::Folder(path) => (Value::Null, json!(path)),
    };
    telling([
        ("id", json!(module.id.as_str())),
        ("run", run),
        ("path", path),
        ("cwd", json!(module.cwd)),
        ("needs", ids),
        ("provides", names(&module.provides)),
        ("requires", names(&module.requires)),
        ("optional_requires", names(&module.optional_requires)),
        ("subscribes", names(&module.subscribes)),
        ("publishes", names(&module.publishes)),
        ("env", json!(module.env)),
        ("env_pass", json!(module.env_pass)),
        ("permissions", module.permissions.as_ref().map_or(Value::Null, permissions)),
        ("config", module.config.clone()),
        ("priority", json!(module.priority)),
        ("autostart", if module.autostart { Value::Null } else { json!(false) }),
        ("policy", policy_json(&module.policy)),
    ])
}

fn config_json(config: &Config) -> Value {
    let settings = match config.settings() {
        settings if *settings == Settings::default() => Value::Null,
        settings => json!(format!("{settings:?}")),
    };
    let origins = config.leaves().into_iter().map(|(path, _, origin)| {
        let place = format!("{}:{}", origin.file, origin.at);
        assert_eq!(config.origin(&path), Some(origin), "both ways to ask agree");
        (path, Value::from(place))
    });
    telling([
        ("values", json!(config.values())),
        ("origins", origins.collect::<Map<_, _>>().into()),
        ("settings", settings),
        ("warnings", config.warnings().iter().map(error_json).collect()),
    ])
}

fn store_json(store: &Store, warnings: &[FileError]) -> Value {
    let modules = store.modules.iter().map(|(id, entry)| (id.to_string(), entry_json(entry)));
    telling([
        ("modules", modules.collect::<Map<_, _>>().into()),
        ("unreadable", json!(store.unreadable)),
        ("extra", json!(store.extra)),
        (
            "service_providers",
            store
                .service_providers
                .iter()
                .map(|(service, id)| json!([service.as_str(), id.as_str()]))
                .collect(),
        ),
        ("warnings", warnings.iter().map(error_json).collect()),
        ("written", json!(store.to_yaml())),
    ])
}

fn entry_json(entry: &Entry) -> Value {
    let debug = |text: String| json!(text);
    telling([
        ("is_approved", json!(entry.is_approved())),
        ("effective", permissions(&entry.effective())),
        ("base_manifest_hash", json!(entry.base_manifest_hash)),
        ("base_granted_at_ms", json!(entry.base_granted_at.map(|at| at.0))),
        ("tree_hash", json!(entry.tree_hash)),
        ("first_spawn_at_ms", json!(entry.first_spawn_at.map(|at| at.0))),
        ("capabilities", entry.capabilities.as_ref().map_or(Value::Null, capabilities)),
        ("dynamic", entry.dynamic.iter().map(|grant| debug(format!("{grant:?}"))).collect()),
        ("pending", entry.pending.iter().map(|request| debug(format!("{request:?}"))).collect()),
        ("denied", entry.denied.iter().map(|denial| debug(format!("{denial:?}"))).collect()),
        ("extra", json!(entry.extra)),
    ])
}
