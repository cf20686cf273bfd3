//! A hundred trivial commands under each supervisor: how long until all run, how long until a killed one has a
//! successor, whether all come back when all are killed, how long until all are gone, and what watching costs.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;

use super::peers::{self, Arena, Children, Peer};
use super::process;
use super::report::{Report, Sense};
use super::roll::Roll;

/// Commands per supervisor.
const COUNT: usize = 100;

/// 63 s: a child that has been up for a minute is healthy for Ostoja, and for everybody else too.
const HEALTHY: Duration = Duration::from_secs(63);

/// 20 s: what no supervisor but a broken one needs to bring children back.
const PATIENCE: Duration = Duration::from_secs(20);

/// 40 s to stop: circus may take 30 by its own default.
const STOP_PATIENCE: Duration = Duration::from_secs(40);

/// 10 s over which nothing happens.
const IDLE: Duration = Duration::from_secs(10);

/// Single kills per supervisor; the slowest takes about 5 s for each.
const KILLS: usize = 40;

/// Rounds of killing all: as promised for Ostoja, and a few to compare with.
const KILL_ALL_ROUNDS: usize = 12;
const KILL_ALL_ROUNDS_PEERS: usize = 3;

/// A supervisor with all its children.
struct Running {
    peer: Peer,
    arena: Arena,
    roll: Roll,
    child: Child,
    supervisor: u32,
}

impl Running {
    /// Puts the children's numbers right where they can't know them. Not within a measured time.
    fn learn_pids(&mut self) -> Result<()> {
        if let Some(pids) = self.peer.pids {
            self.roll.pids = pids(&self.arena).with_context(|| format!("asking {}", self.peer.name))?;
        }
        Ok(())
    }
}

/// Measures all that can be had, or only those named.
pub(super) fn measure(binary: &Path, rounds: usize, only: &[String]) -> Result<Report> {
    let tick = super::little("tick")?;
    let base = std::env::temp_dir().join(format!("ostoja-bench-{}", std::process::id()));
    let mut report = Report::new("supervisors");
    let wanted: Vec<Peer> = peers::all()
        .into_iter()
        .filter(|peer| {
            only.is_empty() || only.iter().any(|name| peer.name.split(", ").any(|part| part == name))
        })
        .collect();
    peers::install(&wanted.iter().map(|peer| peer.name).collect::<Vec<_>>());
    let mut present = Vec::new();
    for peer in wanted {
        match (peer.version)() {
            Some(version) => {
                report.note(format!("- {}: {version}; {}.", peer.name, peer.settings));
                present.push(peer);
            }
            None => println!("!! {} could not be installed: it is left out", peer.name),
        }
    }
    starts_and_stops(&mut report, &present, rounds, &|name| {
        Arena::create(&base, name, &tick, COUNT, binary)
    })?;
    let mut running = Vec::new();
    for peer in present {
        let (arena, roll) = Arena::create(&base, peer.name, &tick, COUNT, binary)?;
        running.push(started(peer, arena, roll, &mut report)?.0);
    }
    let measured = side_by_side(&mut report, &mut running);
    for mut one in running {
        stopped(&mut one, &mut report)?;
    }
    // The folder is in the system's own place for such things; what is left there is not worth a failure.
    let _ = std::fs::remove_dir_all(&base);
    measured?;
    promises(&mut report);
    Ok(report)
}

/// Every supervisor starts and stops all its children, once a round, each round beginning with another one.
fn starts_and_stops(
    report: &mut Report,
    peers: &[Peer],
    rounds: usize,
    arena: &dyn Fn(&str) -> Result<(Arena, Roll)>,
) -> Result<()> {
    for round in 0..rounds {
        for index in 0..peers.len() {
            let peer = &peers[(index + round) % peers.len()];
            let (place, roll) = arena(peer.name)?;
            let (mut running, took) = started(copy_of(peer), place, roll, report)?;
            report.sample(peer.name, "start of 100", "ms", took);
            if let Some(took) = stopped(&mut running, report)? {
                report.sample(peer.name, "stop of 100", "ms", took);
            }
            println!("round {} of {rounds}: {} started in {took:.0} ms", round + 1, peer.name);
        }
    }
    Ok(())
}

