//! The text of a `permissions.yaml`: one spelling, one order.

use abi::{Name, PermissionKind, Permissions, Wall};
use serde_json::{Map, Value, json};

use super::{Earlier, Entry, Store};
use crate::files::manifest::{Capabilities, Forbidden};

pub(super) fn store(store: &Store) -> String {
    let mut root = Map::new();
    let mut modules: Vec<(&str, Value)> =
        store.modules.iter().map(|(id, module)| (id.as_str(), entry(module))).collect();
    // A new approval takes the place of what was unreadable.
    let unreadable = store.unreadable.iter().filter(|(id, _)| !store.modules.contains_key(id.as_str()));
    modules.extend(unreadable.map(|(id, value)| (id.as_str(), value.clone())));
    modules.sort_by_key(|(id, _)| *id);
    let modules = modules.into_iter().map(|(id, value)| (id.to_owned(), value)).collect();
    root.insert("modules".to_owned(), Value::Object(modules));
    let providers = store.service_providers.iter();
    let providers = providers.map(|(service, id)| (service.to_string(), json!(id.as_str()))).collect();
    root.insert("serviceProviders".to_owned(), Value::Object(providers));
    root.extend(store.extra.clone());
    let text = serde_saphyr::to_string(&root).expect("a JSON value is always YAML");
    format!("# Written by Ostoja; change it with `ostoja permissions`.\n{text}")
}

fn entry(entry: &Entry) -> Value {
    let mut map = Map::new();
    let mut put = |field: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(field.to_owned(), value);
        }
    };
    put("base", entry.base.as_ref().map(permissions));
    put("baseManifestHash", entry.base_manifest_hash.as_deref().map(Value::from));
    put("baseGrantedAt", entry.base_granted_at.and_then(time));
    put("treeHash", entry.tree_hash.as_deref().map(Value::from));
    put("restHash", entry.rest_hash.as_deref().map(Value::from));
    put("wholeManifestHash", entry.whole_manifest_hash.as_deref().map(Value::from));
    put("wholeTreeHash", entry.whole_tree_hash.as_deref().map(Value::from));
    put("firstSpawnAt", entry.first_spawn_at.and_then(time));
    put("capabilities", entry.capabilities.as_ref().map(capabilities));
    put("forbid", forbidden(&entry.forbid));
    let dynamic = entry.dynamic.iter();
    let dynamic =
        dynamic.map(|grant| item(&grant.permissions, &grant.reason, ("grantedAt", grant.granted_at)));
    put("dynamic", Some(dynamic.collect()));
    let pending = entry.pending.iter().map(|request| {
        let rest = item(&request.permissions, &request.reason, ("requestedAt", request.requested_at));
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(request.id));
        map.extend(rest.as_object().cloned().unwrap_or_default());
        Value::Object(map)
    });
    put("pending", Some(pending.collect()));
    let denied = entry.denied.iter();
    let denied =
        denied.map(|denial| item(&denial.permissions, &denial.reason, ("deniedAt", denial.denied_at)));
    put("denied", Some(denied.collect()));
    let earlier: Vec<Value> = entry.earlier.iter().map(earlier).collect();
    put("earlier", (!earlier.is_empty()).then_some(Value::Array(earlier)));
    put("zone", entry.zone.map(|zone| Value::from(zone.as_str())));
    put("quarantined", entry.is_quarantined.then_some(Value::Bool(true)));
    map.extend(entry.extra.clone());
    Value::Object(map)
}

fn earlier(earlier: &Earlier) -> Value {
    let mut map = Map::new();
    map.insert("manifestHash".to_owned(), json!(earlier.manifest_hash));
    if let Some(tree) = &earlier.tree_hash {
        map.insert("treeHash".to_owned(), json!(tree));
    }
    map.insert("base".to_owned(), permissions(&earlier.base));
    if let Some(at) = earlier.base_granted_at.and_then(time) {
        map.insert("grantedAt".to_owned(), at);
    }
    map.insert("dynamic".to_owned(), permissions(&earlier.dynamic));
    Value::Object(map)
}

fn item(granted: &Permissions, reason: &Option<String>, (field, at): (&str, Option<Wall>)) -> Value {
    let mut map = Map::new();
    map.insert("permissions".to_owned(), permissions(granted));
    if let Some(reason) = reason {
        map.insert("reason".to_owned(), json!(reason));
    }
    if let Some(at) = at.and_then(time) {
        map.insert(field.to_owned(), at);
    }
    Value::Object(map)
}

fn permissions(permissions: &Permissions) -> Value {
    // The kinds that older readers don't know are written where there is something to write.
    let ours = |kind: &PermissionKind| matches!(kind, PermissionKind::Context | PermissionKind::Secrets);
    PermissionKind::ALL
        .into_iter()
        .filter(|kind| !ours(kind) || !permissions.of(*kind).is_empty())
        .map(|kind| (kind.as_str().to_owned(), json!(permissions.of(kind))))
        .collect::<Map<_, _>>()
        .into()
}

fn capabilities(capabilities: &Capabilities) -> Value {
    let mut all = json!({ "services": words(&capabilities.services), "topics": words(&capabilities.topics) });
    if let Some(forbidden) = forbidden(&capabilities.forbid) {
        all["forbid"] = forbidden;
    }
    all
}

/// Older readers don't know it, so that it is written where there is something to write.
fn forbidden(forbidden: &Forbidden) -> Option<Value> {
    let is_any = !forbidden.services.is_empty() || !forbidden.topics.is_empty();
    is_any.then(|| json!({ "services": words(&forbidden.services), "topics": words(&forbidden.topics) }))
}

fn words(names: &[Name]) -> Value {
    names.iter().map(|name| json!(name.as_str())).collect()
}

/// ISO 8601 in UTC with milliseconds; nothing for a moment beyond what the calendar can name.
fn time(at: Wall) -> Option<Value> {
    let milliseconds = i64::try_from(at.0).ok()?;
    let time = jiff::Timestamp::from_millisecond(milliseconds).ok()?;
    Some(Value::from(format!("{time:.3}")))
}
