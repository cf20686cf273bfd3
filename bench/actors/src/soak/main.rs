//! Everything that actors can do at once, for so many seconds: messages short and long, questions, timers, moves between
//! cores, panics and restarts, suspensions, requests, actors that come and go, threads that send and look from outside.
//!
//! What must hold: the messages of a pair come in order, none twice; all that was made is dropped, once; memory does not
//! grow; at the end the system comes to rest. Prints a line of JSON; leaves with 1 when something did not hold.
//! It is also what runs under a thread sanitizer.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the line on stdout is what the harness reads"
)]

mod ledger;
mod worker;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actor::hosted::{Drained, Running};
use actor::platform::Core;
use actor::{Actor, Address, Config, Context, Exit, Failure, Spawn, System, Verdict, Warden};

use ledger::{Ledger, resident_bytes};
use worker::{WORKERS, Work, Worker};

/// Seconds when nothing is said.
const SECONDS: u64 = 5;
/// Walkers on their way at once.
const WALKERS: u64 = 512;
/// Steps of one walker.
const STEPS: u32 = 2_000;
/// 64 MiB: what allocators and queues may have grown by between the first tenth and the end.
const GROWTH_MAX: u64 = 64 << 20;
/// How long the system may take to come to rest.
const REST: Duration = Duration::from_secs(30);

/// What panics is made again.
struct Again;

impl Warden for Again {
    fn failed(&mut self, _failure: &Failure, _ctx: &mut Context<'_>) -> Verdict {
        Verdict::Restart
    }

    fn exited(&mut self, _exit: &Exit, _ctx: &mut Context<'_>) {}
}

/// Spawns the workers, so that they can be made again.
struct Root(Arc<Ledger>);

impl Actor for Root {
    type Message = std::sync::mpsc::Sender<Vec<Address<Work>>>;

    fn handle(&mut self, tell: Self::Message, ctx: &mut Context<'_>) {
        let spawn = |number| {
            let ledger = self.0.clone();
            ctx.spawn_restartable(Spawn::default(), move || Worker::new(number, &ledger))
        };
        let workers: Result<Vec<_>, _> = (0..WORKERS as u32).map(spawn).collect();
        let _ = tell.send(workers.unwrap_or_default());
    }
}

fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(SECONDS);
    // Workers panic on purpose; the news of it are counted, not printed.
    std::panic::set_hook(Box::new(|_| ()));
    match soak(Duration::from_secs(seconds)) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("soak: {why}");
            ExitCode::FAILURE
        }
    }
}

fn soak(time: Duration) -> Result<String, String> {
    let ledger = Arc::new(Ledger::new());
    let config = Config { cores: 2, ring_entries: 64, actors_max: 1 << 15, ..Config::default() };
    let running =
        Running::start_with(config, |_| Box::new(Again)).map_err(|error| format!("starting: {error}"))?;
    let system = running.system().clone();
    let (tell, told) = std::sync::mpsc::channel();
    let root = system.spawn(Spawn::default(), Root(ledger.clone())).map_err(|why| why.to_string())?;
    system.send(root, tell).map_err(|refused| refused.why.to_string())?;
    let workers = told.recv_timeout(REST).map_err(|_| "the workers were not spawned".to_owned())?;
    if workers.len() != WORKERS || ledger.peers.set(workers.clone()).is_err() {
        return Err("not all workers were spawned".to_owned());
    }
    let grown = drive(&system, &workers, &ledger, time)?;
    ledger.end();
    if running.drain(REST) != Drained::Empty {
        return Err("the system did not come to rest".to_owned());
    }
    ledger.settle()?;
    if grown > GROWTH_MAX {
        return Err(format!("memory grew by {grown} bytes"));
    }
    Ok(ledger.line(grown))
}

/// Sends, moves, suspends and looks from outside until the time is up; by how much memory grew since the first tenth.
fn drive(
    system: &System,
    workers: &[Address<Work>],
    ledger: &Arc<Ledger>,
    time: Duration,
) -> Result<u64, String> {
    let began = Instant::now();
    let mut early = None;
    let mut round = 0_u64;
    while began.elapsed() < time {
        round += 1;
        while ledger.walking() < WALKERS {
            let to = ledger.draw() as usize % workers.len();
            let work = ledger.walker(to, STEPS);
            if system.send(workers[to], work).is_err() {
                break;
            }
        }
        let (one, other) = (
            workers[ledger.draw() as usize % workers.len()],
            workers[ledger.draw() as usize % workers.len()],
        );
        let _ = system.move_to(one.addr(), Core((ledger.draw() % 2) as u8));
        if system.suspend(other.addr()).is_ok() {
            let _ = system.resume(other.addr());
        }
        if round.is_multiple_of(16) {
            look(system, ledger)?;
        }
        if early.is_none() && began.elapsed() * 10 > time {
            early = Some(resident_bytes());
        }
        std::thread::yield_now();
    }
    Ok(resident_bytes().saturating_sub(early.unwrap_or(u64::MAX)))
}

/// What an observer does.
fn look(system: &System, ledger: &Arc<Ledger>) -> Result<(), String> {
    let request = system.begin_request();
    let to = ledger.draw() as usize % WORKERS;
    if let Some(peers) = ledger.peers.get() {
        let _ = system.send_for(request, peers[to], ledger.walker(to, 8));
    }
    for span in system.spans(request) {
        if span.ended_ns < span.began_ns {
            return Err(format!("a span ends before it begins: {span:?}"));
        }
    }
    let seen = system.observe(actor::OBSERVED_DEFAULT);
    if seen.actors.len() < WORKERS {
        return Err(format!("{} of {WORKERS} workers are seen", seen.actors.len()));
    }
    for core in 0..system.cores() {
        let _ = system.happenings(Core(core as u8)).ok_or("a core has no trace")?;
    }
    Ok(())
}
