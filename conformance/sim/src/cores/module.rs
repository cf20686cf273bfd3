//! A fake process on one of several cores: it says what it likes, remembers what it is owed, and knows what it may be
//! told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use abi::{Name, Payload};
use kernel::{Address, CallContext, Incoming, Message, Outcome, Outgoing, Spec, Word};

use super::call;
use crate::house;
use crate::random::Random;

#[derive(Debug)]
pub(super) struct Module {
    /// Services it may call.
    pub(super) may: BTreeSet<Name>,
    life: Address,
    works: bool,
    rests: bool,
    made: u64,
    /// Calls that it made and that are not answered yet.
    owed: BTreeSet<Word>,
    /// What it has to say next.
    due: VecDeque<Incoming>,
    last_hop: u64,
    spoken: u64,
    /// The last message of each sender.
    heard: BTreeMap<(u64, Word), u64>,
}

impl Module {
    pub(super) fn new(spec: Option<Spec>, life: Address) -> Self {
        let may = spec.and_then(|spec| spec.capabilities).map(|own| own.services).unwrap_or_default();
        Self {
            may,
            life,
            works: false,
            rests: false,
            made: 0,
            owed: BTreeSet::new(),
            due: VecDeque::new(),
            last_hop: 0,
            spoken: 0,
            heard: BTreeMap::new(),
        }
    }

    /// It says nothing of its own any more.
    pub(super) fn rest(&mut self) {
        self.rests = true;
    }

    /// The next thing that it says, if any.
    pub(super) fn speak(&mut self, random: &mut Random, modules: u64) -> Option<Incoming> {
        if random.happens(60)
            && let Some(said) = self.due.pop_front()
        {
            return Some(said);
        }
        if !self.works || self.rests {
            return None;
        }
        match random.below(10) {
            0..=5 => {
                self.made += 1;
                let id = Word::parse(&format!("{}-{}", self.life.generation, self.made)).ok()?;
                self.owed.insert(id.clone());
                let deadline = random.happens(20).then(|| random.below(200));
                Some(call(id, house::name('s', random.below(modules)), deadline))
            }
            6 => Some(Incoming::Cancel { id: self.owed.first()?.clone() }),
            7 => Some(Incoming::Credit { id: self.owed.last()?.clone(), parts: 4 }),
            _ => {
                self.spoken += 1;
                let text = format!("{} {}", self.life.generation, self.spoken);
                let topic = house::name('t', random.below(2));
                let payload = Payload::new(text.as_bytes());
                Some(Incoming::Publish { topic, payload, context: CallContext::default() })
            }
        }
    }

    /// An answer to a call that it was not asked, under a number that another may have.
    pub(super) fn forged(&self, random: &mut Random) -> Incoming {
        let hop = self.last_hop + 1 + random.below(9);
        let id = Word::parse(&hop.to_string()).expect("a number is short");
        Incoming::Answer { id, outcome: Outcome::Error(String::from("forged")) }
    }

    /// It is told something.
    pub(super) fn receive(&mut self, frame: Outgoing, random: &mut Random) -> Result<(), String> {
        match frame {
            Outgoing::Init => self.due.push_back(Incoming::Ready),
            Outgoing::Ping => self.due.push_back(Incoming::Pong),
            Outgoing::DepsReady => self.works = true,
            Outgoing::Call { hop, params, .. } => return self.asked(hop, params, random),
            Outgoing::Answer { id, outcome } => return self.answered(&id, &outcome),
            Outgoing::Deliver { topic, message: Message::Raw(payload), .. } => {
                return self.delivered(topic, &payload);
            }
            Outgoing::Chunk { id, .. } | Outgoing::End { id, .. } | Outgoing::Progress { id, .. }
                if !self.owed.contains(&id) =>
            {
                return Err(format!("a part of call {id} came, which is not open"));
            }
            _ => {}
        }
        Ok(())
    }

    /// Answers with what it was given, now or later or never, some with parts and signs of life before.
    fn asked(&mut self, hop: u64, params: Option<Payload>, random: &mut Random) -> Result<(), String> {
        if !self.works {
            return Err(String::from("it was called before it was told that it is ready"));
        }
        if hop <= self.last_hop {
            return Err(format!("call {hop} came after call {}", self.last_hop));
        }
        self.last_hop = hop;
        let id = Word::parse(&hop.to_string()).map_err(|error| error.to_string())?;
        let part = || params.clone().unwrap_or_else(|| Payload::new(b"null"));
        match random.below(20) {
            0 | 1 => return Ok(()),
            2 => (0..random.below(24))
                .for_each(|seq| self.due.push_back(Incoming::Chunk { id: id.clone(), seq, data: part() })),
            3 => self.due.push_back(Incoming::Progress { id: id.clone(), payload: part() }),
            4 => self.due.extend([Incoming::End { id: id.clone() }, Incoming::End { id: id.clone() }]),
            _ => {}
        }
        self.due.push_back(Incoming::Answer { id, outcome: Outcome::Result(params) });
        Ok(())
    }

    fn answered(&mut self, id: &Word, outcome: &Outcome) -> Result<(), String> {
        if !self.owed.remove(id) {
            return Err(format!("call {id} was answered twice or never made"));
        }
        match outcome {
            Outcome::Result(Some(result)) if result.as_bytes() == id.as_str().as_bytes() => Ok(()),
            Outcome::Result(_) => Err(format!("call {id} was answered with what belongs to another")),
            Outcome::Error(error) if error == "forged" => {
                Err(format!("call {id} was answered by a stranger"))
            }
            Outcome::Error(_) => Ok(()),
        }
    }

    fn delivered(&mut self, topic: Word, payload: &Payload) -> Result<(), String> {
        let text = String::from_utf8_lossy(payload.as_bytes());
        let mut numbers = text.split(' ').filter_map(|number| number.parse::<u64>().ok());
        let (sender, number) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if sender == self.life.generation.0 {
            return Err(String::from("a message came back to its sender"));
        }
        let last = self.heard.entry((sender, topic)).or_default();
        if number <= *last {
            return Err(format!("message {number} of life {sender} came after message {last}"));
        }
        *last = number;
        Ok(())
    }

    /// Nothing is owed to it when all is at rest.
    pub(super) fn farewell(&self) -> Result<(), String> {
        match self.owed.first() {
            Some(id) => Err(format!("call {id} was never answered")),
            None => Ok(()),
        }
    }
}
