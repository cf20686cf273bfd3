//! A tree of actors as lines of text: who stands below whom, and shares that add up.

use super::*;
use crate::theme::Glyphs;

fn row(id: &str, supervisor: Option<&str>, share: f64) -> ActorRow {
    ActorRow {
        id: id.to_owned(),
        name: Some(format!("name-{id}")),
        system: "wasm-0".to_owned(),
        core: 0,
        kind: "Resident".to_owned(),
        supervisor: supervisor.map(str::to_owned),
        queued: 1,
        queue_max: 10,
        congested: false,
        handled: 5,
        sent: 0,
        refused: 0,
        panics: 0,
        cpu_ms: 7,
        handled_per_s: Some(3),
        cpu_percent: Some(share),
        queue_growth: Some(0),
    }
}

fn table(actors: Vec<ActorRow>) -> ActorTable {
    ActorTable { actors, ..ActorTable::default() }
}

#[test]
fn those_that_are_supervised_stand_below_their_supervisor() {
    let theme = Theme::plain(Glyphs::Ascii);
    let text = tree(&theme, &table(vec![row("b", Some("a"), 1.0), row("a", None, 2.0)]));
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("name-")).collect();
    assert!(lines[0].trim_start().starts_with("name-a"), "{text}");
    assert!(lines[1].contains("  name-b"), "{text}");
}

#[test]
fn a_circle_is_drawn_to_its_end() {
    let theme = Theme::plain(Glyphs::Ascii);
    let circle = vec![row("a", Some("b"), 1.0), row("b", Some("a"), 1.0)];
    assert!(!tree(&theme, &table(circle)).contains("name-a"), "nobody of it is a root");
}

#[test]
fn the_hottest_are_kept_and_the_others_counted() {
    let mut found = table(vec![row("a", None, 1.0), row("b", None, 9.0), row("c", None, 5.0)]);
    keep_hottest(&mut found, 2);
    let ids: Vec<&str> = found.actors.iter().map(|row| row.id.as_str()).collect();
    assert_eq!((ids.as_slice(), found.left_out), (&["b", "c"][..], 1));
}
