//! Lists are first in, first out, and their nodes are used again.

use super::*;
use crate::message::{EMPTY, Header};

fn line(number: u32) -> Line {
    Line::new(Header { dst: number, meta: 0, tag: 0 }, EMPTY)
}

#[test]
fn two_lists_keep_their_own_order() {
    let mut deferred = Deferred::default();
    let (mut odd, mut even) = (NONE, NONE);
    for number in 0..10 {
        let list = if number % 2 == 0 { &mut even } else { &mut odd };
        *list = deferred.append(*list, line(number));
    }
    for number in 0..10 {
        let list = if number % 2 == 0 { &mut even } else { &mut odd };
        let (first, left) = deferred.take_first(*list).expect("five in each list");
        assert_eq!(first.header.dst, number);
        *list = left;
    }
    assert_eq!((odd, even), (NONE, NONE));
    assert!(deferred.take_first(odd).is_none());
}

#[test]
fn nodes_are_used_again() {
    let mut deferred = Deferred::default();
    for number in 0..100 {
        let list = deferred.append(NONE, line(number));
        assert_eq!(deferred.take_first(list).map(|(_, left)| left), Some(NONE));
    }
    assert_eq!(deferred.nodes.len(), 1);
}
