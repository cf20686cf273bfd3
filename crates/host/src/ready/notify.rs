//! Readiness told as to systemd: `READY=1` in a datagram to `$NOTIFY_SOCKET`.
//!
//! Each life gets a socket of its own under the same path, so that what a dead life sent late lies in a socket that
//! nobody reads. The socket is a file, not an abstract name: a contained module may not reach abstract ones.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixDatagram as Socket;
use std::path::Path;

use abi::Slot;
use tokio::net::UnixDatagram;

use crate::shell::Shell;

/// 4 KiB: the longest message that is read; systemd's own bound is 4,096 bytes too.
const MESSAGE_BYTES_MAX: usize = 4096;

/// 107 bytes: what the path of a Unix socket may have (`sun_path`, less its end).
const PATH_BYTES_MAX: usize = 107;

/// Makes the socket of a new life, before its process starts.
///
/// # Errors
/// Why there is none, as a sentence: without it the module could never become ready.
pub(crate) fn bind_socket(path: &Path) -> Result<Socket, String> {
    if path.as_os_str().len() > PATH_BYTES_MAX {
        return Err(format!(
            "the path of its notify socket has more than {PATH_BYTES_MAX} bytes; use a home with a shorter path"
        ));
    }
    let folder = path.parent().unwrap_or(path);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let bound = made.and_then(|()| match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Socket::bind(path),
    });
    let socket = bound.and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
    socket.map_err(|error| format!("its notify socket `{}` can't be made: {error}", path.display()))
}

/// Removes the socket of a life that is over, if there is one.
pub(crate) fn remove_socket(shell: &Shell, slot: Slot) {
    let wanted = shell.blueprint(slot).is_some_and(|blueprint| super::wants_socket(&blueprint));
    if wanted {
        // A file that is left is replaced by the next life's.
        let _left = std::fs::remove_file(shell.notify_path(slot));
    }
}

/// Comes to its end when a message says `READY=1`. Everything else that programs tell is ignored; a program that never
/// says it is ended by the kernel's own bound on becoming ready.
pub(super) async fn says_ready(socket: Socket) {
    let Ok(socket) = UnixDatagram::from_std(socket) else { return std::future::pending().await };
    let mut message = [0; MESSAGE_BYTES_MAX];
    loop {
        match socket.recv(&mut message).await {
            Ok(bytes) if is_ready(&message[..bytes]) => return,
            Ok(_) => {}
            Err(_) => return std::future::pending().await,
        }
    }
}

fn is_ready(message: &[u8]) -> bool {
    message.split(|byte| *byte == b'\n').any(|line| line == b"READY=1")
}