/// A peer is a handful of functions, so a copy is as good as the original.
fn copy_of(peer: &Peer) -> Peer {
    Peer { ..*peer }
}

/// Starts one supervisor; gives it with the time until its last child was heard.
fn started(peer: Peer, arena: Arena, mut roll: Roll, _report: &mut Report) -> Result<(Running, f64)> {
    (peer.prepare)(&arena).with_context(|| format!("preparing {}", peer.name))?;
    let command = (peer.start)(&arena)?;
    let began = Instant::now();
    let mut child = arena.spawn(command)?;
    let output =
        || crate::shell::tail(&std::fs::read_to_string(arena.folder.join("output")).unwrap_or_default(), 10);
    let last =
        roll.all(COUNT, STOP_PATIENCE).with_context(|| format!("starting {}: {}", peer.name, output()))?;
    let supervisor =
        (peer.supervisor)(&arena, &mut child).with_context(|| format!("looking for {}", peer.name))?;
    let mut running = Running { peer, arena, roll, child, supervisor };
    running.learn_pids()?;
    Ok((running, millis(last.duration_since(began))))
}

/// Stops one supervisor; gives the time until it and all children were gone, unless they outlive it by design.
fn stopped(running: &mut Running, report: &mut Report) -> Result<Option<f64>> {
    let name = running.peer.name;
    let supervisors = process::tree_without(running.supervisor, &running.arena.tick);
    let pids: Vec<u32> = running.roll.pids.values().copied().collect();
    let began = Instant::now();
    (running.peer.stop)(&running.arena, running.supervisor).with_context(|| format!("stopping {name}"))?;
    let mut took = None;
    if running.peer.children == Children::Stop {
        let left = process::wait_gone(&pids, STOP_PATIENCE)
            + process::wait_gone(&[running.supervisor], STOP_PATIENCE);
        took = Some(millis(began.elapsed()));
        if left > 0 {
            report.sample(name, "left after stop", "processes", as_f64(left));
        }
    } else {
        process::wait_gone(&[running.supervisor], STOP_PATIENCE);
    }
    // What is left must not be in the way of the next round.
    pids.iter().chain(&supervisors).for_each(|pid| process::signal(*pid, Signal::KILL));
    process::wait_gone(&pids, PATIENCE);
    let _ = running.child.wait();
    Ok(took)
}

/// What needs a healthy minute: all supervisors at once, taking turns, so that each meets the same noise.
fn side_by_side(report: &mut Report, running: &mut [Running]) -> Result<()> {
    println!("all are up; waiting for a healthy minute");
    std::thread::sleep(HEALTHY);
    idle(report, running);
    for number in 0..KILLS {
        for one in running.iter_mut() {
            single_kill(report, one, number)?;
        }
    }
    println!("{KILLS} single kills done");
    for round in 0..KILL_ALL_ROUNDS {
        for one in running.iter_mut() {
            if peers::OURS.contains(&one.peer.name) || round < KILL_ALL_ROUNDS_PEERS {
                kill_all(report, one)?;
            }
        }
    }
    let names: Vec<&'static str> = running.iter().map(|one| one.peer.name).collect();
    for name in names {
        for (measure, share) in [("restart p50", 0.5), ("restart p99", 0.99)] {
            if let Some(value) = report.quantile(name, "restart", share) {
                report.sample(name, measure, "ms", value);
            }
        }
    }
    Ok(())
}

