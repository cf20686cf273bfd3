//! How the launcher comes by the descriptor at which a child's calls to the network are answered: the child sends it, before its
//! program runs, through a socket of that one launch.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType, recvmsg,
    socketpair,
};

use super::{FDS_FROM, LaunchError, Step, lifted};

/// What a broker needs of one child. Dropping it takes all network from the child.
#[derive(Debug)]
pub struct Watched {
    /// Where the calls wait. It hangs up when the child and all that it started have ended.
    pub calls: OwnedFd,
    /// Where the child's questions for names arrive.
    pub names: OwnedFd,
}

/// The telling of one launch: a pair of sockets.
pub(crate) struct Telling<'a> {
    ours: OwnedFd,
    child: OwnedFd,
    names: &'a OwnedFd,
}

impl<'a> Telling<'a> {
    pub(crate) fn new(names: &'a OwnedFd) -> Result<Self, LaunchError> {
        let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
        let (ours, child) = pair.map_err(|errno| LaunchError::Pipe(errno.into()))?;
        Ok(Self { ours, child: lifted(child)?, names })
    }

    /// The child's end.
    pub(crate) fn end(&self) -> BorrowedFd<'_> {
        self.child.as_fd()
    }

    /// Our end. Readable when the child has sent its word.
    pub(crate) fn ours(&self) -> BorrowedFd<'_> {
        self.ours.as_fd()
    }

    /// What the child has sent; called when its program runs.
    pub(crate) fn read(&self) -> Result<Watched, LaunchError> {
        let failed = |source: io::Error| LaunchError::Step { step: Step::Watch, source };
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0_u8; 1];
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let part = io::IoSliceMut::new(&mut byte);
        recvmsg(&self.ours, &mut [part], &mut ancillary, flags).map_err(|errno| failed(errno.into()))?;
        let mut sent = ancillary.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        });
        let calls = sent.next().and_then(|mut fds| fds.next());
        let calls = calls.ok_or_else(|| failed(io::ErrorKind::UnexpectedEof.into()))?;
        let names = rustix::io::fcntl_dupfd_cloexec(self.names, FDS_FROM);
        Ok(Watched { calls, names: names.map_err(|errno| LaunchError::Pipe(errno.into()))? })
    }
}
