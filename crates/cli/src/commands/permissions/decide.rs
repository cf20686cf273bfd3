//! Granting, refusing and taking back: what is decided is shown exactly before it is asked about.

use std::collections::BTreeMap;

use abi::PermissionKind;
use protocol::operator::{PendingRow, PermissionChange, PermissionRow, Plan, Request};
use serde_json::Value;

use crate::ctx::Ctx;
use crate::door::{Door, nearest};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::render;
use crate::render::permissions::ByKind;
use crate::words::Phrase;

use super::DecideArgs;

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Grant,
    Deny,
    Revoke,
}

pub(super) fn run(ctx: &Ctx, args: &DecideArgs, decision: Decision) -> Outcome {
    let given = permissions(&args.permissions)?;
    let mut door = Door::open(ctx)?;
    let change = find(&mut door, &args.target, given, decision)?;
    let change = PermissionChange { dry_run: args.dry_run.dry_run, ..change };
    if change.dry_run {
        let plan: Plan = door.ask(&request(decision, change))?;
        ctx.show(&plan, |plan| render::plan::plan(&ctx.theme, plan))?;
        return Ok(Exit::Done);
    }
    let module = change.module_id.clone().unwrap_or_else(|| args.target.clone());
    ask(ctx, decision, &module, &change.permissions)?;
    // A wish is named by its number alone; what was shown is what it says.
    let sent = match &change.request_id {
        Some(id) => PermissionChange { request_id: Some(id.clone()), ..PermissionChange::default() },
        None => change,
    };
    let answer = door.ask_raw(&request(decision, sent))?.unwrap_or(Value::Null);
    if ctx.is_json() {
        ctx.document(&answer)?;
    } else {
        let said = match decision {
            Decision::Grant => Phrase::Granted,
            Decision::Deny => Phrase::Denied,
            Decision::Revoke => Phrase::Revoked,
        };
        ctx.say_phrase(said, &[&module]);
    }
    Ok(Exit::Done)
}

fn request(decision: Decision, change: PermissionChange) -> Request {
    match decision {
        Decision::Grant => Request::PermissionsGrant(change),
        Decision::Deny => Request::PermissionsDeny(change),
        Decision::Revoke => Request::PermissionsRevoke(change),
    }
}

/// More rights, or rights taken from somebody who works with them, want a yes; a refusal changes nothing.
fn ask(ctx: &Ctx, decision: Decision, module: &str, permissions: &ByKind) -> Outcome<()> {
    let question = match decision {
        Decision::Deny => return Ok(()),
        Decision::Grant => Phrase::GrantQuestion,
        Decision::Revoke => Phrase::RevokeQuestion,
    };
    if !ctx.is_json() {
        ctx.say_always(render::permissions::asked(&ctx.talk, permissions).trim_end());
    }
    ctx.confirm(&ctx.phrase(question, &[module]))
}

/// Whom and what was meant: a wish by its number or the beginning of it, a module with permissions, or a module with
/// one pending wish. Taking back without naming what takes back all that was granted.
fn find(door: &mut Door, target: &str, given: ByKind, decision: Decision) -> Outcome<PermissionChange> {
    if !given.is_empty() {
        return Ok(of_module(target, given));
    }
    if decision == Decision::Revoke {
        let rows: Vec<PermissionRow> =
            door.ask(&Request::PermissionsList { module_id: Some(target.to_owned()) })?;
        let granted = rows.into_iter().next().map(|row| row.dynamic).unwrap_or_default();
        if granted.values().all(Vec::is_empty) {
            let message = format!("`{target}` has nothing beyond its manifest");
            let help = format!("{} module perms {target}", door.command());
            return Err(Failure::new("cli::permissions::not_found", message).help(help).into());
        }
        return Ok(of_module(target, granted));
    }
    let pending: Vec<PendingRow> = door.ask(&Request::PermissionsPending {})?;
    let matching: Vec<&PendingRow> = pending
        .iter()
        .filter(|row| !row.request_id.is_empty())
        .filter(|row| row.module_id == target || row.request_id.starts_with(target))
        .collect();
    match matching.as_slice() {
        [one] => Ok(PermissionChange {
            request_id: Some(one.request_id.clone()),
            module_id: Some(one.module_id.clone()),
            permissions: one.permissions.clone(),
            dry_run: false,
        }),
        [] => Err(no_wish(door, target, &pending).into()),
        many => Err(many_wishes(target, many).into()),
    }
}

fn of_module(module: &str, permissions: ByKind) -> PermissionChange {
    PermissionChange { request_id: None, module_id: Some(module.to_owned()), permissions, dry_run: false }
}

fn no_wish(door: &Door, target: &str, pending: &[PendingRow]) -> Failure {
    if pending.iter().any(|row| row.request_id.is_empty() && row.module_id == target) {
        let failure = Failure::new(
            "cli::permissions::unapproved",
            format!("`{target}` has not been approved at all yet"),
        );
        return failure.help(format!("{} module approve {target}", door.command()));
    }
    let names: Vec<&str> = pending.iter().map(|row| row.module_id.as_str()).collect();
    let failure =
        Failure::new("cli::permissions::not_found", format!("no wish and no module with one is `{target}`"));
    match nearest(target, &names) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help(format!("{} permissions pending", door.command())),
    }
}

fn many_wishes(target: &str, many: &[&PendingRow]) -> Failure {
    let lines = many.iter().map(|row| {
        let id = render::permissions::short_id(&row.request_id);
        format!("{id}  {}", render::permissions::one_line(&row.permissions))
    });
    Failure::usage(format!("`{target}` means more than one wish"))
        .details(lines.collect())
        .help("name one by its number")
}

/// Reads `kind=value` words.
pub(in crate::commands) fn permissions(words: &[String]) -> Outcome<ByKind> {
    let mut by_kind: ByKind = BTreeMap::new();
    for word in words {
        let Some((kind, value)) = word.split_once('=').filter(|(_, value)| !value.is_empty()) else {
            let failure = Failure::usage(format!("`{word}` is no permission"));
            return Err(failure.help("write it as kind=value, for example net=api.example:443").into());
        };
        if PermissionKind::from_word(kind).is_none() {
            let kinds = PermissionKind::ALL.map(PermissionKind::as_str);
            let failure = Failure::usage(format!("`{kind}` is no kind of permission"));
            let help = match nearest(kind, &kinds) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of {}", kinds.join(", ")),
            };
            return Err(failure.help(help).into());
        }
        by_kind.entry(kind.to_owned()).or_default().push(value.to_owned());
    }
    Ok(by_kind)
}
