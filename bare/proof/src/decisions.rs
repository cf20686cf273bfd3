//! Both planes at work: two modules are found, started and ready, one calls the other, both are stopped.

use alloc::vec;
use alloc::vec::Vec;

use abi::{ExitKind, Generation, ModuleId, Name, RequestId, Slot, Time};
use kernel::{
    CallContext, Discovered, Door, Effect, Ensemble, Event, Grants, Incoming, Order, Outcome, Outgoing, Spec,
};

/// 10,000 calls: enough that memory which is not given back would show.
const CALLS: u64 = 10_000;

/// Runs until the kernel says that it is finished; gives the number of answered calls.
pub(crate) fn run() -> Result<u64, &'static str> {
    let mut world = World { kernel: Ensemble::new(1), now: 0, answered: 0, finished: false };
    let provider = spec("adder", |spec| spec.provides = vec![Name::literal("adder")])?;
    let caller = spec("asker", |spec| spec.requires = vec![Name::literal("adder")])?;
    world.tell(Event::Discovered(vec![provider, caller]))?;
    if world.answered != CALLS {
        return Err("not every call was answered");
    }
    world.tell(Event::Ordered(RequestId(1), Order::Shutdown))?;
    if world.finished { Ok(world.answered) } else { Err("the kernel never finished") }
}

fn spec(id: &str, change: impl FnOnce(&mut Spec)) -> Result<Discovered, &'static str> {
    let mut spec = Spec::plain(ModuleId::parse(id).map_err(|_| "not a module's name")?);
    spec.door = Door::Lines;
    change(&mut spec);
    let grants = Grants { base: Some(spec.declared.clone()), spawned_before: true, ..Grants::default() };
    Ok(Discovered { spec, grants, refused: None })
}

struct World {
    kernel: Ensemble,
    now: u64,
    answered: u64,
    finished: bool,
}

impl World {
    /// What happened, and everything that follows from it.
    fn tell(&mut self, event: Event) -> Result<(), &'static str> {
        let mut events = Vec::from([event]);
        while let Some(event) = events.pop() {
            self.now += 1000;
            self.kernel.handle(Time(self.now), event);
            while let Some(effect) = self.kernel.poll_effect() {
                events.extend(self.act(effect)?);
            }
        }
        Ok(())
    }

    fn act(&mut self, effect: Effect) -> Result<Option<Event>, &'static str> {
        Ok(match effect {
            Effect::Spawn(slot, life) => Some(Event::Spawned(slot, life)),
            Effect::Send(slot, life, frame) => self.hear(slot, life, frame)?,
            Effect::Signal(slot, life, _) => Some(Event::Exited(slot, life, ExitKind::Code(0))),
            Effect::Finished => {
                self.finished = true;
                None
            }
            _ => None,
        })
    }

    /// What the fake modules do with a frame.
    fn hear(&mut self, slot: Slot, life: Generation, frame: Outgoing) -> Result<Option<Event>, &'static str> {
        let says = |said| Ok(Some(Event::Said(slot, life, said)));
        match frame {
            Outgoing::Init => says(Incoming::Ready),
            Outgoing::Ping => says(Incoming::Pong),
            Outgoing::DepsReady if self.is("asker", slot) => says(call()),
            Outgoing::Call { hop, .. } => {
                let id = Name::parse(&alloc::format!("{hop}")).map_err(|_| "not a hop's name")?;
                says(Incoming::Answer { id: id.into(), outcome: Outcome::Result(None) })
            }
            Outgoing::Answer { outcome: Outcome::Result(_), .. } => {
                self.answered += 1;
                if self.answered < CALLS { says(call()) } else { Ok(None) }
            }
            Outgoing::Answer { outcome: Outcome::Error(_), .. } => Err("a call was refused"),
            Outgoing::Shutdown => Ok(Some(Event::Exited(slot, life, ExitKind::Code(0)))),
            _ => Ok(None),
        }
    }

    fn is(&self, id: &str, slot: Slot) -> bool {
        self.kernel.find(id) == Some(slot)
    }
}

fn call() -> Incoming {
    Incoming::Call {
        id: Name::literal("1").into(),
        service: Name::literal("adder").into(),
        method: Name::literal("add").into(),
        params: None,
        context: CallContext::default(),
    }
}
