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

#[test]
fn a_typed_address_is_one_word_and_gives_back_its_parts() {
    assert_eq!(size_of::<Address<[u8; 99]>>(), 8);
    let indices = [0, 1, (1 << INDEX_BITS) - 1];
    let tags = [0, 1, 7, 8, (1 << TAG_BITS) - 1];
    for index in indices {
        for generation in [0, 1, GENERATION_MAX] {
            for rights in [Rights::NONE, Rights::SEND, Rights::MANAGE, Rights::ALL] {
                let addr = Addr::new(index, generation, rights);
                for tag in tags {
                    let typed = Address::<()>::new(addr, tag);
                    assert_eq!((typed.addr(), typed.tag()), (addr, tag));
                    let less = typed.with_rights(Rights::SEND);
                    assert_eq!((less.addr(), less.tag()), (addr.with_rights(Rights::SEND), tag));
                }
            }
        }
    }
}
