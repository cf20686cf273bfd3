//! The overview never grows past what fits a glance.

use expect_test::expect;

use super::*;
use crate::theme::Glyphs;

fn module(number: usize, state: &str, note: &str) -> OverviewModule {
    OverviewModule { module_id: format!("m{number}"), state: state.to_owned(), note: note.to_owned() }
}

#[test]
fn many_modules_and_troubles_stay_within_fifteen_lines() {
    let mut seen = Overview {
        running: false,
        home: "/home/me/.local/share/ostoja".to_owned(),
        project: Some("/shop/ostoja.yaml".to_owned()),
        kernel: None,
        modules: (0..40).map(|number| module(number, "crashed", "exit code 1")).collect(),
        pending: 2,
        hints: vec!["ostoja why m0".to_owned()],
    };
    let text = overview(&Theme::plain(Glyphs::Ascii), &seen, "no kernel runs");
    assert!(text.lines().count() <= 15, "{text}");
    assert!(text.contains("+ 34"), "{text}");
    seen.modules = vec![module(0, "ready", ""), module(1, "completed", ""), module(2, "crashed", "gave up")];
    expect![[r#"
        kernel     no kernel runs
        project    /shop/ostoja.yaml
        modules    2 / 3
        module     m2 x crashed: gave up
        asks for   2

          -> ostoja why m0
    "#]]
    .assert_eq(&overview(&Theme::plain(Glyphs::Ascii), &seen, "no kernel runs"));
}
