//! Any bytes as a package, in a frame and as one: a package or a refusal, never a panic, and nothing unpacked beyond the
//! limits.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use update::{PackageError, PackageReader};

fn unpack(package: &[u8]) -> Result<(), PackageError> {
    let mut reader = PackageReader::open(package)?;
    while let Some((said, mut file)) = reader.next_file()? {
        let mut bytes = Vec::new();
        if file.read_to_end(&mut bytes).is_ok() {
            assert!(bytes.len() as u64 <= said.digests.bytes);
        }
        assert!(
            !said.path.as_str().starts_with('/') && !said.path.as_str().split('/').any(|part| part == "..")
        );
    }
    reader.finish().map(drop)
}

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = unpack(bytes) {
        assert!(error.to_string().len() < 1000, "an error is no second package");
    }
    // Without this the frame's own format would be all that is ever tried.
    if let Ok(framed) = zstd::bulk::compress(bytes, 1) {
        let _ = unpack(&framed);
    }
});
