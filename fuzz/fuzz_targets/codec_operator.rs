//! Any bytes on the operator door: read as a request, a response and an event.
//!
//! Holds: nothing panics, and what was understood reads the same after it was written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::operator::{Event, Request, Response};
use serde::{Serialize, de::DeserializeOwned};

fuzz_target!(|line: &[u8]| {
    round_trip::<Request>(line);
    round_trip::<Response>(line);
    round_trip::<Event>(line);
});

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(line: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(line) else { return };
    let written = serde_json::to_vec(&read).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(read, again);
}
