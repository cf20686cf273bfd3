//! The numbers that were promised for messages, each against its bound and against the peers of the same run.

use super::SPAWN_BYTES;
use super::runtimes::{MULTI_CORE, OURS};
use crate::bench::report::{Report, Sense};

/// One line of what was promised.
#[derive(Debug)]
struct Line {
    work: &'static str,
    /// The column, where it is not the work's own.
    measure: &'static str,
    text: &'static str,
    sense: Sense,
    bound: f64,
    unit: &'static str,
    beside: Beside,
}

/// Who else has to be beaten.
#[derive(Debug)]
enum Beside {
    Nobody,
    /// The best of the multi-core peers, by this factor.
    MultiCore(f64),
    /// The peer with one thread.
    Stakker,
}

/// All of them, in the order of the table.
const LINES: [Line; 11] = [
    most("ping_pong_1", "ping-pong, one core", 60.0, Beside::MultiCore(3.5)),
    least("one_to_one_1", "one to one, one core", 100.0, Beside::Nobody),
    least("one_to_one_2", "one to one, two cores", 40.0, Beside::MultiCore(4.0)),
    least("fan_in_2", "eight to one, two cores", 40.0, Beside::MultiCore(7.0)),
    most("ring_1", "ring, per hop, one core", 40.0, Beside::Nobody),
    least("graph_10k_2", "graph of 10,000, two cores", 30.0, Beside::MultiCore(4.0)),
    least("graph_10k_1", "graph of 10,000, one core", 70.0, Beside::Stakker),
    least("graph_1m_1", "graph of 1,000,000, one core", 12.0, Beside::Nobody),
    most("spawn_1m", "spawning a million, each", 120.0, Beside::Nobody),
    Line {
        measure: SPAWN_BYTES,
        unit: "B",
        ..most("spawn_1m", "resident memory of a million, each", 160.0, Beside::Nobody)
    },
    most("ping_pong_2", "ping-pong across two cores", 500.0, Beside::Nobody),
];

const fn most(work: &'static str, text: &'static str, bound: f64, beside: Beside) -> Line {
    Line { work, measure: work, text, sense: Sense::AtMost, bound, unit: "ns", beside }
}

const fn least(work: &'static str, text: &'static str, bound: f64, beside: Beside) -> Line {
    Line { work, measure: work, text, sense: Sense::AtLeast, bound, unit: "M/s", beside }
}

/// Adds the promises of these works.
pub(super) fn add(report: &mut Report, works: &[&str]) {
    for line in LINES.iter().filter(|line| works.contains(&line.work)) {
        let ours = report.median(OURS, line.measure);
        report.promise(line.text, ours, line.sense, line.bound, line.unit);
        let (who, peers, factor) = match line.beside {
            Beside::Nobody => continue,
            Beside::MultiCore(factor) => ("the best multi-core peer", &MULTI_CORE[..], factor),
            Beside::Stakker => ("stakker", &["stakker"][..], 1.0),
        };
        let best = report.best_by(peers, line.measure, line.sense);
        let ratio = ours.zip(best).map(|(ours, best)| better(line.sense, ours, best));
        report.promise(&format!("{}, against {who}", line.text), ratio, Sense::AtLeast, factor, "×");
    }
}

/// How many times better ours is.
fn better(sense: Sense, ours: f64, best: f64) -> f64 {
    match sense {
        Sense::AtMost => best / ours,
        Sense::AtLeast => ours / best,
    }
}
