//! The functions behind the world's imports: each checks its bounds, asks the host's side, and looks at the clock again
//! afterwards, as a slow host function uses up the entry's time like the guest's own code does.

use std::sync::Arc;
use std::time::Duration;

use abi::Name;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmList};

use crate::engine::TICK;
use crate::fault::HostStop;
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::services::{
    BusRefusal, CallFailure, Called, ConfigRefusal, Level, Purpose, Request, SecretRefusal, Ticket, Wished,
};
use crate::state::{Letterbox, State, bytes_of};

type Guest<'a> = StoreContextMut<'a, State>;

/// Adds everything that the world `ostoja:module` imports.
pub(crate) fn add_to(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    add_log(linker)?;
    add_config(linker)?;
    add_bus(linker)?;
    add_context(linker)?;
    add_secrets(linker)?;
    add_clock(linker)
}

/// Gives a host function's result, unless the entry's time is over.
fn in_time<T>(store: &Guest<'_>, result: T) -> wasmtime::Result<(T,)> {
    if store.data().is_late() { Err(HostStop::Late.into()) } else { Ok((result,)) }
}

fn add_log(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut log = linker.instance("ostoja:module/log@0.1.0")?;
    log.func_wrap("write", |mut store: Guest<'_>, (level, line): (Level, String)| {
        store.data_mut().log(level, &line);
        in_time(&store, ()).map(|_| ())
    })
}

fn add_config(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut config = linker.instance("ostoja:module/config@0.1.0")?;
    config.func_wrap("read", |mut store: Guest<'_>, (key,): (String,)| {
        let value = match Name::parse(&key) {
            Ok(key) if !key.as_str().is_empty() => store.data_mut().services().config(&key),
            _ => Err(ConfigRefusal::Invalid),
        };
        in_time(&store, value)
    })
}

fn add_bus(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut bus = linker.instance("ostoja:module/bus@0.1.0")?;
    bus.func_wrap("open", |mut store: Guest<'_>, (topic,): (String,)| {
        let number = store.data_mut().open(&topic, Purpose::Publish);
        in_time(&store, number)
    })?;
    bus.func_wrap("subscribe", |mut store: Guest<'_>, (topic,): (String,)| {
        let number = store.data_mut().open(&topic, Purpose::Subscribe);
        in_time(&store, number)
    })?;
    bus.func_wrap("publish", |mut store: Guest<'_>, (topic, payload): (u32, WasmList<u8>)| {
        let sent = publish(&mut store, topic, &payload);
        in_time(&store, sent)
    })?;
    bus.func_wrap_async("call", |store: Guest<'_>, (service, method, params, deadline_ms)| {
        Box::new(call(store, service, method, params, deadline_ms))
    })
}

fn publish(store: &mut Guest<'_>, topic: u32, payload: &WasmList<u8>) -> Result<(), BusRefusal> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(BusRefusal::TooLarge);
    }
    store.data_mut().may_publish(topic)?;
    let mut services = store.data_mut().take_services();
    let sent = services.publish(topic, bytes_of(payload, (&*store).into()));
    store.data_mut().put_services(services);
    sent
}

async fn call(
    mut store: Guest<'_>,
    service: String,
    method: String,
    params: Vec<u8>,
    deadline_ms: u32,
) -> wasmtime::Result<(Result<Vec<u8>, CallFailure>,)> {
    let ticket = store.data_mut().next_ticket();
    let left_ms = ms_of(store.data().ticks_left());
    let deadline_ms = if deadline_ms == 0 { left_ms } else { left_ms.min(u64::from(deadline_ms)) };
    let request = Request { ticket, service: &service, method: &method, params: &params, deadline_ms };
    let called = if params.len() > PAYLOAD_BYTES_MAX {
        Called::Answered(Err(CallFailure::Failed("the parameters are too large".to_owned())))
    } else {
        store.data_mut().services().call(request)
    };
    let answer = match called {
        Called::Answered(answer) => answer,
        Called::Waiting => answer_to(Arc::clone(&store.data().letterbox), ticket).await,
    };
    in_time(&store, answer)
}

/// Leaves the guest's stack until the answer is there.
async fn answer_to(letterbox: Arc<Letterbox>, ticket: Ticket) -> Result<Vec<u8>, CallFailure> {
    letterbox.expect(ticket);
    std::future::poll_fn(|_| letterbox.take().map_or(std::task::Poll::Pending, std::task::Poll::Ready)).await
}

fn ms_of(ticks: u64) -> u64 {
    let tick_us = u64::try_from(TICK.as_micros()).unwrap_or(u64::MAX);
    ticks.saturating_mul(tick_us) / 1_000
}

fn add_context(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut context = linker.instance("ostoja:module/context@0.1.0")?;
    context.func_wrap("module-id", |store: Guest<'_>, (): ()| {
        Ok((store.data().identity.module.as_str().to_owned(),))
    })?;
    context.func_wrap("generation", |store: Guest<'_>, (): ()| Ok((store.data().identity.generation.0,)))?;
    context.func_wrap("sender", |store: Guest<'_>, (): ()| {
        Ok((store.data().context.sender.as_ref().map_or("", Name::as_str).to_owned(),))
    })?;
    context.func_wrap("deadline-ms", |store: Guest<'_>, (): ()| Ok((ms_of(store.data().ticks_left()),)))?;
    context.func_wrap("trace", |store: Guest<'_>, (): ()| {
        Ok((store.data().context.trace.as_ref().map_or("", Name::as_str).to_owned(),))
    })
}

fn add_secrets(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut secrets = linker.instance("ostoja:module/secrets@0.1.0")?;
    secrets.func_wrap_async("read", |store: Guest<'_>, (name,): (String,)| Box::new(secret(store, name)))
}

async fn secret(mut store: Guest<'_>, name: String) -> wasmtime::Result<(Result<Vec<u8>, SecretRefusal>,)> {
    let wished = if store.data().secrets.contains(&name) {
        let ticket = store.data_mut().next_ticket();
        match store.data_mut().services().secret(ticket, &name) {
            Wished::Answered(secret) => secret,
            Wished::Waiting => {
                let answer = answer_to(Arc::clone(&store.data().letterbox), ticket).await;
                store.data_mut().services().secret_of(answer)
            }
        }
    } else {
        Err(SecretRefusal::Denied)
    };
    in_time(&store, wished)
}

fn add_clock(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut clock = linker.instance("ostoja:module/clock@0.1.0")?;
    clock.func_wrap("monotonic-ns", |mut store: Guest<'_>, (): ()| {
        Ok((store.data_mut().services().monotonic_ns(),))
    })?;
    clock.func_wrap("wall-ms", |mut store: Guest<'_>, (): ()| Ok((store.data_mut().services().wall_ms(),)))
}

const _: () = assert!(
    TICK.as_nanos() == Duration::from_millis(1).as_nanos(),
    "a tick is a whole number of microseconds"
);
