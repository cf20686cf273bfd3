//! Readings of the system: pressure and rates.

use abi::{Generation, Time};
use kernel::{Amounts, Resource};

use super::{Last, some_avg10_permille, with_rates};

#[test]
fn pressure_is_read_in_thousandths_of_the_last_ten_seconds() {
    let text =
        "some avg10=12.39 avg60=1.00 avg300=0.10 total=5\nfull avg10=99.00 avg60=0.00 avg300=0.00 total=0\n";
    assert_eq!(some_avg10_permille(text), Some(123));
    assert_eq!(some_avg10_permille("some avg10=100.00 avg60=1"), Some(1000));
    for text in ["", "full avg10=1.00", "some avg60=1.00", "some avg10=x.1", "some avg10=7"] {
        assert_eq!(some_avg10_permille(text), None, "{text}");
    }
}

#[test]
fn rates_are_those_since_the_last_look_and_never_negative() {
    let before = Last {
        generation: Generation(1),
        at: Time(1000),
        cpu_us: 1_000_000,
        frames: 100,
        calls: 10,
        used: Amounts::default().with(Resource::Processes, 40),
        births_refused: 1000,
    };
    let this = Last {
        at: Time(3000),
        cpu_us: 2_000_000,
        frames: 2100,
        calls: 8,
        // It has shrunk, and was refused what it asked for all the same.
        used: Amounts::default().with(Resource::Processes, 30),
        births_refused: 5000,
        ..before
    };
    let used = with_rates(Amounts::default(), before, this);
    let expected =
        [(Resource::Cpu, 500), (Resource::Messages, 1000), (Resource::Calls, 0), (Resource::Births, 2000)];
    assert_eq!(expected.map(|(resource, _)| (resource, used.of(resource))), expected);
    // Two looks at one moment divide by nothing.
    let _finite = with_rates(Amounts::default(), before, before);
}
