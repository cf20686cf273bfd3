//! Findings by area, each with what to do.

use expect_test::expect;

use super::*;
use crate::theme::Glyphs;

fn finding(area: &str, what: &str, grade: Grade, text: &str, help: Option<&str>) -> Finding {
    Finding {
        area: area.to_owned(),
        what: what.to_owned(),
        grade,
        text: text.to_owned(),
        help: help.map(str::to_owned),
    }
}

fn all() -> Findings {
    Findings::new(vec![
        finding("containment", "landlock-files", Grade::Good, "tried: holds", None),
        finding(
            "containment",
            "namespaces",
            Grade::Weak,
            "this machine does not let an ordinary user make namespaces, so modules see each other's processes",
            Some("not in this version"),
        ),
        finding("runtime", "deno", Grade::Absent, "not on PATH", Some("npm install --global deno")),
        finding("kernel", "journal", Grade::Bad, "can't be written", Some("df -h")),
    ])
}

#[test]
fn findings_are_grouped_and_folded() {
    expect![[r#"
        containment
          ✓  landlock-files  tried: holds
          !  namespaces      weak: this machine does not let an ordinary user make
                             namespaces, so modules see each other's processes
                             → not in this version

        runtime
          ·  deno            absent: not on PATH
                             → npm install --global deno

        kernel
          ✗  journal         bad: can't be written
                             → df -h
    "#]]
    .assert_eq(&findings(&Theme::plain(Glyphs::Unicode), &all()));
}

#[test]
fn ascii_terminals_get_ascii() {
    assert!(findings(&Theme::plain(Glyphs::Ascii), &all()).is_ascii());
}

#[test]
fn only_bad_things_make_it_unhealthy() {
    assert!(!all().healthy);
    let mut weak = all().findings;
    weak.pop();
    assert!(Findings::new(weak).healthy);
}

#[test]
fn findings_are_told_in_polish_and_stay_english_in_json() {
    let all = Findings::new(vec![
        finding("home", "folder", Grade::Absent, "/h is not there yet", Some("ostoja up")),
        finding("home", "disk", Grade::Bad, "12 MiB free", Some("make room; logs need it")),
        finding("runtime", "php", Grade::Good, "PHP 8.2.1", None),
    ]);
    let theme = Theme { lang: Lang::Pl, ..Theme::plain(Glyphs::Unicode) };
    expect![[r#"
        dom
          ·  katalog  brak: /h jeszcze nie ma
                      → ostoja up
          ✗  dysk     źle: 12 MiB wolne
                      → zrób miejsce; potrzebują go logi

        środowiska
          ✓  php      PHP 8.2.1
    "#]]
    .assert_eq(&findings(&theme, &all));
    assert!(serde_json::to_string(&all).expect("JSON").contains("12 MiB free"));
}
