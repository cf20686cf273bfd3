//! Who gives way on disk, and that a restart knows the order of use.

use super::*;

fn id(number: u8) -> ContentId {
    ContentId::of(&[number])
}

fn at(second: u64) -> Option<SystemTime> {
    Some(UNIX_EPOCH + Duration::from_secs(second))
}

/// The order in which files give way, the first to go first.
fn order(mut stock: Stock, count: u8) -> Vec<u8> {
    let gone = stock.add(id(255), 1, 1);
    gone.iter().map(|gone| (0..count).find(|number| id(*number) == *gone).unwrap()).collect()
}

#[test]
fn the_order_of_use_survives_a_restart() {
    let mut stock = Stock::of((0..4).map(|number| (id(number), 10, at(0))).collect());
    stock.touch(&id(1));
    stock.touch(&id(0));
    let mut written = stock.take_unwritten();
    assert_eq!(stock.take_unwritten(), [], "once is enough");
    written.sort_by_key(|(_, turn)| *turn);
    let found = written.into_iter().map(|(id, turn)| (id, 10, Some(turn))).collect();
    assert_eq!(order(Stock::of(found), 4), [2, 3, 1, 0]);
}

#[test]
fn turns_go_on_where_the_last_start_ended() {
    let mut stock = Stock::of(vec![(id(0), 1, at(7)), (id(1), 1, at(9))]);
    stock.touch(&id(0));
    assert_eq!(stock.take_unwritten(), [(id(0), at(10).unwrap())]);
}

#[test]
fn times_of_a_clock_are_taken_as_an_order_and_numbered_anew() {
    let stock =
        Stock::of(vec![(id(0), 1, at(3)), (id(1), 1, at(1_800_000_000)), (id(2), 1, at(40_000_000_000))]);
    let mut stock = stock;
    let mut turns: Vec<_> = stock.take_unwritten();
    turns.sort_by_key(|(_, turn)| *turn);
    assert_eq!(turns, [(id(0), at(1).unwrap()), (id(1), at(2).unwrap()), (id(2), at(3).unwrap())]);
    assert_eq!(order(stock, 3), [0, 1, 2]);
}

#[test]
fn a_file_without_a_time_is_the_oldest_it_can_be() {
    let before = UNIX_EPOCH.checked_sub(Duration::from_secs(5));
    assert_eq!(order(Stock::of(vec![(id(0), 1, None), (id(1), 1, before), (id(2), 1, at(2))]), 3), [0, 1, 2]);
}

#[test]
fn bytes_are_those_of_what_is_there() {
    let mut stock = Stock::of(vec![(id(0), 10, at(0)), (id(1), 20, at(0))]);
    assert_eq!(stock.size(), (2, 30));
    stock.remove(&id(1));
    stock.remove(&id(1));
    assert_eq!(stock.size(), (1, 10));
    assert_eq!(stock.add(id(0), 15, 100), []);
    assert_eq!(stock.size(), (1, 15));
}
