//! Single values: what goes in comes out, what was never saved is nothing, and what is none is refused.

use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use abi::{Payload, Slot, Time};

use super::{Keep, Saved};

#[test]
fn what_was_saved_comes_back() {
    let value: (Option<Time>, Vec<Slot>, i64) = (Some(Time(7)), vec![Slot(1), Slot(u32::MAX)], -5);
    assert_eq!(Keep::restore(&value.save()), Ok(value));
}

#[test]
fn bytes_that_are_no_text_come_back_too() {
    for bytes in [&b"{\"a\":1}"[..], b"\xff\x00\xfe", b""] {
        let payload: Payload = Keep::restore(&Payload::new(bytes).save()).expect("it was just saved");
        assert_eq!(payload.as_bytes(), bytes);
    }
}

#[test]
fn what_an_earlier_kernel_did_not_save_is_none_where_there_is_such_a_value() {
    let saved = Saved::fields([]);
    assert_eq!(saved.field::<Option<u64>>("new"), Ok(None));
    assert_eq!(saved.field::<Vec<u64>>("new"), Ok(Vec::new()));
    assert!(saved.field::<u64>("new").is_err());
}

#[test]
fn a_value_of_another_kind_is_refused() {
    assert!(u64::restore(&Saved::Text(String::from("1"))).is_err());
    assert!(bool::restore(&Saved::Number(2)).is_err());
    assert!(u32::restore(&Saved::Number(1 << 40)).is_err());
    assert!(Slot::restore(&Saved::List(Vec::new())).is_err());
    let told = Saved::Number(1).field::<u64>("deep").expect_err("it has no fields").to_string();
    assert_eq!(told, "`deep` can't be read");
}
