//! The host's end of a module's lane: frames through shared memory instead of the pipes.
//!
//! # States of a lane
//! ```text
//!            made at the launch           `ready` names it              a rule broken
//! Absent ─────────────────────► Offered ───────────────────► Used ─────────────────────► Broken, and the life ends
//!    ▲                             │
//!    └─ no memory to be had        └─ `ready` does not name it ──► Absent, everything stays on the pipes
//! ```
//! Our side never waits on shared memory. It lies down on the module's stdout, which it watches anyway: whatever comes
//! there rings the lane's bell, and the lane's own task looks into it and lies down again. While the thread is kept awake
//! for the next frame it does not lie down at all, and looks at the lanes in use instead ([`Shell::look_at_lanes`]), so
//! that nobody has to write line breaks.

use std::ops::Range;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use abi::limits::LINE_BYTES_MAX_DEFAULT;
use abi::{Generation, Slot, Time};
use kernel::{Attempt, Event};
use protocol::door::{LaneOffer, TransportKind};
use protocol::encode;
use protocol::files::policy::Transport;
use shm::limits::RING_BYTES_DEFAULT;
use shm::{Doze, LAYOUT, Lane, PeerFault, Receiver};
use tokio::sync::Notify;

use crate::files::blueprint::Blueprint;
use crate::life::Life;
use crate::limits::{LANE_FRAMES, LAST_WORDS_FRAMES_MAX, READ_BYTES};
use crate::outbox::{Mail, Posted, Written};
use crate::pipes::Took;
use crate::shell::Shell;
use crate::tasks;
use crate::translate::Sheet;

/// 3: the first number after a program's input and outputs.
const LANE_FD: i32 = 3;

/// Where the lane of a life is.
#[derive(Debug, Default)]
pub(crate) enum LaneEnd {
    /// There is none.
    #[default]
    Absent,
    /// The module has not said yet whether it takes it.
    Offered(Box<Lane>),
    /// In use.
    Used {
        receiver: Receiver,
        /// Rung when there may be something to read.
        bell: Rc<Notify>,
    },
    /// The module broke its rules.
    Broken,
}

impl LaneEnd {
    /// A lane for a module that asked for one, and the descriptor that it is started with. What can't be made is none.
    pub(crate) fn make(blueprint: &Blueprint) -> (Self, Option<OwnedFd>) {
        if blueprint.transport != Transport::Shm || blueprint.door != kernel::Door::Lines {
            return (Self::Absent, None);
        }
        match Lane::create(RING_BYTES_DEFAULT) {
            Ok((lane, fd)) => (Self::Offered(Box::new(lane)), Some(fd)),
            Err(error) => {
                tracing::warn!(%error, module = %blueprint.id, "there is no lane, so the pipes are used");
                (Self::Absent, None)
            }
        }
    }

    /// What the module is told of it.
    pub(crate) fn offer(&self) -> Option<LaneOffer> {
        let offer =
            LaneOffer { kind: TransportKind::Shm, fd: LANE_FD, bytes: RING_BYTES_DEFAULT, layout: LAYOUT };
        matches!(self, Self::Offered(_)).then_some(offer)
    }

    /// Whether there is none.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether frames come by it, or came until it broke, and no more by the pipe.
    pub(crate) fn is_used(&self) -> bool {
        matches!(self, Self::Used { .. } | Self::Broken)
    }
}

/// There is no lane any more.
#[derive(Debug)]
struct Gone;

/// Where a frame lies that was taken off a lane: no more than a ring holds and one long frame at a time.
#[derive(Debug)]
pub(crate) enum Cut {
    /// In the read buffer.
    Here(Range<usize>),
    /// It found no room there.
    Apart(Vec<u8>),
}

/// What one look into a lane came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looked {
    /// Nothing more is there.
    Empty,
    /// There may be more.
    More,
    /// There is no lane any more.
    Gone,
}

