//! A module as an actor: entries in order, answers to who asked, others kept aside while it waits.

use std::sync::{Arc, Mutex};

use actor::platform::hosted::Hosted;
use actor::pumped::{Pump, Pumped};
use actor::{Address, Config, Reply, Sink, Spawn, StopAll};
use wasm::actor::{Call, Courier, Entry, ModuleActor};
use wasm::{Answer, Context, Fault, Limits, Ticket};

use crate::guests::Guest;
use crate::host::{Host, engine, instance};

/// Keeps answers, and counts what it carried and heard.
#[derive(Debug, Default)]
struct Kept {
    answers: Mutex<Vec<wasm::actor::Result>>,
    falls: Mutex<Vec<Fault>>,
}

impl Sink<wasm::actor::Result> for Kept {
    fn answer(&self, answer: wasm::actor::Result) {
        self.answers.lock().unwrap().push(answer);
    }
}

struct Listener(Arc<Kept>);

impl Courier for Listener {
    fn carry(&mut self, _: &mut actor::Context<'_>) {}

    fn fell(&mut self, fault: &Fault, _: &mut actor::Context<'_>) {
        self.0.falls.lock().unwrap().push(fault.clone());
    }
}

struct Stage {
    pump: Pump,
    module: Address<Entry>,
    kept: Arc<Kept>,
    host: Host,
}

impl Stage {
    fn of(guest: &Guest) -> Self {
        let (instance, host) = instance(&engine(), &guest.text(), Limits::MODULE);
        let kept = Arc::new(Kept::default());
        let (_, mut pump, _) =
            Pump::assemble(Config::default(), Hosted::new(1), || {}, |_| Box::new(StopAll));
        let actor = ModuleActor::new(instance, Listener(Arc::clone(&kept)));
        let module = pump.with(|turn| turn.spawn_with(Spawn::default(), actor)).unwrap();
        Self { pump, module, kept, host }
    }

    fn tell(&mut self, entry: Entry) {
        let module = self.module;
        self.pump.with(|turn| turn.send(module, entry)).unwrap();
    }

    fn reply(&self) -> Reply<wasm::actor::Result> {
        Reply::to_sink(Arc::clone(&self.kept) as Arc<dyn Sink<_>>)
    }

    fn call(&mut self, params: &[u8]) {
        let call = Call {
            about: Context::default(),
            service: "front".to_owned(),
            method: "ask".to_owned(),
            params: params.to_vec().into(),
            reply: self.reply(),
        };
        self.tell(Entry::Call(Box::new(call)));
    }

    fn settle(&mut self) {
        while self.pump.pump() == Pumped::More {}
    }

    fn answers(&self) -> Vec<wasm::actor::Result> {
        self.kept.answers.lock().unwrap().clone()
    }
}

#[test]
fn entries_are_done_in_order_and_answered() {
    let mut stage = Stage::of(&Guest::new());
    let reply = stage.reply();
    stage.tell(Entry::Init(reply));
    stage.tell(Entry::Message { topic: 0, payload: b"x".to_vec().into(), about: None });
    stage.call(b"[1]");
    stage.settle();
    assert_eq!(stage.answers(), [Ok(Answer::Nothing), Ok(Answer::Bytes(b"[1]".to_vec()))]);
}

#[test]
fn module_that_waits_keeps_other_entries_aside() {
    let guest = Guest::new().calling().with(
        "on-call",
        "(call $call (i32.const 1120) (i32.const 5) (i32.const 1128) (i32.const 3)
           (local.get $at) (local.get $len) (i32.const 0) (i32.const 512))
         (call $bytes (i32.load (i32.const 516)) (i32.load (i32.const 520)))",
    );
    let mut stage = Stage::of(&guest);
    stage.call(b"first");
    stage.call(b"second");
    let reply = stage.reply();
    stage.tell(Entry::Health(reply));
    stage.settle();
    assert_eq!(stage.answers(), [Ok(Answer::Nothing)], "only the health check is answered");
    assert_eq!(stage.host.seen.lock().unwrap().calls.len(), 1, "the second call was not begun");
    stage.tell(Entry::Answer(Ticket(1), Ok(b"one".to_vec().into())));
    stage.settle();
    stage.tell(Entry::Answer(Ticket(2), Ok(b"two".to_vec().into())));
    stage.settle();
    let bytes = |text: &str| Ok(Answer::Bytes(text.as_bytes().to_vec()));
    assert_eq!(stage.answers()[1..], [bytes("one"), bytes("two")]);
}

#[test]
fn fall_is_told_and_ends_the_actor() {
    let mut stage = Stage::of(&Guest::new().with("on-message", "(unreachable)"));
    stage.tell(Entry::Message { topic: 0, payload: b"x".to_vec().into(), about: None });
    stage.settle();
    assert_eq!(stage.kept.falls.lock().unwrap().len(), 1);
    let module = stage.module;
    let late = Entry::Message { topic: 0, payload: b"x".to_vec().into(), about: None };
    assert!(stage.pump.with(|turn| turn.send(module, late)).is_err(), "nobody is there any more");
}

#[test]
fn swap_under_a_queue_of_messages_loses_none() {
    let mut stage = Stage::of(&Guest::new());
    let (new, _) = instance(&engine(), &Guest::new().text(), Limits::MODULE);
    let message = || Entry::Message { topic: 0, payload: b"x".to_vec().into(), about: None };
    struct Nobody;
    impl Sink<Result<wasm::Swapped, wasm::SwapError>> for Nobody {
        fn answer(&self, swapped: Result<wasm::Swapped, wasm::SwapError>) {
            assert!(swapped.is_ok(), "{swapped:?}");
        }
    }
    for _ in 0..50 {
        stage.tell(message());
    }
    stage.tell(Entry::Swap(Box::new(new), Reply::to_sink(Arc::new(Nobody))));
    for _ in 0..50 {
        stage.tell(message());
    }
    let (last, _) = instance(&engine(), &Guest::new().text(), Limits::MODULE);
    let state = Arc::new(Mutex::new(0));
    struct Size(Arc<Mutex<usize>>);
    impl Sink<Result<wasm::Swapped, wasm::SwapError>> for Size {
        fn answer(&self, swapped: Result<wasm::Swapped, wasm::SwapError>) {
            let mut old = swapped.unwrap().old;
            let saved = old.save(Context::default()).unwrap();
            let wasm::Outcome::Done(Answer::Saved(saved)) = saved else { panic!("it saves") };
            *self.0.lock().unwrap() = u32::from_le_bytes(saved.data.try_into().unwrap()) as usize;
        }
    }
    stage.tell(Entry::Swap(Box::new(last), Reply::to_sink(Arc::new(Size(Arc::clone(&state))))));
    stage.settle();
    assert_eq!(*state.lock().unwrap(), 100);
}
