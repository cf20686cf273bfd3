//! Any text as a file of slots, under the hash that fits it, and as a release: slots that can be and are written as the
//! same again, or a refusal, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use update::{ChunkId, Release, Slots};

fuzz_target!(|text: &[u8]| {
    let _ = Slots::from_file(text);
    let _ = Release::parse(text);
    let mut file = format!("ostoja-slots-1 {}\n", ChunkId::of(text)).into_bytes();
    file.extend_from_slice(text);
    if let Ok(slots) = Slots::from_file(&file) {
        let again = Slots::from_file(&slots.to_file()).expect("what was written can be read");
        assert!(again == slots, "what was written is read as something else");
        for release in slots.kept() {
            let _ = release.top();
        }
    }
});
