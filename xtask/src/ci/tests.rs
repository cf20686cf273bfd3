//! What a step counts for.

use anyhow::anyhow;

use super::{Ended, Outcome, judge};
use crate::tally::Tally;

fn check(outcome: anyhow::Result<Outcome>, passed: u64, failed: u64, skipped: u64) {
    let said = format!("{outcome:?}");
    assert_eq!(judge(outcome).0, Tally { passed, failed, skipped }, "{said}");
}

fn ran(passed: u64, failed: u64, ended: Ended) -> anyhow::Result<Outcome> {
    Ok(Outcome::Ran(Tally { passed, failed, skipped: 0 }, ended))
}

#[test]
fn a_check_that_holds_counts_as_one() {
    check(Ok(Outcome::Held), 1, 0, 0);
    check(Err(anyhow!("differs")), 0, 1, 0);
    check(Ok(Outcome::Skipped("no deno".into())), 0, 0, 1);
}

#[test]
fn a_runner_that_ends_badly_is_a_failure_even_when_it_counted_none() {
    check(ran(5, 0, Ended::Well), 5, 0, 0);
    check(ran(5, 2, Ended::Badly), 5, 2, 0);
    check(ran(5, 0, Ended::Badly), 5, 1, 0);
}

#[test]
fn a_runner_that_ran_nothing_is_a_failure() {
    check(ran(0, 0, Ended::Well), 0, 1, 0);
}
