//! What becomes of a change that nobody takes up.

use super::{CHANGES_MAX, Leash, NotTaken};
use crate::reach::Reach;

#[test]
fn a_change_says_when_nobody_takes_it_up() {
    let (leash, reins) = Leash::with_reins(Reach::default()).unwrap();
    for _ in 0..CHANGES_MAX {
        assert_eq!(reins.change(Reach::default(), |_| {}), Ok(()));
    }
    assert_eq!(reins.change(Reach::default(), |_| {}), Err(NotTaken::Busy));
    drop(leash);
    assert_eq!(reins.change(Reach::default(), |_| {}), Err(NotTaken::Over));
}
