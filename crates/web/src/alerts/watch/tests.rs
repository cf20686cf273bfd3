//! What is told, when, and how often.

use super::*;

fn rule(for_ms: u64) -> Rule {
    Rule {
        name: "memory".to_owned(),
        what: Measure::Memory,
        module: None,
        warning: Some(10.0),
        critical: Some(20.0),
        for_ms,
    }
}

fn sample(values: &[(&str, f64)]) -> Vec<Value> {
    let one = |(subject, value): &(&str, f64)| Value {
        what: Measure::Memory,
        subject: (*subject).to_owned(),
        value: *value,
    };
    values.iter().map(one).collect()
}

/// Steps with one module `web`; what was told, as level and time.
fn told(watch: &mut Watch, rule: &Rule, values: &[(u64, f64)]) -> Vec<(Level, u64)> {
    let steps = values
        .iter()
        .flat_map(|(at, value)| watch.step(*at, std::slice::from_ref(rule), &sample(&[("web", *value)])));
    steps.map(|told| (told.level, told.at_ms)).collect()
}

#[test]
fn the_same_thing_is_told_once_and_once_more_when_it_is_over() {
    let values = [(0, 5.0), (1, 10.0), (2, 11.0), (3, 19.9), (4, 9.9), (5, 5.0), (6, 12.0)];
    let expected = [(Level::Warning, 1), (Level::Resolved, 4), (Level::Warning, 6)];
    assert_eq!(told(&mut Watch::default(), &rule(0), &values), expected);
}

#[test]
fn a_change_of_level_is_told() {
    let values = [(0, 10.0), (1, 20.0), (2, 25.0), (3, 15.0), (4, 0.0)];
    let expected = [(Level::Warning, 0), (Level::Critical, 1), (Level::Warning, 3), (Level::Resolved, 4)];
    assert_eq!(told(&mut Watch::default(), &rule(0), &values), expected);
}

#[test]
fn what_does_not_last_is_told_to_nobody_and_leaves_nothing() {
    let mut watch = Watch::default();
    let values = [(0, 15.0), (50, 15.0), (99, 5.0), (100, 15.0), (199, 15.0), (200, 15.0)];
    assert_eq!(told(&mut watch, &rule(100), &values), [(Level::Warning, 200)]);
    assert!(told(&mut Watch::default(), &rule(100), &values[..3]).is_empty());
    let mut watch = Watch::default();
    told(&mut watch, &rule(100), &values[..3]);
    assert_eq!((watch.firing(99), watch.standing.len()), (Vec::new(), 0));
}

#[test]
fn what_is_well_for_a_moment_is_not_resolved() {
    let values = [(0, 15.0), (100, 15.0), (150, 5.0), (200, 15.0), (300, 5.0), (400, 5.0), (500, 5.0)];
    let expected = [(Level::Warning, 100), (Level::Resolved, 400)];
    assert_eq!(told(&mut Watch::default(), &rule(100), &values), expected);
}

#[test]
fn what_goes_to_and_fro_between_levels_is_a_warning_after_its_time() {
    let values = [(0, 15.0), (60, 25.0), (120, 15.0), (180, 25.0), (280, 25.0)];
    let expected = [(Level::Warning, 120), (Level::Critical, 280)];
    assert_eq!(told(&mut Watch::default(), &rule(100), &values), expected);
}

#[test]
fn a_module_that_is_gone_is_well_again() {
    let mut watch = Watch::default();
    let rules = [rule(0)];
    watch.step(0, &rules, &sample(&[("web", 15.0), ("db", 25.0)]));
    let gone = watch.step(1, &rules, &sample(&[("db", 25.0)]));
    assert_eq!(gone.len(), 1);
    assert_eq!((gone[0].subject.as_str(), gone[0].level, gone[0].value), ("web", Level::Resolved, 15.0));
}

#[test]
fn a_rule_for_some_modules_leaves_the_others_alone() {
    let values = sample(&[("web-1", 15.0), ("web-2", 15.0), ("db", 15.0)]);
    let subjects = |pattern: &str| {
        let rule = Rule { module: Some(pattern.to_owned()), ..rule(0) };
        let told = Watch::default().step(0, &[rule], &values);
        told.into_iter().map(|told| told.subject).collect::<Vec<_>>()
    };
    assert_eq!(subjects("web-*"), ["web-1", "web-2"]);
    assert_eq!(subjects("db"), ["db"]);
    assert_eq!(subjects("d"), [""; 0]);
}

#[test]
fn what_is_silenced_is_told_when_the_silence_ends_and_the_thing_does_not() {
    let mut watch = Watch::default();
    let silence = |until_ms, module: Option<&str>| Silence {
        id: 0,
        rule: Some("memory".to_owned()),
        module: module.map(str::to_owned),
        until_ms,
        why: "a planned load".to_owned(),
    };
    watch.silence(silence(100, Some("web")));
    assert!(told(&mut watch, &rule(0), &[(0, 15.0), (99, 15.0)]).is_empty());
    assert!(watch.firing(99)[0].silenced);
    assert_eq!(told(&mut watch, &rule(0), &[(100, 15.0)]), [(Level::Warning, 100)]);
    // What was told before a silence and ends within it is told as over by nobody, and not later either.
    watch.silence(silence(300, None));
    assert!(told(&mut watch, &rule(0), &[(200, 0.0), (400, 0.0)]).is_empty());
    let other = watch.silence(silence(1000, Some("db")));
    assert_eq!(told(&mut watch, &rule(0), &[(500, 15.0)]), [(Level::Warning, 500)]);
    assert_eq!(watch.unsilence(other).map(|silence| silence.id), Some(other));
    assert_eq!(watch.unsilence(other), None);
}

#[test]
fn what_was_never_told_is_not_resolved() {
    let mut watch = Watch::default();
    let until_ms = 100;
    watch.silence(Silence { id: 0, rule: None, module: None, until_ms, why: String::new() });
    assert!(told(&mut watch, &rule(0), &[(0, 15.0), (50, 0.0), (200, 0.0)]).is_empty());
}

#[test]
fn more_than_anybody_reads_is_not_kept() {
    let mut watch = Watch::default();
    let names: Vec<String> = (0..STANDING_MAX + 10).map(|n| format!("m{n}")).collect();
    let values: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 15.0)).collect();
    assert_eq!(watch.step(0, &[rule(0)], &sample(&values)).len(), STANDING_MAX);
    for _ in 0..SILENCES_MAX + 5 {
        watch.silence(Silence { id: 0, rule: None, module: None, until_ms: 10, why: String::new() });
    }
    assert_eq!(watch.silences(0).len(), SILENCES_MAX);
    assert!(watch.step(11, &[], &[]).is_empty());
    assert_eq!((watch.silences(11).len(), watch.firing(11).len()), (0, 0));
}
