//! Requests about what modules may touch. What an operator decides is on disk before the answer says so.

use std::collections::BTreeMap;

use abi::{ModuleId, PermissionKind, Permissions};
use kernel::{Event, Grants, Order};
use protocol::operator::{PendingRow, PermissionChange, PermissionRow};

use super::connection::Caller;
use super::reply::{self, Done, Refusal, plain_answer};
use super::requests::module_id;
use crate::effects::save_now;
use crate::files::approvals::request_number;
use crate::shell::Shell;
use crate::translate::{permissions_json, uuid_text};

/// What a change is about.
enum Target {
    Wish(u128),
    Module(ModuleId, Permissions),
}

pub(super) fn list(caller: &Caller, module: Option<&str>) -> Done {
    let shell = caller.shell.borrow();
    let ids: Vec<ModuleId> = match module {
        Some(text) => vec![module_id(text)?],
        None => {
            let stored = shell.files.approvals.names().cloned();
            let known = shell.kernel.views().into_iter().map(|view| view.id);
            stored.chain(known).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
        }
    };
    let rows: Vec<PermissionRow> = ids.iter().filter_map(|id| shell.permission_row(id)).collect();
    match (module, rows.is_empty()) {
        (Some(text), true) => Err(Refusal::no_module(text)),
        _ => reply::data(&rows),
    }
}

pub(super) fn pending(caller: &Caller) -> Done {
    let shell = caller.shell.borrow();
    let rows: Vec<PendingRow> =
        shell.kernel.views().into_iter().flat_map(|view| shell.pending_rows(&view.id)).collect();
    reply::data(&rows)
}

impl Shell {
    /// What holds for a module; what is only stored counts too, because a module may be gone for a moment.
    fn permission_row(&self, id: &ModuleId) -> Option<PermissionRow> {
        let stored = || self.files.approvals.entry(id).map(|_| self.files.approvals.grants(id));
        let grants = self.kernel.grants(id).cloned().or_else(stored)?;
        Some(PermissionRow {
            module_id: id.to_string(),
            approved: grants.base.is_some(),
            base: permissions_json(grants.base.as_ref().unwrap_or(&Permissions::default())),
            dynamic: permissions_json(&grants.dynamic),
            denied: permissions_json(&grants.denied),
            pending: wishes(id, &grants),
        })
    }

    /// A module's wishes; a module whose first approval is missing wishes for what its manifest asks for.
    fn pending_rows(&self, id: &ModuleId) -> Vec<PendingRow> {
        let Some(grants) = self.kernel.grants(id) else { return Vec::new() };
        let mut rows = Vec::new();
        let spec = self.kernel.find(id.as_str()).and_then(|slot| self.kernel.spec(slot));
        if let (None, Some(spec)) = (&grants.base, spec) {
            rows.push(PendingRow {
                request_id: String::new(),
                module_id: id.to_string(),
                permissions: permissions_json(&spec.declared),
                reason: None,
            });
        }
        rows.extend(wishes(id, grants));
        rows
    }
}

fn wishes(id: &ModuleId, grants: &Grants) -> Vec<PendingRow> {
    let row = |wish: &kernel::PendingRequest| PendingRow {
        request_id: uuid_text(wish.id),
        module_id: id.to_string(),
        permissions: permissions_json(&wish.permissions),
        reason: wish.reason.clone(),
    };
    grants.pending.iter().map(row).collect()
}

pub(super) async fn grant(caller: &Caller, change: PermissionChange) -> Done {
    let order = match target(&change)? {
        Target::Wish(wish) => Order::GrantRequest(wish),
        Target::Module(id, permissions) => Order::Grant(id, permissions),
    };
    decide(caller, order, change.dry_run).await
}

pub(super) async fn deny(caller: &Caller, change: PermissionChange) -> Done {
    let order = match target(&change)? {
        Target::Wish(wish) => Order::DenyRequest(wish),
        Target::Module(id, permissions) => Order::Deny(id, permissions),
    };
    decide(caller, order, change.dry_run).await
}

pub(super) async fn revoke(caller: &Caller, change: PermissionChange) -> Done {
    match target(&change)? {
        Target::Module(id, permissions) => {
            decide(caller, Order::Revoke(id, permissions), change.dry_run).await
        }
        Target::Wish(_) => {
            let why = "a wish that waits has nothing that could be taken back";
            Err(Refusal::new("host::door::bad_request", why).help("ostoja permissions deny REQUEST"))
        }
    }
}

async fn decide(caller: &Caller, order: Order, dry_run: bool) -> Done {
    if dry_run {
        let mut shell = caller.shell.borrow_mut();
        let request = shell.desk.next_request();
        return reply::data(&shell.plan_of(Event::Ordered(request, order)));
    }
    plain_answer(caller.order(order).await?)?;
    save_now(&caller.shell).await.map_err(|why| {
        let text = format!("it holds now, and is lost with the next start, because it can't be saved: {why}");
        Refusal::new("host::permissions::not_saved", text)
    })?;
    Ok(None)
}

fn target(change: &PermissionChange) -> Result<Target, Refusal> {
    let bad = |why: String| Refusal::new("host::door::bad_request", why);
    match (&change.request_id, &change.module_id) {
        (Some(wish), None) => Ok(Target::Wish(request_number(wish))),
        (None, Some(id)) => {
            let permissions = permissions(&change.permissions).map_err(bad)?;
            if permissions.is_empty() {
                return Err(bad("permissions are empty".to_owned()));
            }
            Ok(Target::Module(module_id(id)?, permissions))
        }
        (Some(_), Some(_)) => Err(bad("either requestId or moduleId, not both".to_owned())),
        (None, None) => Err(bad("requestId or moduleId is required".to_owned())),
    }
}

pub(super) fn permissions(wanted: &BTreeMap<String, Vec<String>>) -> Result<Permissions, String> {
    let mut permissions = Permissions::default();
    for (word, values) in wanted {
        let kind = PermissionKind::from_word(word).ok_or_else(|| {
            let known = PermissionKind::ALL.map(PermissionKind::as_str).join(", ");
            format!("`{word}` is no kind of permission; known are {known}")
        })?;
        if let Some((value, why)) = values.iter().find_map(|value| Some((value, kind.refusal(value)?))) {
            return Err(format!("`{value}` of {kind} {why}"));
        }
        permissions.of_mut(kind).extend(values.iter().cloned());
    }
    Ok(permissions)
}
