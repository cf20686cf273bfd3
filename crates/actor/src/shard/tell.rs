//! Messages whose sender does not want to know what became of them: admitted a little later, when what has to be looked
//! at for it has come from memory.
//!
//! Whether a message may go say the receiver's routing word and its credit. Among a million actors both lie in memory
//! that no cache has, and a send that answers waits for them. Here they are asked for, the message is put into the log,
//! and by the time [`STAGED_MAX`] others lie behind it they are there.
//!
//! # Order
//! A staged line lies where its place in the order is. Before it is read, and before anything that changes what it is
//! judged by (an end, a panic, the end of the turn), all that is staged is admitted, in the order in which it was told.
//! A line that may not stay becomes [`VOID`].
//!
//! With several cores there is no stage: where a message goes depends on the routing word, so it is waited for.

use core::mem::MaybeUninit;
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use super::Shard;
use super::admit::{Urgency, Way};
use crate::address::{Addr, LOW_BYTE, Rights};
use crate::deadletters::Undelivered;
use crate::message::{Lane, Line, discard, put};
use crate::send::Refusal;

/// Messages on the stage: at 60 ns a message, six times as long as a read from memory takes. A power of two.
const STAGED_MAX: usize = 16;

/// The tag of a line in which nothing is; no message type has it.
pub(super) const VOID: u32 = 0;

/// The lines at the end of the normal lane's log that are not admitted yet. None when no turn runs.
pub(super) struct Stage {
    lines: [*mut Line; STAGED_MAX],
    next: usize,
    count: usize,
    /// The oldest one; null when there is none.
    first: *mut Line,
}

impl Default for Stage {
    fn default() -> Self {
        Self { lines: [null_mut(); STAGED_MAX], next: 0, count: 0, first: null_mut() }
    }
}

impl Stage {
    #[inline(always)]
    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// Whether this line, which is the next one to be read, is not admitted yet.
    #[inline(always)]
    pub(super) fn begins_with(&self, line: *mut Line) -> bool {
        self.first == line
    }

    #[inline(always)]
    fn put(&mut self, line: *mut Line) {
        self.lines[self.next % STAGED_MAX] = line;
        self.next = self.next.wrapping_add(1);
        self.count += 1;
        if self.count == 1 {
            self.first = line;
        }
    }

    /// The oldest one; there must be one.
    #[inline(always)]
    fn take(&mut self) -> *mut Line {
        let line = self.first;
        self.count -= 1;
        let second = self.lines[self.next.wrapping_sub(self.count) % STAGED_MAX];
        self.first = if self.count == 0 { null_mut() } else { second };
        line
    }
}

impl Shard {
    /// Sends a value whose type the tag names, in the normal lane and beyond the soft bound if need be.
    ///
    /// # Safety
    /// `tag` is the tag of `M`.
    #[inline(always)]
    pub(crate) unsafe fn tell<M: Send + 'static>(&mut self, to: Addr, tag: u32, message: M) {
        let is_plain = to.rights().contains(Rights::SEND)
            && self.is_alone
            && self.key == u64::from(self.core)
            && !self.current.head.is_null();
        let Some(route) = self.table.route(to.index()).filter(|_| is_plain) else {
            // SAFETY: the caller's words. What can't go was counted and noted.
            let _ = unsafe { self.send(to, tag, Lane::Normal, Urgency::Insist, message) };
            return;
        };
        fetch(core::ptr::from_ref(route).cast());
        fetch(self.table.credit_place(to.index()).cast());
        self.count_sent();
        if self.stage.count == STAGED_MAX {
            self.admit_oldest();
        }
        let line = self.lanes[Lane::Normal as usize].push(&mut self.chunks);
        // SAFETY: `push` gives the place of an entry to fill; it is filled before anything else happens.
        unsafe {
            (&raw mut (*line).header.dst).write(to.index());
            (&raw mut (*line).header.meta).write(to.word() | Lane::Normal as u32);
            (&raw mut (*line).header.tag).write(tag);
            (&raw mut (*line).spare).write(MaybeUninit::new(self.current.index));
            put((&raw mut (*line).payload).cast(), message);
        }
        self.stage.put(line);
    }

    /// Admits all that is staged.
    #[inline(always)]
    pub(super) fn admit_told(&mut self) {
        if !self.stage.is_empty() {
            self.admit_all_told();
        }
    }

    #[inline(never)]
    fn admit_all_told(&mut self) {
        while !self.stage.is_empty() {
            self.admit_oldest();
        }
    }

    #[inline(always)]
    fn admit_oldest(&mut self) {
        let line = self.stage.take();
        // SAFETY: a staged line is in the log, filled and not read.
        let header = unsafe { (*line).header };
        let word = self.table.route(header.dst).map_or(0, |route| route.load(Ordering::Acquire));
        if word == header.meta & !LOW_BYTE | self.core {
            // SAFETY: the routing word has the entry's generation, so the place was taken.
            let credit = unsafe { self.table.credit(header.dst) };
            let left = credit.load(Ordering::Relaxed);
            if left > 0 {
                return credit.store(left - 1, Ordering::Relaxed);
            }
        }
        self.admit_rarely_told(line, word);
    }

    /// In the name of who told it, which has not ended since: an end admits all that is staged first.
    #[cold]
    fn admit_rarely_told(&mut self, line: *mut Line, word: u32) {
        // What is staged behind this one waits, also for what control has to send now.
        let behind = core::mem::take(&mut self.stage);
        let running = self.current;
        // SAFETY: a staged line is filled and says who told it, an actor of this core.
        let (header, sender) = unsafe { ((*line).header, (*line).spare.assume_init()) };
        self.current.index = sender;
        // SAFETY: as above.
        self.current.head = unsafe { &raw mut (*self.table.slot(sender)).head };
        let to = Addr::from_word(header.dst, header.meta);
        let way = self.admit_by(to, word, Lane::Normal, Urgency::Insist);
        if way == Err(Refusal::Gone) {
            self.note_dead(self.current_addr(), to, header.tag, Undelivered::Ended);
            self.tally.dead += 1;
        }
        self.current = running;
        self.stage = behind;
        if matches!(way, Ok(Way::Local(_))) {
            return;
        }
        // SAFETY: the line is in the log and filled; what is in it is moved out here.
        let mut moved = unsafe {
            let moved = line.read();
            void(line);
            moved
        };
        match way {
            Ok(Way::Remote(core, _)) => {
                self.tally.remote += 1;
                self.send_line(core, moved);
            }
            // SAFETY: the payload is of its tag and nobody took it.
            _ => unsafe { discard(header.tag, moved.payload.as_mut_ptr().cast()) },
        }
    }
}

/// Leaves a line to be passed over.
///
/// # Safety
/// The line is in a log, and its payload was moved.
unsafe fn void(line: *mut Line) {
    // SAFETY: the caller's words. No actor has the generation 0, so whoever reads it looks closer.
    unsafe {
        (&raw mut (*line).header.meta).write(Lane::Normal as u32);
        (&raw mut (*line).header.tag).write(VOID);
    }
}

/// Asks for a line that will be read and perhaps written soon.
#[inline(always)]
fn fetch(place: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch changes nothing that a program can see, and may be of any address.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(place.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = place;
}
