//! Who is kept waiting, and who is not.

use super::*;

const NOW: u64 = 1_763_769_600_000;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn guessed(wrong: &mut Wrong, from: &str) {
    for _ in 0..=WRONG_BURST {
        wrong.count(address(from), NOW);
    }
}

#[test]
fn a_stranger_that_guesses_keeps_out_itself_and_its_network_only() {
    let mut wrong = Wrong::default();
    guessed(&mut wrong, "192.0.2.7");
    guessed(&mut wrong, "2001:db8::1");
    for (from, waits) in [
        ("192.0.2.7", true),
        ("::ffff:192.0.2.7", true),
        ("192.0.2.8", false),
        ("2001:db8::2", true),
        ("2001:db8:0:1::1", false),
        ("127.0.0.1", false),
    ] {
        assert_eq!(wrong.is_too_many(address(from), NOW), waits, "{from}");
    }
    assert!(!wrong.is_too_many(address("192.0.2.7"), NOW + 2 * WRONG_EVERY_MS));
}

#[test]
fn more_addresses_than_are_told_apart_count_as_one_and_those_that_have_paid_are_forgotten() {
    let mut wrong = Wrong::default();
    for number in 0..u32::try_from(ADDRESSES_MAX).expect("few") {
        wrong.count(IpAddr::V4(number.into()), NOW);
    }
    guessed(&mut wrong, "192.0.2.7");
    assert!(wrong.is_too_many(address("198.51.100.1"), NOW));
    assert!(!wrong.is_too_many(IpAddr::V4(7.into()), NOW));
    assert!(wrong.until_ms.len() <= ADDRESSES_MAX + 1);
    wrong.count(address("192.0.2.9"), NOW + 100 * WRONG_EVERY_MS);
    assert!(wrong.until_ms.len() <= 2, "{}", wrong.until_ms.len());
}
