//! Every request of the operator door, handed to where it is done.

use abi::{ModuleId, Name, Payload};
use kernel::{Answer, Order};
use protocol::operator::{Published, Request};
use serde_json::{Value, json};

use super::connection::Caller;
use super::reply::{self, Done, Refusal, call_answer, plain_answer};
use super::{
    actor_requests, config_requests, context_requests, function_requests, kernel_requests, logs,
    module_requests, permission_requests, profile_requests, secret_requests, snapshot_requests,
    update_requests, usage_requests,
};
use crate::talk::{Follower, Wants};

/// Does it and answers.
pub(super) async fn handle(caller: &Caller, request: Request) {
    let done = match request {
        // These answer by themselves, because events follow their answers.
        Request::Logs(request) => return logs::handle(caller, request).await,
        Request::Usage { interval_ms: Some(interval_ms) } => {
            return usage_requests::follow(caller, interval_ms);
        }
        Request::Subscribe { topics } => return subscribe(caller, &topics).await,
        Request::Events {} => return follow_records(caller),
        Request::Usage { interval_ms: None } => usage_requests::once(caller),
        Request::Call { service, method, params, timeout_ms } => {
            call(caller, &service, &method, params, timeout_ms).await
        }
        Request::Publish { topic, payload } => publish(caller, &topic, &payload).await,
        Request::KernelStatus {} => kernel_requests::status(caller),
        Request::KernelStop { dry_run } => kernel_requests::stop(caller, dry_run).await,
        Request::KernelSafeMode { why } => kernel_requests::safe_mode(caller, why).await,
        Request::KernelResume {} => kernel_requests::resume(caller).await,
        Request::ZonePromote { module_id } => kernel_requests::promote(caller, &module_id).await,
        Request::ZoneRestart { zone } => kernel_requests::zone(caller, zone, Order::RestartZone).await,
        Request::ZoneReset { zone } => kernel_requests::zone(caller, zone, Order::ResetZone).await,
        Request::KernelSettle { timeout_ms } => kernel_requests::settle(caller, timeout_ms).await,
        Request::KernelReload { what, dry_run } => kernel_requests::reload(caller, what, dry_run).await,
        Request::PermissionsList { module_id } => permission_requests::list(caller, module_id.as_deref()),
        Request::PermissionsPending {} => permission_requests::pending(caller),
        Request::PermissionsGrant(change) => permission_requests::grant(caller, change).await,
        Request::PermissionsDeny(change) => permission_requests::deny(caller, change).await,
        Request::PermissionsRevoke(change) => permission_requests::revoke(caller, change).await,
        Request::ContextList { scope } => context_requests::list(caller, scope.as_deref()),
        Request::ContextGet(wanted) => context_requests::get(caller, &wanted),
        Request::ContextSet(change) => context_requests::set(caller, change).await,
        Request::ContextDelete(wanted) => context_requests::delete(caller, &wanted).await,
        Request::SecretsUnlock { key } => secret_requests::unlock(caller, key),
        Request::SecretsChanged(change) => secret_requests::changed(caller, &change),
        Request::Config(verb) => config_requests::handle(caller, verb).await,
        Request::Snapshot(verb) => snapshot_requests::handle(caller, verb).await,
        Request::Update(verb) => update_requests::handle(caller, verb).await,
        Request::Actors { interval_ms } => actor_requests::actors(caller, interval_ms).await,
        request @ (Request::FunctionPut { .. }
        | Request::FunctionRun { .. }
        | Request::FunctionList {}
        | Request::FunctionRemove { .. }
        | Request::FunctionStats {}) => function_requests::handle(caller, request).await,
        Request::ModuleProfile { module_id, for_ms, open } => {
            profile_requests::profile(caller, &module_id, for_ms, open).await
        }
        Request::Journal(request) => logs::journal(caller, request).await,
        Request::Why { module_id, limit } => logs::why(caller, &module_id, limit).await,
        module => module_requests::handle(caller, module).await,
    };
    caller.outlet.response(&reply::response(done));
}

/// The name of a module as an operator typed it.
pub(super) fn module_id(text: &str) -> Result<ModuleId, Refusal> {
    // What can't be a name is the name of no module.
    ModuleId::parse(text).map_err(|_| Refusal::no_module(text))
}

pub(super) fn name<T: From<Name>>(field: &str, text: &str) -> Result<T, Refusal> {
    let refused = |error| Refusal::new("host::door::bad_request", format!("{field} {error}"));
    Name::parse(text).map(T::from).map_err(refused)
}

pub(super) fn payload(value: &Value) -> Payload {
    Payload::new(value.to_string().as_bytes())
}

async fn call(
    caller: &Caller,
    service: &str,
    method: &str,
    params: Option<Value>,
    timeout_ms: Option<u64>,
) -> Done {
    let order = Order::Call {
        service: name("service", service)?,
        method: name("method", method)?,
        params: params.as_ref().map(payload),
        timeout_ms,
    };
    call_answer(caller.order(order).await?)
}

async fn publish(caller: &Caller, topic: &str, value: &Value) -> Done {
    let order = Order::Publish { topic: name("topic", topic)?, payload: payload(value) };
    match caller.order(order).await? {
        Answer::Published(receivers) => reply::data(&Published { receivers }),
        other => plain_answer(other).map(|_| None),
    }
}

async fn subscribe(caller: &Caller, topics: &[String]) {
    caller.outlet.hold();
    let done = begin_subscription(caller, topics).await;
    caller.outlet.release(&reply::response(done), |_| false);
}

/// The subscription's number stays with the connection: it ends when the operator hangs up.
async fn begin_subscription(caller: &Caller, topics: &[String]) -> Done {
    let topics: Vec<Name> = topics.iter().map(|topic| name("topic", topic)).collect::<Result<_, _>>()?;
    let (request, answer) = {
        let mut shell = caller.shell.borrow_mut();
        let (request, answer) = shell.desk.expect();
        shell.desk.hear(request, caller.outlet.clone());
        shell.feed(kernel::Event::Ordered(request, Order::Subscribe(topics)));
        shell.end_turn();
        (request, answer)
    };
    caller.heard.borrow_mut().push(request);
    let gone = |_| Refusal::new("kernel::order::shutting_down", "the kernel is gone");
    plain_answer(answer.await.map_err(gone)?)?;
    caller.follows.set(true);
    Ok(Some(json!({})))
}

fn follow_records(caller: &Caller) {
    caller.outlet.response(&reply::response(Ok(Some(json!({})))));
    let follower = Follower { outlet: caller.outlet.clone(), wants: Wants::Records };
    caller.shell.borrow_mut().talk.followers.push(follower);
    caller.follows.set(true);
}
