//! From the located tree of a `permissions.yaml`, in any of its three spellings, to a [`Store`].

use abi::{ModuleId, Name, Wall, Zone};

use super::{Denial, Earlier, Entry, Grant, Request, Store};
use crate::files::capabilities;
use crate::files::fault::{Area, Fault, FileError, FileErrors, quoted};
use crate::files::node::{self, Key, Kind, Node};
use crate::files::reader::{Reader, why_no_id};

pub(super) fn store(file: &str, text: &str) -> Result<(Store, Vec<FileError>), FileErrors> {
    let root = node::from_yaml(Area::Permissions, file, text)?;
    let mut whole = Reader::new(Area::Permissions);
    let mut reader = Reader::new(Area::Permissions);
    let mut store = Store::default();
    for (key, value) in whole.map("permissions.yaml", &root).unwrap_or_default() {
        match key.text.as_str() {
            _ if value.kind == Kind::Null => {}
            "modules" => {
                for (key, entry) in whole.map("modules", value).unwrap_or_default() {
                    module(&mut reader, &mut store, value, key, entry);
                }
            }
            "serviceProviders" => {
                for (key, id) in whole.map("serviceProviders", value).unwrap_or_default() {
                    provider(&mut whole, &mut store, value, key, id);
                }
            }
            _ => {
                store.extra.insert(key.text.clone(), value.to_value());
            }
        }
    }
    let warnings = reader.errors;
    FileErrors::check(whole.errors, Some((store, warnings)))
}

fn module(reader: &mut Reader, store: &mut Store, modules: &Node, key: &Key, node: &Node) {
    let complaints_before = reader.complaints();
    let id = ModuleId::parse(&key.text);
    if let Err(error) = &id {
        let fault =
            Fault::BadValue { field: "modules".to_owned(), found: quoted(&key.text), why: why_no_id(error) };
        reader.complain_key(modules, key, fault);
    }
    let read = entry(reader, &key.text, node);
    match id {
        Ok(id) if reader.complaints() == complaints_before => {
            store.modules.insert(id, read);
        }
        _ => {
            store.unreadable.insert(key.text.clone(), node.to_value());
        }
    }
}

fn provider(reader: &mut Reader, store: &mut Store, map: &Node, key: &Key, id: &Node) {
    let id = reader.module_id(&key.text, id);
    match (Name::parse(&key.text), id) {
        (Ok(service), Some(id)) => {
            store.service_providers.insert(service, id);
        }
        (Err(error), _) => {
            let field = "serviceProviders".to_owned();
            let fault = Fault::BadValue { field, found: quoted(&key.text), why: error.to_string() };
            reader.complain_key(map, key, fault);
        }
        (Ok(_), None) => {}
    }
}

fn entry(reader: &mut Reader, id: &str, node: &Node) -> Entry {
    let mut entry = Entry::default();
    for (key, value) in reader.map(id, node).unwrap_or_default() {
        let field = key.text.as_str();
        match field {
            _ if value.kind == Kind::Null => {}
            "base" | "permissions" => entry.base = reader.permissions(field, value),
            "baseManifestHash" | "manifestHash" => entry.base_manifest_hash = hash(reader, field, value),
            "treeHash" => entry.tree_hash = hash(reader, field, value),
            "restHash" => entry.rest_hash = hash(reader, field, value),
            "wholeManifestHash" => entry.whole_manifest_hash = hash(reader, field, value),
            "wholeTreeHash" => entry.whole_tree_hash = hash(reader, field, value),
            "baseGrantedAt" | "grantedAt" => entry.base_granted_at = time(reader, field, value),
            "firstSpawnAt" | "firstSpawn" => entry.first_spawn_at = time(reader, field, value),
            "zone" => {
                let words = [Zone::Stable, Zone::Sandbox].map(|zone| (zone.as_str(), zone));
                entry.zone = reader.word(field, value, &words);
            }
            "quarantined" => entry.is_quarantined = reader.word(field, value, &[("true", ())]).is_some(),
            "capabilities" => entry.capabilities = capabilities::read(reader, value),
            "forbid" => entry.forbid = capabilities::forbidden(reader, value).unwrap_or_default(),
            "dynamic" | "dynamicPermissions" => entry.dynamic = items(reader, field, value, grant),
            "pending" | "pendingRequests" => entry.pending = items(reader, field, value, request),
            "denied" | "deniedRequests" => entry.denied = items(reader, field, value, denial),
            "earlier" => entry.earlier = items(reader, field, value, earlier),
            _ => {
                entry.extra.insert(key.text.clone(), value.to_value());
            }
        }
    }
    entry
}

