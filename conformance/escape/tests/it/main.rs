//! No attempt to get out of full containment does harm, and most do without any: so the attempts are real.

use std::io::Write;

use escape::{Outcome, Table};
use sandbox::Proof;

/// 60 attempts at the least: as many ideas as the containment was built against.
const ATTEMPTS_MIN: usize = 60;

/// Says on the real stderr, past the runner's capture, that a test could not do its work here.
fn skipped(reason: &str) {
    let line = format!("SKIPPED escape no_attempt_gets_out: {reason}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("stderr can be written");
}

#[test]
fn no_attempt_gets_out() {
    let report = sandbox::probe::run();
    let missing = escape::layers().into_iter().find(|layer| report.proof(*layer) != Proof::Works);
    if let Some(layer) = missing {
        return skipped(&format!("{layer} {}", report.proof(layer)));
    }
    for tool in ["cc", "flock", "/usr/bin/python3"] {
        if std::process::Command::new(tool).arg("--version").output().is_err() {
            return skipped(&format!("{tool} is not installed"));
        }
    }
    let attempts = escape::all().expect("the attempts lie beside this crate");
    assert!(attempts.len() >= ATTEMPTS_MIN, "{} attempts", attempts.len());
    let table = Table::short(attempts).expect("every attempt can be made");
    for row in &table.rows {
        assert!(row.broken.is_empty(), "{:?}", row.broken);
        assert!(
            matches!(row.full, Outcome::Refused(_)),
            "{} did harm: {}",
            row.attempt.name,
            row.attempt.idea
        );
    }
    // Some depend on what the machine has (IPv6, user namespaces, being root).
    let real = table.rows.iter().filter(|row| row.free == Outcome::Harm).count();
    let root = rustix::process::geteuid().is_root();
    assert!(
        real * 10 >= table.rows.len() * if root { 8 } else { 5 },
        "{real} do harm without containment\n{table}"
    );
}
