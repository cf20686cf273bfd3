//! `restart plan`: who would lose which service for how long, before anything is done.
//!
//! Who loses what follows from what modules declare: services that they require, modules that they need, services that they
//! may call. How long follows from the module's own restarts in the journal.

use std::collections::BTreeSet;

use protocol::operator::{ModuleDetail, Plan, Request};

use super::history::past;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::restarts::{AffectedModule, RestartImpact};
use crate::render;
use crate::target::Target;

#[cfg(test)]
mod tests;

pub(super) fn run(ctx: &Ctx, module: &str) -> Outcome {
    let mut door = Door::open(ctx)?;
    let target: ModuleDetail = door.ask(&Request::ModuleShow { module_id: module.to_owned() })?;
    let dry_run = Request::ModuleRestart { module_id: module.to_owned(), dry_run: true };
    let steps: Plan = door.ask(&dry_run)?;
    let mut all = Vec::new();
    for status in door.modules()? {
        all.push(door.ask::<ModuleDetail>(&Request::ModuleShow { module_id: status.id })?);
    }
    let mut took: Vec<u64> = past(&Target::of(ctx)?, Some(module))?
        .into_iter()
        .filter(|restart| restart.result == "ready")
        .filter_map(|restart| restart.took_ms)
        .collect();
    took.sort_unstable();
    let mut with_it: Vec<String> = Vec::new();
    for other in steps.steps.into_iter().filter_map(|step| step.module_id) {
        if other != module && !with_it.contains(&other) {
            with_it.push(other);
        }
    }
    let impact = RestartImpact {
        module_id: module.to_owned(),
        services: target.status.provides.clone(),
        usual_ms: took.get(took.len() / 2).copied(),
        longest_ms: took.last().copied(),
        samples: took.len() as u64,
        affected: affected(&target, &all),
        restarted_with_it: with_it,
    };
    ctx.show(&impact, |impact| render::restarts::impact(ctx, impact))?;
    Ok(Exit::Done)
}

/// Who loses something while this module is away.
fn affected(target: &ModuleDetail, all: &[ModuleDetail]) -> Vec<AffectedModule> {
    let mut found: Vec<AffectedModule> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::from([target.status.id.as_str()]);
    let mut add = |found: &mut Vec<AffectedModule>, id: &str, how: &str, what: Vec<String>| {
        found.push(AffectedModule { module_id: id.to_owned(), how: how.to_owned(), what });
    };
    let mut lost: Vec<&ModuleDetail> = vec![target];
    // In circles around the module: each is visited once.
    while !lost.is_empty() {
        let mut next = Vec::new();
        for other in all {
            if seen.contains(other.status.id.as_str()) {
                continue;
            }
            let Some((how, what)) = lost.iter().find_map(|gone| hold_of(other, gone)) else { continue };
            seen.insert(&other.status.id);
            let is_direct = lost.iter().any(|gone| gone.status.id == target.status.id);
            match is_direct {
                true => add(&mut found, &other.status.id, how, what),
                false => {
                    let through = lost.iter().filter(|gone| hold_of(other, gone).is_some());
                    let names = through.map(|gone| gone.status.id.clone()).collect();
                    add(&mut found, &other.status.id, "through", names);
                }
            }
            next.push(other);
        }
        lost = next;
    }
    for other in all.iter().filter(|other| !seen.contains(other.status.id.as_str())) {
        let services: Vec<String> =
            target.status.provides.iter().filter(|service| may_call(other, service)).cloned().collect();
        if !services.is_empty() {
            add(&mut found, &other.status.id, "may_call", services);
        }
    }
    found
}

/// Whether one module can't work without another, and by what.
fn hold_of(user: &ModuleDetail, provider: &ModuleDetail) -> Option<(&'static str, Vec<String>)> {
    let services: Vec<String> =
        user.requires.iter().filter(|service| provider.status.provides.contains(service)).cloned().collect();
    if !services.is_empty() {
        return Some(("requires", services));
    }
    let needs = user.needs.contains(&provider.status.id);
    needs.then(|| ("needs", provider.status.provides.clone()))
}

/// A right to call is a name, or its beginning with a star.
fn may_call(user: &ModuleDetail, service: &str) -> bool {
    user.may_call.iter().any(|right| match right.strip_suffix('*') {
        Some(beginning) => service.starts_with(beginning),
        None => right == service,
    })
}
