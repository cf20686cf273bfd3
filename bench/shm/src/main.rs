//! How long a frame of 200 bytes takes through a lane, beside a bare ring, between two processes.
//!
//! Prints one JSON line for each work: the median of [`ROUNDS`] rounds, the works interleaved. The other process is this
//! program again, started with the work's name.

use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::thread::{CpuSet, sched_setaffinity};
use shm::limits::RING_BYTES_DEFAULT;
use shm::{Lane, Pushed, Rouse, Woken};

mod bare;

/// Odd, so that the median is one of them.
const ROUNDS: usize = 7;

/// 200,000 round trips: a tenth of a second when both look, ten seconds when both sleep.
const TRIPS: u64 = 200_000;

/// 20,000 round trips through sleeps.
const SLEPT_TRIPS: u64 = 20_000;

/// Four million frames one way.
const FRAMES: u64 = 4_000_000;

/// 64 frames are published at once.
const BATCH: u64 = 64;

/// A wait that takes longer than this means that the other side is gone.
const PATIENCE: Duration = Duration::from_secs(5);

const MESSAGE: [u8; 200] = [b'x'; 200];

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    BareTrip,
    LaneTrip,
    LaneTripOneCore,
    BareFlow,
    LaneFlow,
    LaneFlowSingle,
}

impl Work {
    const ALL: [(Self, &str, &str); 6] = [
        (Self::BareTrip, "round trip, bare ring", "ns"),
        (Self::LaneTrip, "round trip, lane", "ns"),
        (Self::LaneTripOneCore, "round trip, lane, one core", "ns"),
        (Self::BareFlow, "one way, bare ring, batches of 64", "frames/s"),
        (Self::LaneFlow, "one way, lane, batches of 64", "frames/s"),
        (Self::LaneFlowSingle, "one way, lane, one by one", "frames/s"),
    ];

    fn is_bare(self) -> bool {
        matches!(self, Self::BareTrip | Self::BareFlow)
    }

    /// The processors of the first and the second side.
    fn cores(self) -> (usize, usize) {
        if self == Self::LaneTripOneCore { (0, 0) } else { (0, 1) }
    }

