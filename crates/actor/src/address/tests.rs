//! Addresses keep their parts apart, and rights only shrink.

use super::*;

#[test]
fn an_address_gives_back_its_parts() {
    let addr = Addr::new(u32::MAX, GENERATION_MAX, Rights::SEND);
    assert_eq!((addr.index(), addr.generation(), addr.rights()), (u32::MAX, GENERATION_MAX, Rights::SEND));
}

#[test]
fn a_right_that_is_lacking_is_not_added() {
    let weak =
        Addr::new(1, 1, Rights::ALL).with_rights(Rights::SEND.union(Rights::WATCH)).with_rights(Rights::SEND);
    assert_eq!(weak.with_rights(Rights::ALL).rights(), Rights::SEND);
}

#[test]
fn addresses_of_one_actor_are_the_same_actor_whatever_they_allow() {
    let addr = Addr::new(5, 9, Rights::ALL);
    assert!(addr.is_same_actor(addr.with_rights(Rights::NONE)));
    assert!(!addr.is_same_actor(Addr::new(5, 10, Rights::ALL)));
    assert!(!addr.is_same_actor(Addr::new(6, 9, Rights::ALL)));
}
