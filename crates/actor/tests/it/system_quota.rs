//! Quotas: counted, paused, stopped.

use std::time::Duration;

use actor::platform::Core;
use actor::{Address, Excess, Quota, Refusal, Rights, SharedQuota};

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

/// Three members on as many cores, each sent a message each two milliseconds for a tenth of a second.
fn members(stage: &mut Stage, budget: &SharedQuota) -> Vec<Address<Act>> {
    let driver = stage.puppet("d", 0);
    let members: Vec<_> = (0..3).map(|core| stage.puppet(["x", "y", "z"][usize::from(core)], core)).collect();
    let targets = members.clone();
    for member in &members {
        stage.system().share_quota(member.addr(), Some(budget)).expect("it lives");
    }
    stage.send(
        driver,
        act(move |_, ctx| {
            for number in 0..150 {
                let after = Duration::from_micros(700 * (number + 1));
                let _ = ctx.send_after(after, targets[number as usize % 3], say("x")).expect("there is room");
            }
        }),
    );
    stage.dice.run_until(0, 1_000);
    stage.said();
    members
}

fn budget(messages: u32, excess: Excess) -> SharedQuota {
    SharedQuota::new(quota(messages, excess).expect("it is one"))
}

#[test]
fn members_of_a_group_use_up_one_budget_and_all_of_them_are_paused_when_it_is_gone() {
    let mut stage = Stage::new(1, 3);
    let group = budget(60, Excess::Pause);
    let members = members(&mut stage, &group);
    stage.dice.run_until(90_000_000, 10_000);
    let before = stage.said();
    // None of them alone has used as much: a third each.
    assert!((60..80).contains(&before.len()), "{}", before.len());
    for name in ["x x", "y x", "z x"] {
        assert!(before.iter().filter(|said| *said == name).count() >= 20, "{before:?}");
    }
    stage.run();
    assert_eq!(before.len() + stage.said().len(), 150, "they go on in the next window and lose nothing");
    assert_eq!(group.excesses(), 2, "what had waited is more than the next window allows, too");
    assert_eq!(
        stage.system().share_quota(members[0].addr().with_rights(Rights::SEND), None),
        Err(Refusal::Forbidden)
    );
}

#[test]
fn a_group_that_is_stopped_ends_as_a_whole_and_one_within_its_budget_is_left_alone() {
    let mut stage = Stage::new(1, 3);
    let (tight, wide) = (budget(30, Excess::Stop), budget(200, Excess::Stop));
    let stopped = members(&mut stage, &tight);
    let left = members(&mut stage, &wide);
    stage.run();
    let lives = |members: &[Address<Act>]| {
        members.iter().filter(|member| stage.system().statistics(member.addr()).is_some()).count()
    };
    assert_eq!((lives(&stopped), lives(&left)), (0, 3));
    assert_eq!((tight.excesses(), wide.excesses()), (1, 0));
}

#[test]
fn messages_that_wait_count_for_the_group_until_their_actor_ends_or_leaves_it() {
    let mut stage = Stage::new(1, 2);
    let group =
        SharedQuota::new(Quota { queued: Some(5), ..quota(u32::MAX, Excess::Count).expect("it is one") });
    let (first, second) = (stage.puppet("a", 0), stage.puppet("b", 1));
    for member in [first, second] {
        stage.system().share_quota(member.addr(), Some(&group)).expect("it lives");
        stage.system().suspend(member.addr()).expect("it lives");
    }
    let audit = |stage: &mut Stage, until_ms: u64| {
        let tick = stage.puppet("tick", 0);
        for core in [0, 1] {
            let tick = if core == 0 { tick } else { stage.puppet("tick", 1) };
            stage.send(
                tick,
                act(|_, ctx| {
                    let this = ctx.this::<Act>().expect("it is a puppet");
                    let _ =
                        ctx.send_after(Duration::from_millis(5), this, say("tick")).expect("there is room");
                }),
            );
        }
        stage.dice.run_until(until_ms * 1_000_000, 10_000);
    };
    (0..3).for_each(|_| [first, second].into_iter().for_each(|member| stage.send(member, say("x"))));
    audit(&mut stage, 20);
    assert_eq!(group.excesses(), 1, "six wait, three for each");
    stage.system().move_to(first.addr(), Core(1)).expect("it lives");
    stage.system().kill(second.addr()).expect("it lives");
    audit(&mut stage, 140);
    audit(&mut stage, 260);
    assert_eq!(group.excesses(), 1, "three wait");
}
