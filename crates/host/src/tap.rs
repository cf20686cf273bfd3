//! Frames told to whoever started this process, for who writes a module and wants to see the conversation. It is off but
//! for `ostoja dev`, since a frame's payload is nobody's business otherwise.

use abi::{Generation, Slot};
use kernel::{Outgoing, Word};

use crate::run::Way;
use crate::shell::Shell;
use crate::translate::{Initial, tell};

/// What is told of an answer that holds a secret.
const SECRET: &[u8] = br#""(a secret)""#;

impl Shell {
    /// What a module said.
    pub(crate) fn tap_in(&self, slot: Slot, generation: Generation, line: &[u8]) {
        if self.talk.tells_frames() {
            self.tap(slot, generation, Way::FromModule, line);
        }
    }

    /// What a module is going to be told.
    pub(crate) fn tap_out(&mut self, slot: Slot, generation: Generation, frame: &Outgoing) {
        if !self.talk.tells_frames() || self.life_mut(slot, generation).is_none() {
            return;
        }
        let initial = match frame {
            Outgoing::Init | Outgoing::ConfigUpdate(_) => self.initial(slot, generation),
            _ => Initial { config: b"{}".to_vec(), home: String::new(), lane: None },
        };
        let mut line = Vec::new();
        tell(&mut line, frame, || initial);
        self.tap(slot, generation, Way::ToModule, &line);
    }

    /// The host's own answer to a module's call to the kernel; a secret is only said to have been given.
    pub(crate) fn tap_answer(
        &self,
        slot: Slot,
        generation: Generation,
        id: &Word,
        answer: Result<Option<&[u8]>, &str>,
    ) {
        if self.talk.tells_frames() {
            let mut line = Vec::new();
            protocol::encode::call_response(&mut line, id.as_str(), answer);
            self.tap(slot, generation, Way::ToModule, &line);
        }
    }

    /// The same for an answer that holds a secret.
    pub(crate) fn tap_secret(&self, slot: Slot, generation: Generation, id: &Word) {
        self.tap_answer(slot, generation, id, Ok(Some(SECRET)));
    }

    fn tap(&self, slot: Slot, generation: Generation, way: Way, line: &[u8]) {
        if let Some(seat) = self.seat(slot) {
            self.talk.frame(&seat.id, generation, way, line);
        }
    }
}
