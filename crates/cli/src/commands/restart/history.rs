//! `restart history`: which restarts there were, why, how long they took and what came of them, read from the journal.

use std::collections::BTreeMap;

use abi::{Fact, ModuleId};
use store::{Entry, JournalReader, Query};

use crate::amount;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::restarts::{PastRestart, RestartHistory};
use crate::render;
use crate::target::Target;

#[cfg(test)]
mod tests;

/// 10,000 records: as many as a reading of the journal gives.
const RECORDS_MAX: usize = 10_000;

pub(super) fn run(ctx: &Ctx, module: Option<&str>, count: usize) -> Outcome {
    let target = Target::of(ctx)?;
    let mut restarts = past(&target, module)?;
    restarts.drain(..restarts.len().saturating_sub(count));
    let history = RestartHistory { restarts };
    ctx.show(&history, |history| render::restarts::history(ctx, &history.restarts, amount::now_ms()))?;
    Ok(Exit::Done)
}

/// The restarts that the journal still knows, the oldest first; of one module or of all.
///
/// # Errors
/// When the journal can't be read.
pub(super) fn past(target: &Target, module: Option<&str>) -> Outcome<Vec<PastRestart>> {
    let path = target.home.journal();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let module = match module {
        None => None,
        Some(name) => Some(ModuleId::parse(name).map_err(|why| Failure::usage(format!("`{name}` {why}")))?),
    };
    let codes = vec!["module.".to_owned(), "restart.".to_owned(), "plan.".to_owned()];
    let query = Query { module, codes, ..Query::last(RECORDS_MAX) };
    let mut entries = JournalReader::open(&path)?.read(&query)?.entries;
    entries.sort_by_key(|entry| entry.seq);
    Ok(told(&entries))
}

/// Where a module is between two lives.
#[derive(Debug, Default)]
struct Between {
    /// The plan that is about to restart it.
    plan: Option<String>,
    /// Since when it is on its way down, and why.
    down: Option<(u64, String)>,
    /// The place of the restart that is under way.
    under_way: Option<usize>,
}

/// Restarts from records, the oldest first. A stop that no start follows is none, and neither is a first start.
fn told(entries: &[Entry]) -> Vec<PastRestart> {
    let mut restarts: Vec<PastRestart> = Vec::new();
    let mut modules: BTreeMap<ModuleId, Between> = BTreeMap::new();
    let mut boot = None;
    for entry in entries {
        // A kernel that was started anew has restarted nothing: it has begun.
        if boot.replace(entry.boot).is_some_and(|before| before != entry.boot) {
            modules.clear();
        }
        let Some(module) = &entry.module else { continue };
        let between = modules.entry(module.clone()).or_default();
        match entry.code.as_str() {
            "plan.restarted" => between.plan = text(entry, "plan"),
            "module.stopping" | "module.exited" | "module.stopped" | "module.completed" => {
                fail(&mut restarts, between, entry);
                if between.down.is_none() {
                    between.down = Some((entry.wall.0, cause(entry, between.plan.take())));
                }
            }
            "module.starting" => {
                if let Some((at_ms, cause)) = between.down.take() {
                    between.under_way = Some(restarts.len());
                    restarts.push(PastRestart {
                        module_id: module.as_str().to_owned(),
                        at_ms,
                        cause,
                        took_ms: None,
                        result: "starting".to_owned(),
                        generation: None,
                    });
                }
            }
            "module.ready" => {
                between.down = None;
                if let Some(restart) = between.under_way.take().and_then(|at| restarts.get_mut(at)) {
                    restart.took_ms = Some(entry.wall.0.saturating_sub(restart.at_ms));
                    restart.generation = entry.generation.map(|generation| generation.0);
                    "ready".clone_into(&mut restart.result);
                }
            }
            "module.spawn_failed" => fail(&mut restarts, between, entry),
            _ => {}
        }
    }
    restarts
}

/// The restart that was under way came to nothing.
fn fail(restarts: &mut [PastRestart], between: &mut Between, entry: &Entry) {
    if let Some(restart) = between.under_way.take().and_then(|at| restarts.get_mut(at)) {
        restart.took_ms = Some(entry.wall.0.saturating_sub(restart.at_ms));
        restart.generation = entry.generation.map(|generation| generation.0);
        "failed".clone_into(&mut restart.result);
    }
}

fn cause(entry: &Entry, plan: Option<String>) -> String {
    if let Some(plan) = plan {
        return format!("plan {plan}");
    }
    let told = text(entry, "reason").or_else(|| text(entry, "exit"));
    told.unwrap_or_else(|| entry.code.clone())
}

fn text(entry: &Entry, name: &str) -> Option<String> {
    entry.facts.iter().find(|(found, _)| found == name).map(|(_, fact)| match fact {
        Fact::Text(text) => text.clone(),
        Fact::Number(number) => number.to_string(),
    })
}