impl Shell {
    /// The module says that it is ready, and whether it takes the lane. Comes before the kernel hears of it, so that
    /// what follows from it goes by the lane already.
    pub(crate) fn settle_lane(&mut self, slot: Slot, generation: Generation, named: Option<TransportKind>) {
        let handle = self.handle();
        let Some(life) = self.life_mut(slot, generation) else { return };
        match (std::mem::take(&mut life.lane), named) {
            (LaneEnd::Offered(lane), Some(kind @ TransportKind::Shm)) => {
                let Lane { sender, receiver } = *lane;
                let posted = life.outbox.post(Mail::Certain, |out| encode::transport(out, kind));
                // A module that has closed its stdin can't be told, and will not be told anything else.
                if posted == Posted::Queued {
                    life.outbox.switch(sender);
                    let bell = Rc::new(Notify::new());
                    // What the module wrote until now came without a line break.
                    bell.notify_one();
                    life.lane = LaneEnd::Used { receiver, bell: bell.clone() };
                    life.tasks.push(tasks::read_lane(handle, slot, generation, bell));
                    self.list_mail_of(slot, generation);
                }
            }
            (LaneEnd::Absent, Some(TransportKind::Shm)) => {
                self.warn(slot, generation, "`ready` names a lane, but none was offered".to_owned());
            }
            (used @ (LaneEnd::Used { .. } | LaneEnd::Broken), _) => life.lane = used,
            (LaneEnd::Offered(_) | LaneEnd::Absent, None) => {}
        }
    }

    /// One turn of reading from a lane.
    pub(crate) fn read_by_lane(&mut self, slot: Slot, generation: Generation) -> Took {
        if let Some(wait) = self.must_wait(slot, generation) {
            return Took::Later(wait);
        }
        let looked = self.look_into(slot, generation, LANE_FRAMES);
        // Who rang may have made room for our writing end.
        self.list_mail_of(slot, generation);
        self.end_turn();
        match looked {
            Looked::More => Took::More,
            Looked::Gone => Took::End,
            Looked::Empty if self.is_looking_out => {
                self.stay_up(slot, generation);
                Took::All
            }
            Looked::Empty => self.lie_down(slot, generation),
        }
    }

    /// Lies down on the module's stdout, unless there is something already.
    fn lie_down(&mut self, slot: Slot, generation: Generation) -> Took {
        match self.life_mut(slot, generation) {
            Some(Life { lane: LaneEnd::Used { receiver, .. }, .. }) => match receiver.doze() {
                Doze::Ready => Took::More,
                Doze::Asleep => Took::All,
            },
            _ => Took::End,
        }
    }

    /// What a dead process left in its lane.
    pub(crate) fn take_last_frames(&mut self, slot: Slot, generation: Generation) {
        // A process that it left behind may still write, so there is an end to it.
        self.look_into(slot, generation, LAST_WORDS_FRAMES_MAX);
    }

    /// Hands on the frames that are there, at most so many.
    fn look_into(&mut self, slot: Slot, generation: Generation, frames_max: usize) -> Looked {
        let now = self.now();
        let mut left = frames_max;
        while left > 0 {
            let wanted = left.min(LANE_FRAMES);
            match self.take_some(now, (slot, generation), wanted) {
                Ok(taken) if taken < wanted => return Looked::Empty,
                Ok(taken) => left -= taken,
                Err(Gone) => return Looked::Gone,
            }
        }
        Looked::More
    }

    /// At most so many frames, and how many there were. They are copied into the read buffer first, so that their payloads can
    /// be shared without another copy, and so that the module gets its room back and is woken once for all of them.
    fn take_some(
        &mut self,
        now: Time,
        (slot, generation): (Slot, Generation),
        frames_max: usize,
    ) -> Result<usize, Gone> {
        let mut sheet = self.fresh_sheet();
        let mut cuts = std::mem::take(&mut self.cuts);
        let Some(Life { lane: LaneEnd::Used { receiver, .. }, .. }) = self.life_mut(slot, generation) else {
            (self.cuts, self.sheet) = (cuts, Some(sheet));
            return Err(Gone);
        };
        let room = Sheet::get_mut(&mut sheet).expect("it was just made, or is nobody else's");
        let mut filled = 0;
        let received = receiver.receive(frames_max, |frame| {
            let end = filled + frame.len();
            cuts.push(match room.get_mut(filled..end) {
                Some(place) => {
                    place.copy_from_slice(frame);
                    let begin = std::mem::replace(&mut filled, end);
                    Cut::Here(begin..end)
                }
                None => Cut::Apart(frame.to_vec()),
            });
        });
        if let Ok(received) = &received {
            self.rouse(slot, generation, received.rouse);
        }
        for cut in cuts.drain(..) {
            let frame = match &cut {
                Cut::Here(range) => &sheet[range.clone()],
                Cut::Apart(bytes) => bytes,
            };
            // What one frame led to may have ended the life, or its lane.
            if !matches!(self.life_mut(slot, generation), Some(Life { lane: LaneEnd::Used { .. }, .. })) {
                break;
            }
            self.take_laned(now, slot, generation, frame, &sheet);
        }
        self.cuts = cuts;
        self.sheet = Some(sheet);
        received.map(|received| received.frames).map_err(|fault| {
            self.break_lane(slot, generation, fault);
            Gone
        })
    }

