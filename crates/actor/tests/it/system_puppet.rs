//! An actor that does what it is told, and the systems that the tests of the rooms around the core run in.

use std::sync::mpsc::{Receiver, Sender, channel};

use actor::dice::Dice;
use actor::platform::Core;
use actor::{Actor, Address, Config, Context, Reason, Spawn, StopAll, System};

/// More than any test needs.
pub(crate) const STEPS: u64 = 1_000_000;

/// What a puppet is to do.
pub(crate) type Act = Box<dyn FnOnce(&mut Puppet, &mut Context<'_>) + Send>;

/// Does what it is sent, and tells what becomes of it.
pub(crate) struct Puppet {
    name: String,
    tell: Sender<String>,
}

impl Puppet {
    pub(crate) fn new(name: &str, tell: &Sender<String>) -> Self {
        Self { name: name.to_owned(), tell: tell.clone() }
    }

    pub(crate) fn tell(&self, what: &str) {
        let _ = self.tell.send(format!("{} {what}", self.name));
    }
}

impl Actor for Puppet {
    type Message = Act;
    const STARTS: bool = true;

    fn started(&mut self, _ctx: &mut Context<'_>) {
        self.tell("started");
    }

    fn handle(&mut self, act: Act, ctx: &mut Context<'_>) {
        act(self, ctx);
    }

    fn stopped(&mut self, reason: Reason, _ctx: &mut Context<'_>) {
        self.tell(&format!("{reason:?}"));
    }
}

/// Wraps an act; a closure needs a type to grow into.
pub(crate) fn act(act: impl FnOnce(&mut Puppet, &mut Context<'_>) + Send + 'static) -> Act {
    Box::new(act)
}

/// An act that says something.
pub(crate) fn say(what: &'static str) -> Act {
    act(move |puppet, _| puppet.tell(what))
}

/// An act that panics.
pub(crate) fn panic() -> Act {
    act(|_, _| panic!("this is what the test wants"))
}

/// What makes a message out of news.
pub(crate) fn news(down: actor::Down) -> Act {
    act(move |puppet, _| puppet.tell(&format!("heard {:?}", down.reason)))
}

/// A system under a seed, and what its puppets say.
pub(crate) struct Stage {
    pub(crate) dice: Dice,
    pub(crate) tell: Sender<String>,
    said: Receiver<String>,
}

impl Stage {
    pub(crate) fn new(seed: u64, cores: usize) -> Self {
        let dice = Dice::assemble(Config { seed, cores, ..Config::default() }, |_| Box::new(StopAll));
        let (tell, said) = channel();
        Self { dice, tell, said }
    }

    pub(crate) fn system(&self) -> &System {
        self.dice.system()
    }

    pub(crate) fn puppet(&self, name: &str, core: u8) -> Address<Act> {
        let how = Spawn::default().on(Core(core));
        self.system().spawn(how, Puppet::new(name, &self.tell)).expect("there is room")
    }

    pub(crate) fn send(&self, to: Address<Act>, what: Act) {
        assert!(self.system().send(to, what).is_ok(), "it lives");
    }

    pub(crate) fn run(&mut self) {
        self.dice.run(STEPS);
    }

    /// All that was said since the last time.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said.try_iter().collect()
    }

    /// The same, run before, without the beginnings.
    pub(crate) fn played(&mut self) -> Vec<String> {
        self.run();
        self.said().into_iter().filter(|said| !said.ends_with("started")).collect()
    }
}
