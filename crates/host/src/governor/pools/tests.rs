//! Who waits when a pool's purse is empty, and who does not.

use abi::Time;
use kernel::{Bounds, Resource};

use super::Purse;

fn cap(frames: u64, calls: u64) -> Bounds {
    Bounds::default().with(Resource::Messages, Some(frames)).with(Resource::Calls, Some(calls))
}

#[test]
fn who_has_emptied_the_purse_waits_and_who_keeps_within_its_share_does_not() {
    let now = Time(0);
    let cap = Bounds::default().with(Resource::Messages, Some(1000));
    let mut whole = Purse::part(now, cap, 1);
    let [mut greedy, mut meek] = [(); 2].map(|()| Purse::part(now, cap, 2));
    let mut pay = |share: &mut Purse, frames| {
        share.spend(now, frames, 0);
        whole.spend(now, frames, 0);
        whole.wait(share, now)
    };
    assert_eq!(pay(&mut greedy, 900), None, "past its share, while there is enough for all");
    assert!(pay(&mut greedy, 200).is_some(), "the purse is empty, and so is its share");
    assert_eq!(pay(&mut meek, 400), None, "its share is its own");
    assert!(pay(&mut meek, 200).is_some());
}

#[test]
fn all_together_get_no_more_than_the_pool_gives() {
    let mut now = Time(0);
    let cap = cap(1000, 100);
    let mut whole = Purse::part(now, cap, 1);
    let mut shares = [(); 4].map(|()| Purse::part(now, cap, 4));
    let mut sent = 0_u64;
    // 10 s in which all four always have something to say.
    while now.0 < 10_000 {
        for share in &mut shares {
            if whole.wait(share, now).is_none() {
                share.spend(now, 1, 0);
                whole.spend(now, 1, 0);
                sent += 1;
            }
        }
        now = Time(now.0 + 1);
    }
    // What comes in 10 s, a burst, and as much again that the shares hold at the beginning.
    assert!((9_000..=12_100).contains(&sent), "{sent}");
}

#[test]
fn calls_are_paid_beside_frames() {
    let now = Time(0);
    let mut whole = Purse::part(now, cap(1_000_000, 10), 1);
    let mut share = Purse::part(now, cap(1_000_000, 10), 1);
    for purse in [&mut whole, &mut share] {
        purse.spend(now, 11, 11);
    }
    assert!(whole.wait(&mut share, now).is_some());
    assert_eq!(whole.wait(&mut share, Time(1000)), None);
    let free = Bounds::default();
    let (mut whole, mut share) = (Purse::part(now, free, 1), Purse::part(now, free, 3));
    whole.spend(now, 1 << 40, 1 << 40);
    assert_eq!(whole.wait(&mut share, now), None, "nothing bounds it");
}
