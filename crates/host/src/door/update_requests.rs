//! Requests about versions: making modules new, going back, looking, keeping.

use std::path::PathBuf;

use protocol::operator::{SelfUpdatePlan, UpdateVerb, UpdateWay};
use update::Strategy;

use super::connection::Caller;
use super::reply::{self, Done, Refusal};
use super::requests::module_id;
use crate::handover::{self, SelfUpdateError, Wish};
use crate::updating::{self, Consent, UpdateError};

pub(super) async fn handle(caller: &Caller, verb: UpdateVerb) -> Done {
    let home = caller.shell.borrow().files.home.clone();
    let shell = &caller.shell;
    match verb {
        UpdateVerb::Plan { file, also, way } if also.is_empty() => {
            answer(updating::plan(shell, PathBuf::from(file), way.map(strategy)).await)
        }
        UpdateVerb::Plan { file, also, way } => {
            answer(updating::plan_together(shell, paths(file, also), way.map(strategy)).await)
        }
        UpdateVerb::Apply { file, also, way, approve } => {
            answer(updating::apply(shell, paths(file, also), way.map(strategy), consent(approve)).await)
        }
        UpdateVerb::Status {} => answer(updating::status(shell).await),
        UpdateVerb::Go { transaction, approve } => {
            answer(updating::go(shell, transaction, consent(approve)).await)
        }
        UpdateVerb::RollBack { module_id: text } => {
            let module = module_id(&text)?;
            answer(updating::roll_back_module(shell, &module).await)
        }
        UpdateVerb::List {} => answer(updating::list(&home).await),
        UpdateVerb::History {} => answer(updating::history(&home).await),
        UpdateVerb::Pin { module_id: text, name } => {
            let module = module_id(&text)?;
            answer(updating::pin(&home, module, name).await)
        }
        UpdateVerb::Unpin { name } => answer(updating::unpin(&home, name).await),
        UpdateVerb::Gc {} => answer(updating::collect(&home).await),
        UpdateVerb::Own { file, dry_run, allow_restarts } => {
            let wish = Wish { file: file.map(PathBuf::from), dry_run, restarts: allow_restarts };
            renewed(handover::renew(shell, wish).await)
        }
        UpdateVerb::OwnList {} => reply::data(&handover::list(&home)),
    }
}

fn renewed(plan: Result<SelfUpdatePlan, SelfUpdateError>) -> Done {
    plan.map_err(|error| Refusal::of(&error)).and_then(|plan| reply::data(&plan))
}

fn answer<T: serde::Serialize>(done: Result<T, UpdateError>) -> Done {
    done.map_err(|error| Refusal::of(&error)).and_then(|done| reply::data(&done))
}

fn paths(file: String, also: Vec<String>) -> Vec<PathBuf> {
    std::iter::once(file).chain(also).map(PathBuf::from).collect()
}

fn consent(approve: bool) -> Consent {
    if approve { Consent::Given } else { Consent::AsBefore }
}

fn strategy(way: UpdateWay) -> Strategy {
    match way {
        UpdateWay::Hot => Strategy::Hot,
        UpdateWay::Staged => Strategy::Staged,
        UpdateWay::Restart => Strategy::Restart,
    }
}
