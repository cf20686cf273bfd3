//! Single steps, for drivers that decide about the order themselves, and acts between two messages.

use alloc::vec::Vec;

use super::Shard;
use super::dispatch::Source;
use super::fate::Outcome;
use crate::contain::contain;
use crate::context::Context;
use crate::message::{LANES, Line, Packet, discard};

/// What waits at a core that is driven by lot: taken out of logs and rings, so that it can be handled in any order.
#[derive(Default)]
pub(super) struct Lots(Vec<Line>);

impl Drop for Lots {
    fn drop(&mut self) {
        for line in &mut self.0 {
            // SAFETY: what waits here was taken by nobody.
            unsafe { discard(line.header.tag, line.payload.as_mut_ptr().cast()) };
        }
    }
}

impl Shard {
    /// Acts between two messages, in nobody's name.
    pub(crate) fn aside<R>(&mut self, act: impl FnOnce(&mut Context<'_>) -> R) -> R {
        self.step_back();
        let result = act(&mut Context::new(self));
        self.end_begun_span();
        self.after = 0;
        result
    }

    /// Reads the clock and fires what is due.
    pub(crate) fn tick(&mut self) {
        if contain(|| self.look_at_clock()) == Outcome::Panicked {
            self.recover();
        }
    }

    /// Handles one message drawn by lot; false when there is none. Messages of the system lane go first, and those of
    /// one actor in one lane in their order.
    pub(crate) fn step_by_lot(&mut self) -> bool {
        self.start_fresh();
        self.gather();
        self.press_moves();
        let line = self.draw_line();
        let (did, has_moved) = (line.is_some() || !self.replays.is_empty(), self.moves.take_stirred());
        let run = || {
            if let Some(mut line) = line {
                self.tally.handled += 1;
                self.dispatch(line.header, line.payload.as_mut_ptr().cast(), Source::Queue);
            }
            while let Some(actor) = self.replays.pop_front() {
                self.replay(actor);
            }
            self.after = 0;
        };
        if contain(run) == Outcome::Panicked {
            self.recover();
        }
        self.send_leftovers();
        self.publish_counters();
        did || has_moved
    }

    /// Takes what has come out of logs, rings and the queue from outside.
    fn gather(&mut self) {
        let port = &self.shared.ports[self.core as usize];
        let mut injected = core::mem::take(&mut self.injected);
        port.inject.take_all(&mut injected);
        for mut line in injected.drain(..) {
            self.queue_arrival(&mut line);
        }
        self.injected = injected;
        for from in 0..self.incoming.len() {
            while let Some(packet) = self.incoming[from].as_mut().and_then(|consumer| consumer.pop()) {
                let header = Packet::unpack(packet.head);
                self.queue_arrival(&mut Line::new(header, packet.payload));
            }
        }
        for lane in 0..LANES {
            while let Some(line) = self.lanes[lane].pop(&mut self.chunks) {
                // SAFETY: the line was in the log, so it is filled; it is read once.
                self.lots.0.push(unsafe { line.read() });
            }
        }
    }

    fn draw_line(&mut self) -> Option<Line> {
        if self.lots.0.is_empty() {
            return None;
        }
        let drawn = self.draw() as usize % self.lots.0.len();
        let header = self.lots.0[drawn].header;
        let is_system = |line: &Line| line.header.meta & 0xff == 0;
        let is_earlier = |line: &Line| line.header.dst == header.dst && line.header.meta == header.meta;
        let first =
            self.lots.0.iter().position(is_system).or_else(|| self.lots.0.iter().position(is_earlier));
        Some(self.lots.0.remove(first.unwrap_or(drawn)))
    }
}
