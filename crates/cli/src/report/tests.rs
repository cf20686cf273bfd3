//! How failures look.

use expect_test::{Expect, expect};

use super::*;

fn check(theme: &Theme, failure: &Failure, expected: Expect) {
    expected.assert_eq(&render(failure, theme));
}

fn failure() -> Failure {
    Failure::new("cli::start::failed", "module `web` did not become ready")
        .caused_by("exit code 1")
        .details(vec!["Traceback (most recent call last):".to_owned(), "ValueError: no port".to_owned()])
        .help("ostoja --home /srv/a-home/with/a/rather/long/path/that/must/not/be/broken/apart why web")
}

#[test]
fn code_line_cause_help_and_last_words_are_told() {
    check(
        &Theme::plain(Glyphs::Unicode),
        &failure(),
        expect![[r#"
            cli::start::failed

              × module `web` did not become ready
              │ exit code 1
              │ Traceback (most recent call last):
              │ ValueError: no port
              help: ostoja --home /srv/a-home/with/a/rather/long/path/that/must/not/be/broken/apart why web
        "#]],
    );
}

#[test]
fn ascii_terminals_get_ascii() {
    let text = render(&failure(), &Theme::plain(Glyphs::Ascii));
    assert!(text.is_ascii(), "{text}");
}
