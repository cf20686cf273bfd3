//! What guests' threads tell, brought to the kernel: some letters a turn, with everybody else's turns in between.

use abi::{ExitKind, Generation, Record, Slot};
use kernel::{Event, SpawnFault};
use store::{Level, LogLine, Source};
use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::make::Made;
use super::post::{End, Help, Letter, News};
use super::{Guest, Stage};
use crate::life::Stream;
use crate::pipes::{contains, text_line};
use crate::shell::{Handle, Shell};

/// SIGABRT, as signal(7) numbers it: how a process ends that finds itself broken, and so what a trap is shown as.
const ABORTED: i32 = 6;

/// 64 letters a turn: below a millisecond of work, as one read of a pipe.
pub(super) const LETTERS_PER_TURN: usize = 64;

/// Takes letters until the kernel ends.
pub(super) async fn hear_guests(shell: Handle, mut letters: mpsc::UnboundedReceiver<Letter>) {
    while let Some(first) = letters.recv().await {
        let Some(shell) = shell.upgrade() else { return };
        {
            let mut shell = shell.borrow_mut();
            shell.heed(first);
            for _ in 1..LETTERS_PER_TURN {
                let Ok(letter) = letters.try_recv() else { break };
                shell.heed(letter);
            }
            shell.end_turn();
        }
        yield_now().await;
    }
}

impl Shell {
    pub(super) fn hear_guest(&mut self, letter: Letter) {
        let Letter { slot, generation, news, _place } = letter;
        self.charge(slot, generation, &news);
        match news {
            News::Said(said) => {
                if self.guest(slot, generation).is_none() {
                    return;
                }
                self.frames += 1;
                self.feed(Event::Said(slot, generation, said));
            }
            News::Line(line) => self.say(slot, generation, line),
            News::Text(stream, line) => self.hear_text(slot, generation, stream, &line),
            News::Made(made) => self.guest_made(slot, generation, *made),
            News::NotMade { why, can_help, hall } => {
                self.free_hall(hall);
                if self.take_guest(slot, generation).is_some() {
                    let fault = match can_help {
                        Help::Perhaps => SpawnFault::Failed,
                        Help::No => SpawnFault::Refused,
                    };
                    self.feed(Event::SpawnFailed(slot, generation, fault, why));
                }
            }
            News::Swapped(done) => self.guest_swapped(slot, generation, done),
            News::Left { end, hall } => {
                self.free_hall(hall);
                self.guest_left(slot, generation, &end);
            }
        }
    }

    pub(super) fn guest(&mut self, slot: Slot, generation: Generation) -> Option<&mut Guest> {
        self.seat_mut(slot)?.guest_of(generation)
    }

    fn take_guest(&mut self, slot: Slot, generation: Generation) -> Option<Guest> {
        self.seat_mut(slot)?.guest.take_if(|guest| guest.generation == generation)
    }

    /// Every guest whose making was begun is told once to have ended, or not to have been made.
    fn free_hall(&mut self, hall: Option<usize>) {
        self.guests.guests = self.guests.guests.saturating_sub(1);
        match hall.and_then(|at| self.guests.halls.get_mut(at)) {
            Some(hall) => hall.residents = hall.residents.saturating_sub(1),
            None => self.guests.commands = self.guests.commands.saturating_sub(1),
        }
    }

    fn guest_made(&mut self, slot: Slot, generation: Generation, made: Made) {
        let Some(guest) = self.guest(slot, generation) else {
            // It was told to end while it was made.
            return match made {
                Made::Module(living) => drop(living.system.kill(living.address.addr())),
                Made::Command(..) => {}
            };
        };
        let begin = match made {
            Made::Module(living) => {
                guest.stage = Stage::Living(living);
                None
            }
            Made::Command(stop, begin) => {
                guest.stage = Stage::Running(stop);
                Some(begin)
            }
        };
        self.adopt_guest(slot, generation);
        self.feed(Event::Spawned(slot, generation));
        // Its thread waits for nothing else; one that has ended tells so.
        let _ended = begin.map(|begin| begin.try_send(()));
    }

    fn guest_left(&mut self, slot: Slot, generation: Generation, end: &End) {
        let Some(guest) = self.take_guest(slot, generation) else { return };
        let exit = match end {
            End::Code(code) => ExitKind::Code(code & 0xff),
            End::Killed => ExitKind::Signal(sandbox::Signal::KILL.number()),
            End::Fell(_) => ExitKind::Signal(ABORTED),
        };
        if let End::Fell(why) = end {
            self.tell_fall(slot, generation, &guest, why);
        }
        self.drop_swaps(slot, generation);
        self.forget_asks(slot, generation);
        self.feed(Event::Exited(slot, generation, exit));
    }

    /// Journaled before what follows from it, and kept where a crash report looks for last words.
    fn tell_fall(&mut self, slot: Slot, generation: Generation, guest: &Guest, why: &str) {
        let record = Record::new("wasm.fell").of(&guest.blueprint.id, Some(generation));
        self.record(record.text("why", why));
        if let Some(seat) = self.seat_mut(slot) {
            seat.stderr_tail.push(why.as_bytes());
        }
        self.say(slot, generation, LogLine::new(Level::Error, Source::Kernel, why));
    }

    /// A line of a plain command.
    fn hear_text(&mut self, slot: Slot, generation: Generation, stream: Stream, line: &[u8]) {
        let Some(seat) = self.seat_mut(slot) else { return };
        let source = match stream {
            Stream::Stdout => Source::Stdout,
            Stream::Stderr => {
                seat.stderr_tail.push(line);
                Source::Stderr
            }
        };
        let shows_ready = seat.guest_of(generation).is_some_and(|guest| {
            guest.awaited_text.take_if(|text| contains(line, text.as_bytes())).is_some()
        });
        self.say(slot, generation, text_line(Level::Info, source, line));
        if shows_ready {
            self.feed(Event::ReadySeen(slot, generation));
        }
    }
}
