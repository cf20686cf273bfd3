//! What a small change of a big module costs: bytes stored, and time beside hashing the module. Prints one line per
//! number: `cargo bench -p store --bench depot`.
//!
//! Hashing is what verifying a package asks for, SHA-256 and BLAKE3 of the file on one thread, and staging does it too,
//! beside cutting it and naming its chunks. The file is in the page cache in both cases, since it was just unpacked.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its numbers and stops at any mistake"
)]

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use store::{Depot, LocalDisk, Stocked, Taken};
use update::{Digester, Digests};

/// 100 MB, as the promise says.
const MODULE_BYTES: usize = 100_000_000;

/// 15 rounds, of which the middle one is told.
const ROUNDS: usize = 15;

/// 400 changes, spread over a smaller file: how the stored bytes are distributed.
const CHANGES: usize = 400;

/// Bytes without order, the same for the same seed (xorshift): the worst case, since nothing compresses.
fn noise(mut seed: u64, length: usize) -> Vec<u8> {
    let words = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    });
    words.take(length / 8 + 1).flatten().take(length).collect()
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    one_byte_in_100_mb(folder.path());
    how_much_a_byte_stores(folder.path());
}

fn hash(path: &Path) -> Digests {
    let mut file = File::open(path).unwrap();
    let mut digester = Digester::default();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return digester.finish(),
            count => digester.update(&buffer[..count]),
        }
    }
}

fn stage(depot: &mut Depot, mut source: impl Read) -> (Taken, Stocked) {
    let mut intake = depot.intake();
    let taken = intake.take(&mut source).unwrap();
    (taken, intake.finish().unwrap())
}

fn one_byte_in_100_mb(folder: &Path) {
    let module = folder.join("module");
    let mut bytes = noise(9, MODULE_BYTES);
    std::fs::write(&module, &bytes).unwrap();
    let (mut depot, _) = Depot::open(Arc::new(LocalDisk), &folder.join("chunks")).unwrap();
    let start = Instant::now();
    let (_, first) = stage(&mut depot, File::open(&module).unwrap());
    println!("first staging: {:.0} ms, {} bytes stored", ms(start.elapsed()), first.bytes);
    let (mut hashing, mut staging, mut stored) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        bytes[round * 6_543_210 + 77] ^= 0x20;
        std::fs::write(&module, &bytes).unwrap();
        let start = Instant::now();
        let digests = hash(&module);
        hashing.push(start.elapsed());
        let start = Instant::now();
        let (taken, stocked) = stage(&mut depot, File::open(&module).unwrap());
        staging.push(start.elapsed());
        stored.push(stocked.bytes);
        assert_eq!(taken.digests, digests);
    }
    let (hashing, staging) = (middle(&mut hashing), middle(&mut staging));
    println!("hashing 100 MB: {:.1} ms (SHA-256 and BLAKE3, middle of {ROUNDS})", ms(hashing));
    println!(
        "staging a 1-byte change of it: {:.1} ms, {:.2} x hashing",
        ms(staging),
        ms(staging) / ms(hashing)
    );
    println!("stored for it: {} bytes at most of {ROUNDS}", stored.iter().max().unwrap());
    assert!(ms(staging) <= 1.5 * ms(hashing), "promised: at most 1.5 times the time of hashing");
    let start = Instant::now();
    let (mut depot, found) = Depot::open(Arc::new(LocalDisk), &folder.join("chunks")).unwrap();
    println!("opening the depot: {:.1} ms for {} chunks", ms(start.elapsed()), found.chunks);
    let (taken, _) = stage(&mut depot, File::open(&module).unwrap());
    let start = Instant::now();
    depot.read(&taken.file, &mut io::sink()).unwrap();
    println!("reading the module back: {:.0} ms", ms(start.elapsed()));
}

fn how_much_a_byte_stores(folder: &Path) {
    let (mut depot, _) = Depot::open(Arc::new(LocalDisk), &folder.join("many")).unwrap();
    let mut bytes = noise(10, 8 << 20);
    stage(&mut depot, bytes.as_slice());
    let mut stored: Vec<u64> = (0..CHANGES)
        .map(|change| {
            bytes[change * 20_011] ^= 0x7f;
            stage(&mut depot, bytes.as_slice()).1.bytes
        })
        .collect();
    stored.sort_unstable();
    let at = |share: usize| stored[(CHANGES - 1) * share / 100];
    println!(
        "stored for 1 byte, {CHANGES} changes of 8 MiB: p50 {}, p99 {}, most {}",
        at(50),
        at(99),
        at(100)
    );
    assert!(at(100) <= 64 << 10, "promised: at most 64 KiB");
}

fn middle(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
