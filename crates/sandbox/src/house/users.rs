//! The user namespace that all contained children of this process share.
//!
//! Numbers of users mean in it what they mean outside: root sees all that it has, anybody else sees itself alone. What it takes away is
//! the machine: a right that is had in it counts for what belongs to it, and no namespace, mount or device of the machine
//! does. One for all modules is enough: it holds no state that one could leave for another.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;

use super::works::Founding;
use super::{first, told};
use crate::launch::FDS_FROM;
use crate::raw;

/// The namespace, made at the first call and kept for the life of this process.
///
/// # Errors
/// Why there is none.
pub(super) fn shared() -> Result<&'static OwnedFd, String> {
    static SHARED: OnceLock<Result<OwnedFd, String>> = OnceLock::new();
    SHARED.get_or_init(make).as_ref().map_err(Clone::clone)
}

/// The one that has made the namespace, and waits to be looked at. It is ended when this value is dropped.
struct Founder(raw::Born);

impl Drop for Founder {
    fn drop(&mut self) {
        // It may have ended by itself; another thread that reaps strangers may have been quicker.
        let _ = raw::pidfd_signal(self.0.pidfd.as_fd(), libc::SIGKILL);
        let _ = crate::reap::wait(self.0.pidfd.as_fd());
    }
}

fn make() -> Result<OwnedFd, String> {
    let argv = first::words();
    let founding = Founding { program: first::program()?.as_fd(), argv: &argv };
    let mut stack = raw::Stack::new().map_err(|error| error.to_string())?;
    let born = raw::spawn_founder(&founding, &mut stack).map_err(|error| format!("no child: {error}"))?;
    let founder = Founder(born);
    if let Some(failure) = founder.0.failure {
        return Err(told("no user namespace is given", failure));
    }
    hold(&founder.0).map_err(|error| format!("a user namespace can't be set up: {error}"))
}

fn hold(founder: &raw::Born) -> io::Result<OwnedFd> {
    let of = |file: &str| format!("/proc/{}/{file}", founder.pid);
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    if uid.is_root() && fs::write(of("uid_map"), same("uid_map")?).is_ok() {
        fs::write(of("gid_map"), same("gid_map")?)?;
    } else {
        // Who is not root may say what it is itself, after giving up to drop groups.
        fs::write(of("setgroups"), "deny")?;
        fs::write(of("uid_map"), format!("{uid} {uid} 1", uid = uid.as_raw()))?;
        fs::write(of("gid_map"), format!("{gid} {gid} 1", gid = gid.as_raw()))?;
    }
    let file = File::open(of("ns/user"))?;
    Ok(rustix::io::fcntl_dupfd_cloexec(&file, FDS_FROM)?)
}

/// Every number that there is here, as itself.
fn same(map: &str) -> io::Result<String> {
    let ours = fs::read_to_string(format!("/proc/self/{map}"))?;
    let ranges = ours.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (inside, count) = (words.next()?, words.nth(1)?);
        Some(format!("{inside} {inside} {count}\n"))
    });
    Ok(ranges.collect())
}
