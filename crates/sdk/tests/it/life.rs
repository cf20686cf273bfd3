//! From `install` to `shutdown`.

use sdk::{Failure, Handlers, LogLevel, Module, Outcome, json};

use crate::fake_kernel::FakeKernel;

fn logging() -> Module {
    Module::new()
        .version("1.2.3")
        .service("echo", |call| Ok(call.raw_params().clone()))
        .on_install(|handle| Ok(handle.log(LogLevel::Info, "install")?))
        .on_init(|handle| {
            if handle.config_at("fail").is_some() {
                return Err(Failure::new("no database"));
            }
            Ok(handle.log_with(LogLevel::Info, "init", (*handle.config()).clone())?)
        })
        .on_ready(|handle| Ok(handle.log(LogLevel::Info, "ready")?))
        .on_service_available(|handle, name| Ok(handle.log(LogLevel::Info, &format!("service {name}"))?))
        .on_config(|handle| Ok(handle.log_with(LogLevel::Info, "config", (*handle.config()).clone())?))
        .on_save(|_| Ok(json!({"kept": 1})))
        .on_restore(|handle, state, version| match version {
            "bad" => Err(Failure::new("cannot read that")),
            _ => Ok(handle.log_with(LogLevel::Info, "restore", state)?),
        })
        .on_kernel_call(|_, method, params| Ok(json!([method, params])))
        .on_shutdown(|handle| Ok(handle.log(LogLevel::Info, "shutdown")?))
}

#[test]
fn hooks_run_in_the_order_of_the_kernel() {
    let mut kernel = FakeKernel::run(logging());
    kernel.send(json!({"type": "install"}));
    kernel.init(json!({"logging": {"a": {"b": 1}}}));
    kernel.send(json!({"type": "deps_ready"}));
    kernel.send(json!({"type": "service_available", "service": "db"}));
    kernel.send(json!({"type": "config:update", "config": {"logging": 2}, "changedSections": ["logging"]}));
    kernel.expect(&json!({"type": "log", "msg": "config"}));
    kernel.send(json!({"type": "shutdown"}));
    let (outcome, said) = kernel.wait();
    assert_eq!(outcome, Outcome::Finished);
    let log = |msg: &str| json!({"type": "log", "level": "info", "msg": msg});
    let manifest = json!({"version": "1.2.3", "provides": ["echo"], "subscribes": []});
    let expected = vec![
        log("install"),
        json!({"type": "log", "level": "info", "msg": "init", "data": {"a": {"b": 1}}}),
        json!({"type": "ready", "manifest": manifest}),
        log("ready"),
        log("service db"),
        log("shutdown"),
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_failed_init_is_a_nack_and_the_end() {
    let mut kernel = FakeKernel::run(logging());
    kernel.init(json!({"logging": {"fail": true}}));
    let (outcome, said) = kernel.wait();
    assert_eq!(outcome, Outcome::InitFailed);
    assert_eq!(said, vec![json!({"type": "nack", "id": "init", "error": "no database"})]);
}

#[test]
fn the_end_of_the_pipe_ends_the_module_with_its_shutdown_hook() {
    for handlers in [Handlers::Inline, Handlers::Threads(1), Handlers::Threads(3)] {
        let (outcome, said) = FakeKernel::ready(logging().handlers(handlers)).hang_up();
        assert_eq!(outcome, Outcome::Finished);
        assert_eq!(
            said.last(),
            Some(&json!({"type": "log", "level": "info", "msg": "shutdown"})),
            "{handlers:?}"
        );
    }
}

#[test]
fn state_is_saved_and_restored() {
    let mut kernel = FakeKernel::ready(logging());
    kernel.send(json!({"type": "state:save", "id": "a"}));
    let saved = kernel.expect(&json!({"id": "a"}));
    assert_eq!(saved, json!({"type": "state:saved", "id": "a", "state": {"kept": 1}, "version": "1.2.3"}));
    kernel.send(json!({"type": "state:restore", "id": "b", "state": 5, "version": "1"}));
    kernel.expect(&json!({"type": "state:restored", "id": "b"}));
    kernel.expect(&json!({"type": "log", "msg": "restore", "data": 5}));
    kernel.send(json!({"type": "state:restore", "id": "c", "state": 5, "version": "bad"}));
    kernel.expect(&json!({"type": "nack", "id": "c", "error": "cannot read that"}));
}

#[test]
fn ping_is_answered_while_the_handler_is_busy() {
    let busy = Module::new().service("work", |call| {
        call.handle().log(LogLevel::Info, "working")?;
        call.wait_cancelled(std::time::Duration::MAX);
        Ok(json!(null))
    });
    let mut kernel = FakeKernel::ready(busy);
    kernel.ask("a", "work", "hold", json!(null));
    kernel.expect(&json!({"msg": "working"}));
    kernel.send(json!({"type": "ping"}));
    kernel.expect(&json!({"type": "pong"}));
    kernel.send(json!({"type": "cancel", "id": "a"}));
    kernel.expect(&json!({"type": "rpc_response", "id": "a", "error": "cancelled"}));
    kernel.ask("b", "work", "hold", json!(null));
    kernel.expect(&json!({"msg": "working"}));
    kernel.ask("c", "work", "hold", json!(null));
    kernel.send(json!({"type": "shutdown"}));
    kernel.expect(&json!({"type": "rpc_response", "id": "c", "error": "shutting down"}));
    kernel.send(json!({"type": "ping"}));
    kernel.expect(&json!({"type": "pong"}));
    kernel.ask("d", "work", "hold", json!(null));
    kernel.expect(&json!({"type": "rpc_response", "id": "d", "error": "shutting down"}));
    kernel.send(json!({"type": "cancel", "id": "b"}));
    kernel.expect(&json!({"type": "rpc_response", "id": "b", "error": "cancelled"}));
    assert_eq!(kernel.wait().0, Outcome::Finished);
}

#[test]
fn lines_that_are_no_messages_are_survived() {
    let mut kernel = FakeKernel::ready(logging());
    kernel.send_raw(
        b"\n  \n{not json\n[1]\nnull\n{}\n{\"type\":\"from_the_future\",\"id\":1}\n{\"type\":5}\n\xff\xfe\n",
    );
    kernel.send_raw(&[b'['; 100_000]);
    kernel.send_raw(b"\n");
    assert_eq!(kernel.request("echo", "same", json!(7))["result"], json!(7));
}

#[test]
fn a_call_of_the_kernel_is_answered() {
    let mut kernel = FakeKernel::ready(logging());
    kernel.send(json!({"type": "call", "id": "k", "method": "m", "params": 3}));
    kernel.expect(&json!({"type": "call:response", "id": "k", "result": ["m", 3]}));
    let mut kernel = FakeKernel::ready(Module::new());
    kernel.send(json!({"type": "call", "id": "k", "method": "m"}));
    kernel.expect(&json!({"type": "call:response", "id": "k", "error": "Unknown method: m"}));
}
