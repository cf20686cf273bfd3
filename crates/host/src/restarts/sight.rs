//! How the machine is: its load, and for how long nobody has typed.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kernel::Sight;

#[cfg(test)]
mod tests;

/// Where login sessions are noted.
const SESSIONS: &str = "/run/utmp";

/// The size of one entry of utmp on Linux with the GNU library, on 64-bit machines (utmp(5)).
const ENTRY_BYTES: usize = 384;

/// `USER_PROCESS` of utmp(5): a login session of a person.
const USER_PROCESS: i16 = 7;

/// Where in an entry the name of its terminal lies, and how long it may be.
const LINE: std::ops::Range<usize> = 8..40;

/// 10,000 sessions: 4 MB of a file that anybody may have grown.
const SESSIONS_BYTES_MAX: u64 = 10_000 * ENTRY_BYTES as u64;

/// Looks; what can't be told is left out.
pub(super) fn look() -> Sight {
    let load = fs::read_to_string("/proc/loadavg").ok().and_then(|text| load_permille(&text, processors()));
    Sight { load_permille: load, idle: idle(), calls_open: 0 }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The load of the last minute, as a share of all processors.
fn load_permille(loadavg: &str, processors: usize) -> Option<u32> {
    let load: f64 = loadavg.split(' ').next()?.parse().ok()?;
    let share = load * 1000.0 / processors.max(1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    (0.0..1e9).contains(&share).then_some(share as u32)
}

/// For how long nobody has typed in a login session; nothing when nobody is logged in.
fn idle() -> Option<Duration> {
    let long_enough = fs::metadata(SESSIONS).ok().filter(|found| found.len() <= SESSIONS_BYTES_MAX)?;
    let entries = if long_enough.is_file() { fs::read(SESSIONS).ok()? } else { return None };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let typed = terminals(&entries).into_iter().filter_map(|terminal| {
        let read_at = fs::metadata(terminal).ok()?.atime();
        Some(now.saturating_sub(Duration::from_secs(u64::try_from(read_at).ok()?)))
    });
    typed.min()
}

/// The terminals of the login sessions in a utmp file.
fn terminals(utmp: &[u8]) -> Vec<PathBuf> {
    let entries = utmp.as_chunks::<ENTRY_BYTES>().0.iter();
    let of_people = entries.filter(|entry| i16::from_ne_bytes([entry[0], entry[1]]) == USER_PROCESS);
    let line = |entry: &[u8; ENTRY_BYTES]| {
        let name = entry[LINE].split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        // A session of a desktop has a name such as `:0`, and no terminal.
        let is_plain = !name.is_empty() && !name.windows(2).any(|pair| pair == b"..") && name[0] != b'/';
        is_plain.then(|| Path::new("/dev").join(std::ffi::OsStr::from_bytes(&name)))
    };
    of_people.filter_map(line).collect()
}
