//! Requests about modules: rows, orders, and changes of the home.

use std::path::PathBuf;
use std::rc::Rc;

use abi::{ModuleId, Permissions, Record};
use kernel::{Answer, Carry, Event, Order};
use protocol::operator::{Acted, Installed, PlannedStep, Request, Swapped};
use serde_json::{Value, json};

use super::connection::Caller;
use super::reply::{self, Done, Ordered, Refusal, plain_answer};
use super::requests::module_id;
use crate::clock::wall_now;
use crate::effects::save_now;
use crate::files::blueprint::Origin;
use crate::files::discovery::writable;
use crate::files::folder::ModuleFolder;
use crate::files::install::{self, InstallError, Way};
use crate::files::project::ProjectModules;
use crate::files::seal::Hashes;
use crate::guests::SwapDone;
use crate::runtime::Runtime;
use crate::shell::Shell;
use crate::translate::permissions_json;

mod home;
mod run;

/// Does what is asked about a module.
pub(super) async fn handle(caller: &Caller, request: Request) -> Done {
    match request {
        Request::ModuleList {} => reply::data(&caller.shell.borrow().statuses()),
        Request::ModuleStatus { module_id } => status(caller, &module_id),
        Request::ModuleShow { module_id } => show(caller, &module_id),
        Request::ModuleStart { module_id, dry_run } => act(caller, &module_id, Order::Start, dry_run).await,
        Request::ModuleStop { module_id, dry_run } => act(caller, &module_id, Order::Stop, dry_run).await,
        Request::ModuleRestart { module_id, dry_run } => {
            act(caller, &module_id, Order::Restart, dry_run).await
        }
        Request::ModuleSwap { module_id, without_state } => {
            let carry = if without_state { Carry::Nothing } else { Carry::AsOffered };
            swap(caller, &module_id, carry).await
        }
        Request::ModuleInstall { module_dir, symlink, dry_run: false } => {
            home::install(caller, &module_dir, symlink).await
        }
        Request::ModuleInstall { module_dir, dry_run: true, .. } => {
            home::plan_install(caller, &module_dir).await
        }
        Request::ModuleApprove { module_id, dry_run } => home::approve(caller, &module_id, dry_run).await,
        Request::ModuleUninstall { module_id, dry_run } => home::uninstall(caller, &module_id, dry_run).await,
        Request::ModuleUpdate { module_id, module_dir, dry_run } => {
            home::update(caller, &module_id, &module_dir, dry_run).await
        }
        Request::ModuleRun { module_id, module, cwd } => {
            run::run(caller, module_id.as_deref(), &module, &cwd)
        }
        Request::ModuleRemove { module_id } => run::remove(caller, &module_id).await,
        // Every other request is handled before it comes here.
        _ => Err(Refusal::new("host::door::unknown_command", "this request is not about modules")),
    }
}

fn status(caller: &Caller, text: &str) -> Done {
    let shell = caller.shell.borrow();
    let status = shell.kernel.find(text).and_then(|slot| shell.status_of(slot));
    reply::data(&status.ok_or_else(|| Refusal::no_module(text))?)
}

fn show(caller: &Caller, text: &str) -> Done {
    let shell = caller.shell.borrow();
    let detail = shell.kernel.find(text).and_then(|slot| shell.detail_of(slot));
    reply::data(&detail.ok_or_else(|| Refusal::no_module(text))?)
}

async fn act(caller: &Caller, text: &str, order: fn(ModuleId) -> Order, dry_run: bool) -> Done {
    let id = module_id(text)?;
    if caller.shell.borrow().kernel.find(text).is_none() {
        return Err(Refusal::no_module(text));
    }
    if dry_run {
        return plan(caller, order(id));
    }
    let ordered = plain_answer(caller.order(order(id.clone())).await?)?;
    acted(caller, &id, ordered)
}

/// What is on the disk now takes over, with the state of what runs: in the place of a WebAssembly module's code, in a new
/// process beside any other.
async fn swap(caller: &Caller, text: &str, carry: Carry) -> Done {
    let id = module_id(text)?;
    let is_process = {
        let shell = caller.shell.borrow();
        let slot = shell.kernel.find(text).ok_or_else(|| Refusal::no_module(text))?;
        let is_guest = shell.seat(slot).is_some_and(|seat| seat.guest.is_some());
        let is_component = shell.blueprint(slot).is_some_and(|blueprint| blueprint.runtime == Runtime::Wasm);
        if is_guest != is_component
            && shell.seat(slot).is_some_and(|seat| seat.guest.is_some() || seat.life.is_some())
        {
            let why = format!("`{text}` was a process and is WebAssembly now, or the other way about");
            let refusal = Refusal::new("host::swap::kinds", why);
            return Err(refusal.help(format!("stop and start it: ostoja restart {text}")));
        }
        !is_component
    };
    if is_process { swap_process(caller, id, carry).await } else { swap_guest(caller, text).await }
}

async fn swap_process(caller: &Caller, id: ModuleId, carry: Carry) -> Done {
    let refused = |why: String| {
        let help =
            format!("ostoja why {id}; to begin without state: ostoja restart {id} --hot --without-state");
        Refusal::new("host::swap::rolled_back", format!("`{id}` goes on as it was: {why}")).help(help)
    };
    match caller.order(Order::Swap(id.clone(), carry)).await? {
        Answer::Swapped(state_bytes) => {
            let shell = caller.shell.borrow();
            let slot = shell.kernel.find(id.as_str()).ok_or_else(|| Refusal::no_module(id.as_str()))?;
            let pause_us = shell.seat(slot).map_or(0, |seat| seat.pause_us);
            reply::data(&Swapped { pause_us, state_bytes, status: shell.status_of(slot) })
        }
        Answer::Failed(_, why) => Err(refused(why)),
        _ => Err(refused("it ended meanwhile".to_owned())),
    }
}

async fn swap_guest(caller: &Caller, text: &str) -> Done {
    let begun = {
        let mut shell = caller.shell.borrow_mut();
        let slot = shell.kernel.find(text).ok_or_else(|| Refusal::no_module(text))?;
        let begun = shell.begin_swap(slot);
        shell.end_turn();
        begun.map(|receiver| (slot, receiver))
    };
    let refused = |why: String| {
        Refusal::new("host::swap::rolled_back", format!("`{text}` goes on with its code: {why}"))
            .help(format!("ostoja why {text}; to begin without the state: ostoja restart {text}"))
    };
    let (slot, receiver) = begun.map_err(refused)?;
    match receiver.await {
        Ok(SwapDone::Done { pause_us, state_bytes, .. }) => {
            let status = caller.shell.borrow().status_of(slot);
            reply::data(&Swapped { pause_us, state_bytes, status })
        }
        Ok(SwapDone::Refused(why)) => Err(refused(why)),
        Err(_) => Err(refused("it ended meanwhile".to_owned())),
    }
}

fn acted(caller: &Caller, id: &ModuleId, ordered: Ordered) -> Done {
    let shell = caller.shell.borrow();
    let status = shell.kernel.find(id.as_str()).and_then(|slot| shell.status_of(slot));
    reply::data(&Acted { already: ordered == Ordered::Already, status })
}

fn plan(caller: &Caller, order: Order) -> Done {
    let mut shell = caller.shell.borrow_mut();
    let request = shell.desk.next_request();
    reply::data(&shell.plan_of(Event::Ordered(request, order)))
}
