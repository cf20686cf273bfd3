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
        let detail: ModuleDetail = door.ask(&Request::ModuleShow { module_id: status.id })?;
        all.push(Declared::from(detail));
    }
    let target = Declared::from(target);
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
        services: target.provides.clone(),
        usual_ms: took.get(took.len() / 2).copied(),
        longest_ms: took.last().copied(),
        samples: took.len() as u64,
        affected: affected(&target, &all),
        restarted_with_it: with_it,
    };
    ctx.show(&impact, |impact| render::restarts::impact(ctx, impact))?;
    Ok(Exit::Done)
}

/// What a module declares of others and for others.
#[derive(Debug, Clone)]
struct Declared {
    id: String,
    provides: Vec<String>,
    requires: Vec<String>,
    needs: Vec<String>,
    may_call: Vec<String>,
}

impl From<ModuleDetail> for Declared {
    fn from(detail: ModuleDetail) -> Self {
        let ModuleDetail { status, requires, needs, may_call, .. } = detail;
        Self { id: status.id, provides: status.provides, requires, needs, may_call }
    }
}

/// Who loses something while this module is away: those that can't work without it, circle by circle around it, then
/// those that may call it.
fn affected(target: &Declared, all: &[Declared]) -> Vec<AffectedModule> {
    let mut found: Vec<AffectedModule> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::from([target.id.as_str()]);
    let mut lost: Vec<&Declared> = vec![target];
    while !lost.is_empty() {
        let mut next = Vec::new();
        for other in all.iter().filter(|other| !seen.contains(other.id.as_str())) {
            let holds: Vec<_> = lost.iter().filter_map(|gone| Some((gone, hold_of(other, gone)?))).collect();
            let Some((gone, (how, services))) = holds.first() else { continue };
            let (how, what) = match gone.id == target.id {
                true => (*how, services.clone()),
                false => ("through", holds.iter().map(|(gone, _)| gone.id.clone()).collect()),
            };
            found.push(AffectedModule { module_id: other.id.clone(), how: how.to_owned(), what });
            next.push(other);
        }
        seen.extend(next.iter().map(|other| other.id.as_str()));
        lost = next;
    }
    for other in all.iter().filter(|other| !seen.contains(other.id.as_str())) {
        let what: Vec<String> =
            target.provides.iter().filter(|service| may_call(other, service)).cloned().collect();
        if !what.is_empty() {
            found.push(AffectedModule { module_id: other.id.clone(), how: "may_call".to_owned(), what });
        }
    }
    found
}

/// Whether one module can't work without another, and by what.
fn hold_of(user: &Declared, provider: &Declared) -> Option<(&'static str, Vec<String>)> {
    let services: Vec<String> =
        user.requires.iter().filter(|service| provider.provides.contains(service)).cloned().collect();
    if !services.is_empty() {
        return Some(("requires", services));
    }
    user.needs.contains(&provider.id).then(|| ("needs", provider.provides.clone()))
}

/// A right to call is a name, or its beginning with a star.
fn may_call(user: &Declared, service: &str) -> bool {
    user.may_call.iter().any(|right| match right.strip_suffix('*') {
        Some(beginning) => service.starts_with(beginning),
        None => right == service,
    })
}
