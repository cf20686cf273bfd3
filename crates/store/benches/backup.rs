//! What a backup of 1 GB costs in which nothing has changed, beside `find -newer` walking the same files. Prints one line
//! per number: `cargo bench -p store --bench backup`.
//!
//! Both find every file in the kernel's caches, as they do an hour after the last backup of a machine at work. The backup
//! is what `ostoja backup create` does: it opens everything anew, and its record is durable when it ends.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its numbers and stops at any mistake"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use abi::Wall;
use store::{BackupSource, Backups, LocalDisk, Made, Trust};

/// 1 GB, as the promise says.
const HOME_BYTES: usize = 1_000_000_000;

/// 11 rounds of each, in turns, of which the middle one is told.
const ROUNDS: usize = 11;

/// 100 files in a folder.
const FOLDER_FILES: usize = 100;

/// Bytes without order, the same for the same seed (xorshift): the worst case, since nothing compresses.
fn noise(seed: usize, length: usize) -> Vec<u8> {
    let mut seed = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let words = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    });
    words.take(length / 8 + 1).flatten().take(length).collect()
}

fn main() {
    for file_bytes in [100_000, 1_000_000] {
        unchanged(file_bytes);
    }
}

fn unchanged(file_bytes: usize) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let count = HOME_BYTES / file_bytes;
    for number in 0..count {
        let path = root.join(format!("modules/data/{:04}/{number:06}.bin", number / FOLDER_FILES));
        if number % FOLDER_FILES == 0 {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        fs::write(path, noise(number, file_bytes)).unwrap();
    }
    let start = Instant::now();
    let first = create(root, 10_000);
    println!(
        "first backup of 1 GB in {count} files: {:.1} s, {} bytes stored",
        start.elapsed().as_secs_f64(),
        first.stocked.bytes
    );
    let mark = root.join("state/mark");
    fs::write(&mark, "").unwrap();
    let (mut backing_up, mut finding) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        finding.push(timed(|| find(root, &mark)));
        backing_up.push(timed(|| {
            let made = create(root, 20_000 + round as u64 * 1000);
            assert_eq!((made.backup.parts[0].files_read, made.stocked.bytes), (0, 0), "nothing has changed");
        }));
    }
    let (backing_up, finding) = (middle(&mut backing_up), middle(&mut finding));
    let ratio = ms(backing_up) / ms(finding);
    println!("find -newer over {count} files: {:.1} ms (middle of {ROUNDS})", ms(finding));
    println!("backup of {count} unchanged files: {:.1} ms, {ratio:.2} x find", ms(backing_up));
    assert!(ratio <= 2.0, "promised: at most twice the time of find");
}

/// A backup, some time after now, when every file has long been settled.
fn create(root: &Path, later_ms: u64) -> Made {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let source = BackupSource {
        component: "module/data".to_owned(),
        places: vec![PathBuf::from("modules/data")],
        without: Vec::new(),
    };
    let mut backups = Backups::new(Arc::new(LocalDisk), &root.join("state"));
    let at = Wall(u64::try_from(now).unwrap() + later_ms);
    backups.create((at, None), root, &[source], Trust::Marks).unwrap()
}

fn find(root: &Path, mark: &Path) {
    let found =
        Command::new("find").arg(root.join("modules")).arg("-newer").arg(mark).stdout(Stdio::null()).status();
    assert!(found.unwrap().success());
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn middle(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
