//! What holds a child's pid namespace: as long as it lives, so may the processes in there.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::{raw, reap};

/// The first process of a child's pid namespace. Dropping it ends all processes in there, wherever they forked to; that takes its
/// course without being waited for, and the first process's own end is left to whoever reaps orphans.
#[derive(Debug)]
pub struct Innermost(OwnedFd);

impl Innermost {
    pub(crate) fn new(pidfd: OwnedFd) -> Self {
        Self(pidfd)
    }

    /// The same first process, as whoever was in this program's place before knew it.
    pub fn inherited(pidfd: OwnedFd) -> Self {
        Self(pidfd)
    }

    /// What refers to the first process.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Ends all processes in there, waits until they are gone and takes the first one's end. The child's own end must have been
    /// taken before: until then the kernel does not let its namespace go.
    pub fn end(self) {
        self.kill();
        // Somebody who reaps orphans may have been quicker.
        let _ = reap::wait(self.0.as_fd());
    }

    fn kill(&self) {
        // It may have ended already, with this thread's or by its cgroup.
        let _ = raw::pidfd_signal(self.0.as_fd(), libc::SIGKILL);
    }
}

impl Drop for Innermost {
    fn drop(&mut self) {
        self.kill();
    }
}