    fn take_laned(&mut self, now: Time, slot: Slot, generation: Generation, frame: &[u8], sheet: &Sheet) {
        let calls = self.seat(slot).map_or(0, |seat| seat.tally.calls_in);
        if frame.len() <= LINE_BYTES_MAX_DEFAULT {
            self.take_frame(now, slot, generation, frame, sheet);
        } else {
            self.refuse_long(slot, generation, frame.len() as u64);
        }
        let calls = self.seat(slot).map_or(0, |seat| seat.tally.calls_in).saturating_sub(calls);
        self.pay(now, slot, generation, 1, calls);
    }

    /// Wakes a module that waits for room in its lane.
    fn rouse(&mut self, slot: Slot, generation: Generation, rouse: shm::Rouse) {
        if let Some(life) = self.life_mut(slot, generation) {
            // One that has closed its stdin finds out by itself.
            let _closed: Written = life.outbox.rouse(rouse);
        }
    }

    /// The module broke the lane's rules: nothing more is read from it nor said to it.
    pub(crate) fn break_lane(&mut self, slot: Slot, generation: Generation, fault: PeerFault) {
        let Some(life) = self.life_mut(slot, generation) else { return };
        life.lane = LaneEnd::Broken;
        life.outbox.close();
        let attempt = Attempt::BreakLane { fault: fault.to_string() };
        self.feed(Event::Tried(slot, generation, attempt));
    }

    /// A buffer to read into that nothing else refers to.
    pub(crate) fn fresh_sheet(&mut self) -> Sheet {
        // Payloads of the last read may still be on their way: then they keep that sheet, and this is another one.
        let kept = self.sheet.take().filter(|sheet| std::sync::Arc::strong_count(sheet) == 1);
        kept.unwrap_or_else(|| Sheet::from(vec![0; READ_BYTES]))
    }
}

/// Lanes that are looked at while the thread is kept awake, instead of being slept on.
impl Shell {
    /// Does not lie down on this lane until [`Shell::leave_lanes`].
    pub(crate) fn stay_up(&mut self, slot: Slot, generation: Generation) {
        if self.lanes_up.contains(&(slot, generation)) {
            return;
        }
        if let Some(Life { lane: LaneEnd::Used { receiver, .. }, .. }) = self.life_mut(slot, generation) {
            // Takes nothing and gets up: the module then writes no line break for what comes. A fault is found again.
            let _up = receiver.receive(0, |_| {});
            self.lanes_up.push((slot, generation));
        }
    }

    /// One look at every lane that is not slept on; each that has more than a turn takes is left to its own task.
    pub(crate) fn look_at_lanes(&mut self) {
        if self.is_leaving {
            return;
        }
        let mut lanes = std::mem::take(&mut self.lanes_up);
        let mut any = false;
        lanes.retain(|(slot, generation)| {
            let Some(life) = self.life_mut(*slot, *generation) else { return false };
            let LaneEnd::Used { receiver, bell } = &life.lane else { return false };
            if !receiver.is_ready() {
                return true;
            }
            if life.held.is_slowed() {
                // Its own task keeps its pace.
                bell.notify_one();
                return false;
            }
            any = true;
            let bell = bell.clone();
            let looked = self.look_into(*slot, *generation, LANE_FRAMES);
            if looked == Looked::More {
                bell.notify_one();
            }
            looked == Looked::Empty
        });
        // Some may have got up in between.
        lanes.retain(|lane| !self.lanes_up.contains(lane));
        self.lanes_up.append(&mut lanes);
        if any {
            self.end_turn();
        }
    }

    /// Leaves them to their own tasks, which lie down.
    pub(crate) fn leave_lanes(&mut self) {
        let mut lanes = std::mem::take(&mut self.lanes_up);
        for (slot, generation) in lanes.drain(..) {
            self.ring_lane(slot, generation);
        }
        // The list's memory is kept for the next time.
        self.lanes_up = lanes;
    }

    /// Has a lane looked into by its own task.
    pub(crate) fn ring_lane(&mut self, slot: Slot, generation: Generation) {
        if let Some(Life { lane: LaneEnd::Used { bell, .. }, .. }) = self.life_mut(slot, generation) {
            bell.notify_one();
        }
    }
}
