//! A pump works off what there is, sleeps, and is called exactly when something comes from elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};

use super::*;
use crate::platform::hosted::Hosted;
use crate::{Actor, Context, Spawn, StopAll};

struct Tell(Sender<u32>);

impl Actor for Tell {
    type Message = u32;

    fn handle(&mut self, message: u32, _ctx: &mut Context<'_>) {
        let _ = self.0.send(message);
    }
}

#[test]
fn a_sleeping_pump_is_called_once_and_a_working_one_not_at_all() {
    let calls = Arc::new(AtomicU32::new(0));
    let called = calls.clone();
    let waker = move || {
        called.fetch_add(1, Ordering::SeqCst);
    };
    let (system, mut pump, others) =
        Pump::assemble(Config::default(), Hosted::new(1), waker, |_| Box::new(StopAll));
    assert!(others.is_empty());
    let (tx, rx) = channel();
    let tell = system.spawn(Spawn::default(), Tell(tx)).expect("there is room");
    assert_eq!(pump.pump(), Pumped::Idle);
    let before = calls.load(Ordering::SeqCst);
    for number in 0..3 {
        system.send(tell, number).expect("it lives");
    }
    assert_eq!(calls.load(Ordering::SeqCst), before + 1, "one call for three messages to a sleeper");
    assert_eq!(pump.pump(), Pumped::Idle);
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn the_loop_itself_sends_without_the_queue_from_outside() {
    let (system, mut pump, _) =
        Pump::assemble(Config::default(), Hosted::new(1), || {}, |_| Box::new(StopAll));
    let (tx, rx) = channel();
    let tell = pump.with(|ctx| ctx.spawn(Tell(tx))).expect("there is room");
    pump.with(|ctx| ctx.send(tell, 5)).expect("it lives");
    assert_eq!(pump.pump(), Pumped::Idle);
    assert_eq!(rx.try_recv(), Ok(5));
    system.close();
    assert_eq!(pump.pump(), Pumped::Closed);
    assert!(rx.try_recv().is_err());
}