/// Memory, and processor time while nothing happens.
fn idle(report: &mut Report, running: &[Running]) {
    let trees: Vec<Vec<u32>> =
        running.iter().map(|one| process::tree_without(one.supervisor, &one.arena.tick)).collect();
    let before: Vec<f64> = trees.iter().map(|tree| process::cpu_ms(tree)).collect();
    std::thread::sleep(IDLE);
    for ((one, tree), before) in running.iter().zip(&trees).zip(before) {
        let share = (process::cpu_ms(tree) - before) / millis(IDLE) * 100.0;
        let (rss, pss) = process::memory_mib(tree);
        report.sample(one.peer.name, "idle cpu", "%", share.max(0.0));
        report.sample(
            one.peer.name,
            "rss of the main process",
            "MiB",
            process::memory_mib(&[one.supervisor]).0,
        );
        report.sample(one.peer.name, "rss of all its processes", "MiB", rss);
        report.sample(one.peer.name, "the same, shared pages divided", "MiB", pss);
    }
}

/// One child dies; how long until its successor is heard.
fn single_kill(report: &mut Report, running: &mut Running, number: usize) -> Result<()> {
    let name = running.peer.name;
    let pid = *running.roll.pids.get(&number).with_context(|| format!("{name} has no child {number}"))?;
    let began = Instant::now();
    process::signal(pid, Signal::KILL);
    match running.roll.successor(number, PATIENCE) {
        Ok(at) => report.sample(name, "restart", "ms", millis(at.duration_since(began))),
        Err(error) => {
            ensure!(!peers::OURS.contains(&name), "{error}");
            println!("!! {name}: {error}");
        }
    }
    running.learn_pids()
}

/// All children die at once; how many come back, and how long that takes.
fn kill_all(report: &mut Report, running: &mut Running) -> Result<()> {
    let name = running.peer.name;
    let before: Vec<u32> = running.roll.pids.values().copied().collect();
    let began = Instant::now();
    before.iter().for_each(|pid| process::signal(*pid, Signal::KILL));
    match running.roll.all(COUNT, PATIENCE) {
        Ok(at) => report.sample(name, "all back after kill of 100", "ms", millis(at.duration_since(began))),
        Err(error) => println!("!! {name}: {error}"),
    }
    running.learn_pids()?;
    let back =
        running.roll.pids.values().filter(|pid| !before.contains(pid) && process::is_alive(**pid)).count();
    report.sample(name, "back of 100", "children", as_f64(back));
    Ok(())
}

/// What is promised. Commands like the peers' start against the peers'; what is restarted has containment on; every other
/// bound holds for both.
fn promises(report: &mut Report) {
    let [plain, contained] = peers::OURS;
    let start = report.median(plain, "start of 100");
    if let Some(best) = report.best(&["s6", "runit"], "start of 100") {
        report.promise("start of 100, against the better of s6 and runit", start, Sense::AtMost, best, "ms");
    }
    let restart = report.median(contained, "restart p50");
    report.promise("successor of a killed child, contained, p50", restart, Sense::AtMost, 5.0, "ms");
    let others = ["s6", "runit", "daemontools", "supervisord", "circus", "pm2", "erlang"];
    if let Some(best) = report.best(&others, "restart p50") {
        let text = "successor of a killed child, contained, against the best peer, p50";
        report.promise(text, restart, Sense::AtMost, best, "ms");
    }
    let worst = |measure: &str, share: f64| {
        let found = peers::OURS.into_iter().filter_map(|name| report.quantile(name, measure, share));
        let worse = if share == 0.0 { f64::min } else { f64::max };
        found.reduce(worse)
    };
    let found = [
        (
            "back after every round of killing all",
            worst("back of 100", 0.0),
            Sense::AtLeast,
            100.0,
            "children",
        ),
        ("stop of 100", worst("stop of 100", 0.5), Sense::AtMost, 100.0, "ms"),
        (
            "memory of the kernel with 100 children",
            worst("rss of the main process", 0.5),
            Sense::AtMost,
            15.0,
            "MiB",
        ),
        ("processor while idle", worst("idle cpu", 0.5), Sense::AtMost, 0.1, "%"),
    ];
    for (text, value, sense, bound, unit) in found {
        report.promise(text, value, sense, bound, unit);
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "there are a hundred children")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
