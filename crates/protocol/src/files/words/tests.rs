//! What is near and what is not.

use super::nearest;

const WORDS: [&str; 8] =
    ["restart", "ready", "run", "needs", "env", "env_pass", "max_restarts", "on-failure"];

#[test]
fn slips_of_the_keyboard_are_near() {
    for (typed, meant) in [
        ("restrat", "restart"),
        ("Restart", "restart"),
        ("redy", "ready"),
        ("need", "needs"),
        ("envpass", "env_pass"),
        ("maxRestarts", "max_restarts"),
        ("on_failure", "on-failure"),
        ("environment", "env"),
        ("rnu", "run"),
    ] {
        assert_eq!(nearest(typed, WORDS), Some(meant), "{typed}");
    }
}

#[test]
fn other_words_are_not() {
    for typed in ["", "x", "colour", "port", "7", "ab"] {
        assert_eq!(nearest(typed, WORDS), None, "{typed}");
    }
    assert_eq!(nearest(&"restart".repeat(10_000), ["ready"]), None, "a long text costs little");
    assert_eq!(nearest("a", ["b", "c"]), None, "one letter is near to nothing");
}

#[test]
fn the_nearest_wins_and_among_equals_the_first() {
    assert_eq!(nearest("abce", ["abcf", "abcd"]), Some("abcf"));
    assert_eq!(nearest("abcd", ["abcf", "abcd"]), Some("abcd"));
}
