//! The operator door: a Unix socket for people and their tools, at most [`CONNECTIONS_MAX`] at once, all of them ours or
//! root's.
//!
//! # A connection
//! One task reads requests, one after the other, and a second one writes what is in the connection's [`outlet`]. An
//! answer may take as long as the order it waits for; meanwhile the connection is looked at, so that whoever hung up is
//! not waited for. What is followed comes as events after the answer; a reader that is too slow loses events, which are
//! counted and told.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use abi::RequestId;
use kernel::{Answer, Message};
use protocol::operator::{Event, TopicMessage};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::spawn_local;

use crate::clock::wall_now;
use crate::home::Home;
use crate::limits::CONNECTIONS_MAX;
use crate::shell::Shell;
use crate::translate::message_json;

mod actor_requests;
mod config_requests;
mod connection;
mod context_requests;
mod function_requests;
mod kernel_requests;
mod logs;
mod module_requests;
pub(crate) mod outlet;
mod parse;
mod permission_requests;
mod profile_requests;
mod reply;
mod requests;
mod rows;
mod secret_requests;
mod snapshot_requests;
mod standing;
mod update_requests;
mod usage_requests;

#[cfg(test)]
mod tests;

use outlet::Outlet;

/// 107 bytes: what the path of a Unix socket may have (`sun_path`, less its end).
const PATH_BYTES_MAX: usize = 107;

/// For the owner alone.
const MODE: u32 = 0o600;

/// 100 ms before another try when a connection can't be accepted: most often descriptors are used up for a moment.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Orders that operators wait for, and topics that they hear.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    last: u64,
    waiting: BTreeMap<RequestId, oneshot::Sender<Answer>>,
    hearing: BTreeMap<RequestId, Rc<Outlet>>,
    pub(crate) connections: usize,
}

impl Desk {
    /// A number for the next order.
    pub(crate) fn next_request(&mut self) -> RequestId {
        self.last += 1;
        RequestId(self.last)
    }

    /// How many orders and calls of operators are not answered yet.
    pub(crate) fn open(&self) -> usize {
        self.waiting.len()
    }

    /// A number for an order whose answer is waited for.
    pub(crate) fn expect(&mut self) -> (RequestId, oneshot::Receiver<Answer>) {
        let request = self.next_request();
        let (sender, receiver) = oneshot::channel();
        self.waiting.insert(request, sender);
        (request, receiver)
    }

    /// Hands an answer to whoever waits for it.
    pub(crate) fn answer(&mut self, request: RequestId, answer: Answer) {
        if let Some(waiting) = self.waiting.remove(&request) {
            // Whoever hung up needs no answer.
            let _gone = waiting.send(answer);
        }
    }

    /// From now on this request's messages go there.
    pub(crate) fn hear(&mut self, request: RequestId, outlet: Rc<Outlet>) {
        self.hearing.insert(request, outlet);
    }

    /// Shows a message on a topic.
    pub(crate) fn show(&mut self, request: RequestId, topic: &kernel::Word, message: &Message) {
        let Some(outlet) = self.hearing.get(&request) else { return };
        let payload = serde_json::from_slice(&message_json(message)).unwrap_or(serde_json::Value::Null);
        let message = TopicMessage { ts_ms: wall_now().0, topic: topic.to_string(), payload };
        outlet.event(&Event::Message(message));
    }

    /// Forgets a request.
    pub(crate) fn forget(&mut self, request: RequestId) {
        self.waiting.remove(&request);
        self.hearing.remove(&request);
    }

    /// Tells everybody who hears a topic that nothing more will come.
    pub(crate) fn end_all(&mut self, why: &str) {
        for outlet in std::mem::take(&mut self.hearing).into_values() {
            outlet.event(&Event::End(why.to_owned()));
        }
    }
}

/// The socket that an earlier program in this process opened.
///
/// # Errors
/// The system's own: the event loop has no room for it.
pub(crate) fn resume(door: std::os::fd::OwnedFd) -> io::Result<UnixListener> {
    UnixListener::from_std(door.into())
}

/// Opens the socket. A file that a killed kernel left is replaced: whoever holds the home's lock may do that.
///
/// # Errors
/// The step's own.
pub(crate) fn open(home: &Home) -> io::Result<UnixListener> {
    let path = home.socket();
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let (listener, _folder) = with_short_path(&path, |path| StdListener::bind(path))?;
    fs::set_permissions(&path, Permissions::from_mode(MODE))?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// Connects to the operator door of a home, whatever the length of its path.
///
/// # Errors
/// The system's own: `NotFound` and `ConnectionRefused` mean that no kernel runs there.
pub fn dial(home: &Home) -> io::Result<StdStream> {
    with_short_path(&home.socket(), |path| StdStream::connect(path)).map(|(stream, _folder)| stream)
}

/// Connects to the socket of the module that comes with the program, whatever the length of its path.
///
/// # Errors
/// The system's own: `NotFound` and `ConnectionRefused` mean that it does not run.
pub fn dial_companion(home: &Home) -> io::Result<StdStream> {
    let path = home.companion().join("api.sock");
    with_short_path(&path, |path| StdStream::connect(path)).map(|(stream, _folder)| stream)
}

/// A path that is too long for a socket is reached through its folder, which is opened and named by its descriptor.
fn with_short_path<T>(
    path: &Path,
    act: impl FnOnce(&Path) -> io::Result<T>,
) -> io::Result<(T, Option<File>)> {
    if path.as_os_str().len() <= PATH_BYTES_MAX {
        return act(path).map(|done| (done, None));
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let folder = File::open(folder)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    act(&short).map(|done| (done, Some(folder)))
}

/// Takes in operators until the process ends.
pub(crate) async fn serve(shell: Rc<RefCell<Shell>>, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                admit(&shell, stream);
                // Those who came before get their turn first, so that places of those who left again are free.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                tracing::warn!(%error, "an operator could not be let in");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

/// Lets in who is the kernel's own user or root, as far as there is room. Who is not is let go without a word.
fn admit(shell: &Rc<RefCell<Shell>>, stream: UnixStream) {
    let ours = rustix::process::geteuid().as_raw();
    let is_ours = stream.peer_cred().is_ok_and(|peer| peer.uid() == ours || peer.uid() == 0);
    if !is_ours {
        tracing::warn!("somebody who is neither the kernel's user nor root knocked at the operator door");
        return;
    }
    let has_room = {
        let mut shell = shell.borrow_mut();
        let has_room = shell.desk.connections < CONNECTIONS_MAX;
        shell.desk.connections += usize::from(has_room);
        has_room
    };
    if has_room {
        spawn_local(connection::serve(shell.clone(), stream));
    } else {
        spawn_local(connection::turn_away(stream));
    }
}
