//! What each runner says, and what it means.

use super::Tally;

fn check(text: &str, passed: u64, failed: u64, skipped: u64) {
    assert_eq!(Tally::of_output(text), Tally { passed, failed, skipped }, "{text}");
}

#[test]
fn cargo_test_is_understood_and_added_up() {
    let one =
        "test result: ok. 38 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
    let two = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
    check(&format!("{one}noise\n{two}"), 41, 2, 1);
}

#[test]
fn nextest_is_understood_with_colours_too() {
    check("     Summary [   0.010s] 38 tests run: 38 passed (2 slow), 0 skipped\n", 38, 0, 0);
    check(
        "\u{1b}[32;1m     Summary\u{1b}[0m [   1.2s] \u{1b}[1m9\u{1b}[0m tests run: 5 passed, 3 failed, 1 timed out, 4 skipped",
        5,
        4,
        0,
    );
    check("     Summary [   0.010s] 1 test run: 1 passed, 0 skipped\n", 1, 0, 0);
    check("     Summary [   0.010s] 3/9 tests run: 2 passed, 1 exec failed, 6 skipped\n", 2, 1, 0);
}

#[test]
fn the_summary_of_a_failed_test_within_another_is_not_counted_again() {
    let inner = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 28 filtered out\n";
    check(&format!("{inner}     Summary [   0.1s] 2 tests run: 1 passed, 1 failed, 0 skipped\n"), 1, 1, 0);
}

#[test]
fn unittest_is_understood() {
    check("Ran 12 tests in 0.1s\n\nOK\n", 12, 0, 0);
    check("Ran 12 tests in 0.1s\n\nOK (skipped=2)\n", 10, 0, 2);
    check("Ran 12 tests in 0.1s\n\nFAILED (failures=1, errors=2, skipped=1)\n", 8, 3, 1);
}

#[test]
fn node_is_understood() {
    check(
        "1..11\n# tests 11\n# suites 0\n# pass 8\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 0\n",
        8,
        2,
        1,
    );
    check("# pass by\n# passed 3\n", 0, 0, 0);
}

#[test]
fn go_is_understood() {
    let said = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n--- FAIL: TestB (0.1s)\n    --- SKIP: TestB/x (0.0s)\nFAIL\n--- a/file: x\n";
    check(said, 1, 1, 1);
}

#[test]
fn the_plain_line_is_understood_and_sentences_are_not() {
    check("7 passed, 0 failed\n", 7, 0, 0);
    check("7 passed, 1 failed, 2 skipped\n", 7, 1, 2);
    check("the 7 passed, 0 failed to see it\nOKAY\n5 passed\n", 0, 0, 0);
}
