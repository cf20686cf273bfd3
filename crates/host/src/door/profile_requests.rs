//! `module.profile`: a module is started anew as one that is observed, watched for a while, and started anew as it was.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use abi::{ModuleId, State};
use kernel::Order;
use protocol::operator::Profiled;
use sandbox::Outside;
use sandbox::broker::Manner;
use tokio::time::{Instant, sleep, timeout_at};

use super::connection::Caller;
use super::reply::{self, Done, Refusal};
use super::requests::module_id;
use crate::files::blueprint::{Blueprint, Origin};
use crate::runtime::Runtime;
use crate::shell::Shell;

/// 10 s, when nothing is said: most programs have opened by then what they always open.
const OBSERVED_DEFAULT_MS: u64 = 10_000;

/// 10 minutes: whoever needs longer asks again.
const OBSERVED_MAX_MS: u64 = 600_000;

/// 100 ms, below which hardly a program has begun; also the time between two looks whether the module's work is done.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn profile(caller: &Caller, text: &str, for_ms: Option<u64>, open: bool) -> Done {
    let for_ms = for_ms.unwrap_or(OBSERVED_DEFAULT_MS);
    let least = u64::try_from(LOOK_EVERY.as_millis()).unwrap_or(u64::MAX);
    if !(least..=OBSERVED_MAX_MS).contains(&for_ms) {
        let why = format!("forMs is {for_ms}; {least} to {OBSERVED_MAX_MS} can be observed");
        return Err(Refusal::new("host::door::bad_request", why));
    }
    let id = module_id(text)?;
    let mut watch = Watch::begin(&caller.shell, &id, open)?;
    let begun = Instant::now();
    let until = begun + Duration::from_millis(for_ms);
    // What becomes of the start is seen by the state.
    let _ = timeout_at(until, caller.order(Order::Restart(id.clone()))).await;
    while Instant::now() < until && !is_at_rest(&caller.shell, &id) {
        sleep(LOOK_EVERY).await;
    }
    // The helper tells before the module goes on, so one look later all of it is here.
    sleep(LOOK_EVERY).await;
    reply::data(&watch.end()?)
}

fn is_at_rest(shell: &Rc<RefCell<Shell>>, id: &ModuleId) -> bool {
    let shell = shell.borrow();
    let state =
        shell.kernel.find(id.as_str()).and_then(|slot| shell.kernel.view(slot)).map(|view| view.state);
    matches!(state, None | Some(State::Stopped | State::Crashed))
}

/// An observation that is under way. However it is left, it ends, and the module is started anew.
struct Watch<'a> {
    shell: &'a Rc<RefCell<Shell>>,
    id: ModuleId,
    blueprint: Rc<Blueprint>,
    /// Whether it ran before.
    ran: bool,
    is_over: bool,
}

impl<'a> Watch<'a> {
    fn begin(shell: &'a Rc<RefCell<Shell>>, id: &ModuleId, open: bool) -> Result<Self, Refusal> {
        let mut shell_now = shell.borrow_mut();
        let slot = shell_now.kernel.find(id.as_str()).ok_or_else(|| Refusal::no_module(id.as_str()))?;
        let blueprint = shell_now.blueprint(slot).ok_or_else(|| Refusal::no_module(id.as_str()))?;
        if blueprint.runtime == Runtime::Wasm {
            let why = format!(
                "`{id}` is WebAssembly: all that it can want goes through the kernel, which says what it refuses"
            );
            return Err(Refusal::new("host::profile::no_process", why).help(format!("ostoja why {id}")));
        }
        if shell_now.net.outside(&shell_now.proofs) != Outside::Brokered {
            let why =
                "this machine gives no network namespace or no seccomp notification, by which wants are told";
            return Err(Refusal::new("host::profile::not_here", why).help("ostoja doctor"));
        }
        let wished = if open { Manner::Open } else { Manner::Held };
        if shell_now.observed.begin(&blueprint, wished).is_none() {
            let why = format!("`{id}` is being observed already");
            return Err(Refusal::new("host::profile::under_way", why));
        }
        let ran = shell_now.seat(slot).is_some_and(|seat| seat.life.is_some());
        drop(shell_now);
        Ok(Self { shell, id: id.clone(), blueprint, ran, is_over: false })
    }

    fn end(&mut self) -> Result<Profiled, Refusal> {
        self.is_over = true;
        let mut shell = self.shell.borrow_mut();
        let gone = || Refusal::no_module(self.id.as_str());
        let observation = shell.observed.end(&self.id).ok_or_else(gone)?;
        let mut profiled = shell.profiled(&self.id, &observation).ok_or_else(gone)?;
        // What a project says is approved by being written, so it is written by whoever minds it.
        profiled.file = profiled.file.filter(|_| self.blueprint.origin == Origin::Home);
        self.start_anew(&mut shell);
        Ok(profiled)
    }

    fn start_anew(&self, shell: &mut Shell) {
        let order = if self.ran { Order::Restart } else { Order::Stop };
        shell.order(order(self.id.clone()));
        shell.end_turn();
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        // It is dropped by a task that is between two turns, so nobody else has the shell.
        if let (false, Ok(mut shell)) = (self.is_over, self.shell.try_borrow_mut()) {
            shell.observed.end(&self.id);
            self.start_anew(&mut shell);
        }
    }
}
