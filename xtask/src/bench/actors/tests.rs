//! Lines are read, choices understood, and promises judged on the right side.

use super::runtimes::version_in;
use super::{Found, Outcome, chosen, outcome, parse, promises};
use crate::bench::report::Report;

const LINE: &str =
    r#"{"work":"spawn_1m","value":49.1,"unit":"ns","messages":1000000,"seconds":0.49,"bytes_each":69.5}"#;

#[test]
fn a_line_is_read_past_what_else_was_said() {
    let found = parse("spawn_1m", &format!("noise\n{LINE}\n")).unwrap();
    assert_eq!(found, Found { value: 49.1, unit: "ns", bytes_each: Some(69.5) });
}

#[test]
fn a_line_that_can_not_be_is_refused() {
    let refusal = |work, said: &str| parse(work, said).unwrap_err().to_string();
    assert_eq!(refusal("ring_1", LINE), "did another work: \"spawn_1m\"");
    assert_eq!(refusal("spawn_1m", "nothing"), "printed no line of JSON");
    assert_eq!(refusal("spawn_1m", &LINE.replace("49.1", "0")), "0 can't be");
    assert_eq!(refusal("spawn_1m", &LINE.replace("\"ns\"", "\"s\"")), "no unit of ours: \"s\"");
    assert_eq!(refusal("spawn_1m", &LINE.replace("49.1", "null")), "`value` is no number");
}

#[test]
fn exit_codes_tell_what_can_not_be_done_from_what_went_wrong() {
    let lacking = outcome("fan_in_2", Some(3), "", "fan_in_2: one thread\n").unwrap();
    assert_eq!(lacking, Outcome::Lacking("fan_in_2: one thread".to_owned()));
    let error = outcome("fan_in_2", Some(101), LINE, "panicked\n").unwrap_err();
    assert_eq!(error.to_string(), "ended with Some(101): panicked");
    assert!(outcome("fan_in_2", None, LINE, "").is_err());
}

#[test]
fn works_and_runtimes_are_chosen_by_name() {
    let names = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let (works, runtimes) = chosen(&words)?;
        anyhow::Ok((works.len(), runtimes.iter().map(|one| one.name).collect::<Vec<_>>()))
    };
    assert_eq!(names(&[]).unwrap().0, 12);
    assert_eq!(names(&["ring_1"]).unwrap().1.len(), 7);
    assert_eq!(names(&["ring_1", "tokio", "ostoja"]).unwrap(), (1, vec!["ostoja", "tokio"]));
    assert!(names(&["orleans"]).unwrap_err().to_string().starts_with("no runtime or work `orleans`"));
}

#[test]
fn ratios_are_to_the_best_multi_core_peer_and_stakker_counts_for_one_core() {
    let mut report = Report::new("actors");
    for (subject, work, unit, value) in [
        ("ostoja", "ping_pong_1", "ns", 50.0),
        ("actix", "ping_pong_1", "ns", 200.0),
        ("tokio", "ping_pong_1", "ns", 170.0),
        ("stakker", "ping_pong_1", "ns", 20.0),
        ("ostoja", "graph_10k_1", "M/s", 80.0),
        ("stakker", "graph_10k_1", "M/s", 100.0),
        ("ostoja", "fan_in_2", "M/s", 42.0),
        ("erlang", "fan_in_2", "M/s", 6.0),
        ("kameo", "fan_in_2", "M/s", 3.0),
    ] {
        report.sample(subject, work, unit, value);
    }
    promises::add(&mut report, &["ping_pong_1", "fan_in_2", "graph_10k_1"]);
    assert_eq!(
        report.verdicts(),
        [
            "kept: ping-pong, one core: 50.0 ns (promised ≤ 60.0 ns)",
            "MISSED: ping-pong, one core, against the best multi-core peer: 3.40 × (promised ≥ 3.50 ×)",
            "kept: eight to one, two cores: 42.0 M/s (promised ≥ 40.0 M/s)",
            "kept: eight to one, two cores, against the best multi-core peer: 7.00 × (promised ≥ 7.00 ×)",
            "kept: graph of 10,000, one core: 80.0 M/s (promised ≥ 70.0 M/s)",
            "MISSED: graph of 10,000, one core, against stakker: 0.80 × (promised ≥ 1.00 ×)",
        ]
    );
}

#[test]
fn what_was_not_measured_keeps_nothing() {
    let mut report = Report::new("actors");
    promises::add(&mut report, &["spawn_1m"]);
    let verdicts = report.verdicts();
    assert_eq!(verdicts.len(), 2);
    assert!(verdicts.iter().all(|verdict| verdict.starts_with("not measured: ")), "{verdicts:?}");
}

#[test]
fn versions_are_read_from_a_lock_file() {
    let lock = "[[package]]\nname = \"tokio-macros\"\nversion = \"2.7.2\"\n\n[[package]]\nname = \"tokio\"\nversion = \"1.54.1\"\n";
    assert_eq!(version_in(lock, "tokio").as_deref(), Some("tokio 1.54.1"));
    assert_eq!(version_in(lock, "actix"), None);
}
