//! A wake that is owed is given, and given once.

use super::*;

/// Settles and says how many cores that unparked.
fn settled(debt: &mut WakeDebt, sleeper: &Sleeper) -> usize {
    let mut unparked = 0;
    debt.settle(sleeper, || unparked += 1);
    unparked
}

#[test]
fn sleeper_is_woken_once_for_a_batch() {
    let (sleeper, mut debt) = (Sleeper::new(), WakeDebt::default());
    sleeper.prepare();
    assert!(sleeper.should_sleep());
    (0..3).for_each(|_| debt.publish());
    assert_eq!(settled(&mut debt, &sleeper), 1);
    assert!(!sleeper.should_sleep() && !debt.is_owed());
    debt.publish();
    assert_eq!(settled(&mut debt, &sleeper), 0, "the wake for this sleep has been claimed");
}

#[test]
fn awake_core_is_not_unparked() {
    let (sleeper, mut debt) = (Sleeper::default(), WakeDebt::default());
    debt.publish();
    assert_eq!(settled(&mut debt, &sleeper), 0);
    sleeper.prepare();
    sleeper.cancel();
    debt.publish();
    assert_eq!(settled(&mut debt, &sleeper), 0);
}

#[test]
fn sender_that_published_nothing_leaves_the_sleeper_alone() {
    let (sleeper, mut debt) = (Sleeper::new(), WakeDebt::default());
    sleeper.prepare();
    assert_eq!(settled(&mut debt, &sleeper), 0);
    assert!(sleeper.should_sleep());
}