    fn trips(self) -> u64 {
        if self == Self::LaneTripOneCore { SLEPT_TRIPS } else { TRIPS }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match &arguments[1..] {
        [number, fd] => answer(number.parse().expect("a number"), fd.parse().expect("a number")),
        _ => measure(),
    }
}

fn measure() {
    let mut found = [(); Work::ALL.len()].map(|()| Vec::new());
    for _ in 0..ROUNDS {
        for (values, number) in found.iter_mut().zip(0..) {
            values.push(one(number));
        }
    }
    let mut out = std::io::stdout();
    for (values, (_, work, unit)) in found.iter_mut().zip(Work::ALL) {
        values.sort_by(f64::total_cmp);
        let (value, least, most) = (values[ROUNDS / 2], values[0], values[ROUNDS - 1]);
        let line = format!(
            r#"{{"work":"{work}","value":{value:.1},"unit":"{unit}","least":{least:.1},"most":{most:.1}}}"#
        );
        writeln!(out, "{line}").expect("stdout takes it");
    }
}

/// One round of one work: nanoseconds a round trip, or frames a second.
fn one(number: usize) -> f64 {
    let (work, ..) = Work::ALL[number];
    pin(work.cores().0);
    if work.is_bare() {
        let fd = bare::create();
        let mut child = other_side(number, &fd);
        let [out, back] = bare::map(&fd);
        let value = if work == Work::BareTrip { bare_trips(out, back) } else { bare_flow(out, back) };
        end(&mut child);
        return value;
    }
    let (lane, fd) = Lane::create(RING_BYTES_DEFAULT).expect("a lane");
    let mut child = other_side(number, &fd);
    let value = match work {
        Work::LaneFlow => lane_flow(lane, BATCH),
        Work::LaneFlowSingle => lane_flow(lane, 1),
        _ => lane_trips(lane, work.trips()),
    };
    end(&mut child);
    value
}

fn other_side(number: usize, fd: &OwnedFd) -> Child {
    fcntl_setfd(fd.as_fd(), FdFlags::empty()).expect("a descriptor");
    let program = std::env::current_exe().expect("this program is a file");
    let child = Command::new(program).args([number.to_string(), fd.as_raw_fd().to_string()]).spawn();
    child.expect("this program starts")
}

fn end(child: &mut Child) {
    assert!(child.wait().expect("a child").success(), "the other side counts the same");
}

/// The second process.
fn answer(number: usize, fd: i32) {
    let (work, ..) = Work::ALL[number];
    pin(work.cores().1);
    if work.is_bare() {
        let [from, to] = bare::map(&inherited(fd));
        return if work == Work::BareTrip { bare_echo(from, to) } else { bare_count(from, to) };
    }
    let lane = Lane::attach_inherited(fd, RING_BYTES_DEFAULT).expect("a lane");
    match work {
        Work::LaneFlow | Work::LaneFlowSingle => lane_count(lane),
        _ => lane_echo(lane, work.trips()),
    }
}

#[expect(unsafe_code, reason = "a descriptor that was inherited comes as a number")]
fn inherited(fd: i32) -> OwnedFd {
    // SAFETY: the process that started this one left the descriptor open, and nothing else here knows of it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).expect("this machine has two processors");
}

fn per_trip(begin: Instant, trips: u64) -> f64 {
    begin.elapsed().as_nanos() as f64 / trips as f64
}

fn per_second(begin: Instant) -> f64 {
    FRAMES as f64 / begin.elapsed().as_secs_f64()
}

// The bare ring.

fn bare_trips(mut out: bare::Bare, mut back: bare::Bare) -> f64 {
    let mut into = [0; 256];
    let mut trip = || {
        out.push(&MESSAGE);
        out.show();
        back.take(&mut into);
    };
    (0..TRIPS / 10).for_each(|_| trip());
    let begin = Instant::now();
    (0..TRIPS).for_each(|_| trip());
    per_trip(begin, TRIPS)
}

fn bare_echo(mut from: bare::Bare, mut to: bare::Bare) {
    let mut into = [0; 256];
    for _ in 0..TRIPS + TRIPS / 10 {
        from.take(&mut into);
        to.push(&into[..MESSAGE.len()]);
        to.show();
    }
}

fn bare_flow(mut out: bare::Bare, mut back: bare::Bare) -> f64 {
    let begin = Instant::now();
    for _ in 0..FRAMES / BATCH {
        (0..BATCH).for_each(|_| out.push(&MESSAGE));
        out.show();
    }
    back.take(&mut [0; 256]);
    per_second(begin)
}

fn bare_count(mut from: bare::Bare, mut to: bare::Bare) {
    let (mut into, mut taken) = ([0; 256], 0);
    while taken < FRAMES {
        taken += from.take(&mut into);
    }
    to.push(&MESSAGE);
    to.show();
}

// The lane.

fn lane_trips(mut lane: Lane, trips: u64) -> f64 {
    (0..trips / 10).for_each(|_| {
        say(&mut lane);
        hear(&mut lane);
    });
    let begin = Instant::now();
    (0..trips).for_each(|_| {
        say(&mut lane);
        hear(&mut lane);
    });
    per_trip(begin, trips)
}

fn lane_echo(mut lane: Lane, trips: u64) {
    for _ in 0..trips + trips / 10 {
        hear(&mut lane);
        say(&mut lane);
    }
}

fn say(lane: &mut Lane) {
    let (pushed, rouse) = lane.sender.send(&MESSAGE).expect("a peer that keeps to the rules");
    assert!(pushed == Pushed::Taken && rouse == Rouse::Nobody, "an empty ring, and nobody on a pipe");
}

/// Waits for frames and takes all that are there.
fn hear(lane: &mut Lane) -> u64 {
    loop {
        let received = lane.receiver.receive(usize::MAX, |frame| assert_eq!(frame.len(), MESSAGE.len()));
        let received = received.expect("a peer that keeps to the rules");
        if received.frames > 0 {
            return received.frames as u64;
        }
        assert_eq!(lane.receiver.wait(PATIENCE), Woken::ForSomething, "the other side lives");
    }
}

fn lane_flow(mut lane: Lane, batch: u64) -> f64 {
    let begin = Instant::now();
    let mut sent = 0;
    while sent < FRAMES {
        let some = (0..batch).map(|_| &MESSAGE[..]);
        let (taken, rouse) = lane.sender.send_batch(some).expect("a peer that keeps to the rules");
        assert_eq!(rouse, Rouse::Nobody, "nobody waits on a pipe");
        sent += taken as u64;
        if taken < batch as usize {
            assert_eq!(lane.sender.wait_for_room(PATIENCE), Ok(Woken::ForSomething), "the other side lives");
        }
    }
    hear(&mut lane);
    per_second(begin)
}

fn lane_count(mut lane: Lane) {
    let mut taken = 0;
    while taken < FRAMES {
        taken += hear(&mut lane);
    }
    say(&mut lane);
}
