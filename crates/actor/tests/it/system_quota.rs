//! Quotas: counted, paused, stopped.

use std::time::Duration;

use actor::{Address, Excess, Quota, Refusal, Rights};

use crate::system_puppet::{Act, Stage, act, say};

const WINDOW: Duration = Duration::from_millis(100);

fn quota(messages: u32, excess: Excess) -> Option<Quota> {
    Some(Quota { window: WINDOW, messages: Some(messages), cpu: None, queued: None, excess })
}

/// A puppet that is sent a message each two milliseconds for a tenth of a second.
fn driven(stage: &mut Stage, messages: u32, excess: Excess) -> Address<Act> {
    let (driver, target) = (stage.puppet("d", 0), stage.puppet("t", 0));
    stage.system().set_quota(target.addr(), quota(messages, excess)).expect("it lives");
    stage.send(
        driver,
        act(move |_, ctx| {
            for number in 1..=50 {
                let after = Duration::from_millis(2 * number);
                let _ = ctx.send_after(after, target, say("x")).expect("there is room");
            }
        }),
    );
    stage.dice.run_until(0, 1_000);
    stage.said();
    target
}

#[test]
fn who_stays_within_a_quota_is_left_alone_and_who_does_not_is_counted_once_a_window() {
    let mut stage = Stage::new(1, 1);
    let modest = driven(&mut stage, 60, Excess::Stop);
    let greedy = driven(&mut stage, 20, Excess::Count);
    stage.run();
    assert_eq!(stage.said().len(), 100, "nobody was held up");
    assert_eq!((stage.system().excesses(modest.addr()), stage.system().excesses(greedy.addr())), (0, 1));
}

#[test]
fn who_is_paused_goes_on_in_the_next_window_and_loses_nothing() {
    let mut stage = Stage::new(1, 1);
    let target = driven(&mut stage, 20, Excess::Pause);
    stage.dice.run_until(90_000_000, 10_000);
    let before = stage.said().len();
    assert!((20..25).contains(&before), "{before}");
    stage.run();
    assert_eq!(before + stage.said().len(), 50);
    assert_eq!(stage.system().excesses(target.addr()), 1);
}

#[test]
fn who_is_stopped_ends_for_that_reason() {
    let mut stage = Stage::new(1, 1);
    let target = driven(&mut stage, 20, Excess::Stop);
    stage.run();
    assert_eq!(stage.said().last().map(String::as_str), Some("t Quota"));
    assert_eq!(stage.system().statistics(target.addr()), None);
    assert_eq!(stage.system().excesses(target.addr()), 0, "forgotten with it");
}

#[test]
fn a_quota_takes_the_right_to_manage_and_can_be_taken_away() {
    let mut stage = Stage::new(1, 1);
    let target = driven(&mut stage, 5, Excess::Stop);
    let weak = target.addr().with_rights(Rights::SEND);
    assert_eq!(stage.system().set_quota(weak, None), Err(Refusal::Forbidden));
    assert_eq!(stage.system().set_quota(target.addr(), None), Ok(()));
    stage.run();
    assert_eq!(stage.said().len(), 50);
}