fn items<T>(
    reader: &mut Reader,
    field: &str,
    node: &Node,
    read: fn(&mut Reader, &Node) -> Option<T>,
) -> Vec<T> {
    let items = reader.list(field, node).unwrap_or_default();
    items.iter().filter_map(|item| read(reader, item)).collect()
}

fn grant(reader: &mut Reader, node: &Node) -> Option<Grant> {
    let permissions = permissions_of(reader, node)?;
    let granted_at = optional_time(reader, node, "grantedAt");
    Some(Grant { permissions, reason: reason(reader, node), granted_at })
}

fn request(reader: &mut Reader, node: &Node) -> Option<Request> {
    let permissions = permissions_of(reader, node)?;
    let Some(id) = node.entry("id") else {
        reader.complain(node, Fault::MissingField { field: "id" });
        return None;
    };
    let id = reader.text("id", id)?;
    let requested_at = optional_time(reader, node, "requestedAt");
    Some(Request { id, permissions, reason: reason(reader, node), requested_at })
}

fn denial(reader: &mut Reader, node: &Node) -> Option<Denial> {
    let permissions = permissions_of(reader, node)?;
    let denied_at = optional_time(reader, node, "deniedAt");
    Some(Denial { permissions, reason: reason(reader, node), denied_at })
}

fn earlier(reader: &mut Reader, node: &Node) -> Option<Earlier> {
    let Some(manifest) = node.entry("manifestHash") else {
        reader.complain(node, Fault::MissingField { field: "manifestHash" });
        return None;
    };
    let Some(base) = node.entry("base") else {
        reader.complain(node, Fault::MissingField { field: "base" });
        return None;
    };
    Some(Earlier {
        manifest_hash: hash(reader, "manifestHash", manifest)?,
        tree_hash: node.entry("treeHash").and_then(|tree| hash(reader, "treeHash", tree)),
        base: reader.permissions("base", base)?,
        base_granted_at: optional_time(reader, node, "grantedAt"),
        dynamic: match node.entry("dynamic") {
            Some(dynamic) => reader.permissions("dynamic", dynamic)?,
            None => abi::Permissions::default(),
        },
    })
}

fn permissions_of(reader: &mut Reader, node: &Node) -> Option<abi::Permissions> {
    match node.entry("permissions") {
        Some(permissions) => reader.permissions("permissions", permissions),
        None => {
            reader.complain(node, Fault::MissingField { field: "permissions" });
            None
        }
    }
}

fn reason(reader: &mut Reader, node: &Node) -> Option<String> {
    let reason =
        node.entry("reason").filter(|reason| reason.literal().is_some_and(|text| !text.is_empty()))?;
    reader.text("reason", reason)
}

fn optional_time(reader: &mut Reader, node: &Node, field: &str) -> Option<Wall> {
    let time_node = node.entry(field).filter(|found| found.kind != Kind::Null)?;
    time(reader, field, time_node)
}

fn time(reader: &mut Reader, field: &str, node: &Node) -> Option<Wall> {
    let parsed = node.literal().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let wall = parsed.and_then(|time| u64::try_from(time.as_millisecond()).ok()).map(Wall);
    if wall.is_none() {
        reader.wrong_kind(field, node, "a time such as 2026-01-31T12:00:00Z");
    }
    wall
}

/// SHA-256 as hex, with or without its `sha256:`.
fn hash(reader: &mut Reader, field: &str, node: &Node) -> Option<String> {
    const HEX_DIGITS: usize = 64;
    // Digits alone are a number to YAML, so the literal counts.
    let text = node.literal().unwrap_or_default();
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    if hex.len() == HEX_DIGITS && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(hex.to_ascii_lowercase());
    }
    reader.wrong_kind(field, node, "a SHA-256 of 64 hex digits");
    None
}
