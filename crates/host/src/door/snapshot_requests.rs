//! Requests about snapshots: a cut through everything, and putting states back.

use abi::{ModuleId, Record};
use kernel::{Answer, Order};
use protocol::operator::{SnapshotBack, SnapshotRestored, SnapshotVerb};

use super::connection::Caller;
use super::reply::{self, Done, Refusal, plain_answer};
use crate::snapshots::{self, SnapshotError};

/// Does what is asked about snapshots.
pub(super) async fn handle(caller: &Caller, verb: SnapshotVerb) -> Done {
    match verb {
        SnapshotVerb::Create { label } => create(caller, label).await,
        SnapshotVerb::Restore { number, modules } => restore(caller, number, modules).await,
    }
}

async fn create(caller: &Caller, label: Option<String>) -> Done {
    let cut = match caller.order(Order::Cut).await? {
        Answer::Cut(cut) => *cut,
        other => {
            plain_answer(other)?;
            return Err(Refusal::new("kernel::order::failed", "no snapshot was made"));
        }
    };
    let made = snapshots::keep(&caller.shell, cut, label).await.map_err(|error| Refusal::of(&error))?;
    let record = Record::new("snapshot.made").number("number", made.number);
    let record = record.number("modules", made.modules.iter().filter(|one| one.why.is_none()).count() as u64);
    caller.shell.borrow_mut().record(record.number("bytes", made.stored_bytes));
    reply::data(&made)
}

async fn restore(caller: &Caller, number: u64, wanted: Vec<String>) -> Done {
    let record = Record::new("snapshot.restoring").number("number", number);
    let (home, bells) = {
        let mut shell = caller.shell.borrow_mut();
        shell.record(record);
        (shell.files.home.clone(), shell.bells.clone())
    };
    let put_back: Result<Vec<ModuleId>, SnapshotError> = {
        let _alone = bells.state_files.lock().await;
        let working = tokio::task::spawn_blocking(move || snapshots::put_back(&home, number, &wanted));
        working.await.unwrap_or(Err(SnapshotError::Unread { number }))
    };
    let mut modules = Vec::new();
    for module in put_back.map_err(|error| Refusal::of(&error))? {
        modules.push(reinstate(caller, module).await);
    }
    reply::data(&SnapshotRestored { number, modules, context: false })
}

/// A module that runs is started anew; its next life takes over what was put back.
async fn reinstate(caller: &Caller, module: ModuleId) -> SnapshotBack {
    let module_id = module.to_string();
    let runs = {
        let shell = caller.shell.borrow();
        let view = shell.kernel.find(module.as_str()).and_then(|slot| shell.kernel.view(slot));
        view.is_some_and(|view| view.generation.is_some())
    };
    if !runs {
        return SnapshotBack { module_id, restarted: false, why: None };
    }
    let why = match caller.order(Order::Reinstate(module)).await.and_then(plain_answer) {
        Ok(_) => None,
        Err(refusal) => Some(refusal.error),
    };
    SnapshotBack { module_id, restarted: true, why }
}
