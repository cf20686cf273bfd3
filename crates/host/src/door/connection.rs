//! One operator's connection, from its first line to its hanging up.

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::time::Duration;

use abi::RequestId;
use kernel::{Answer, Order};
use protocol::lines::{Line, LineDecoder};
use protocol::operator::{OPERATOR_LINE_BYTES_MAX, Response};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::spawn_local;

use super::events::Following;
use super::outlet::Outlet;
use super::reply::{self, Refusal};
use super::{parse, requests, standing};
use crate::limits::READ_BYTES;
use crate::shell::Shell;

/// 250 ms between two looks whether somebody who waits for an answer has hung up.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What the handling of one request may touch.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) shell: Rc<RefCell<Shell>>,
    pub(super) outlet: Rc<Outlet>,
    /// Whether events may come after the answer.
    pub(super) follows: Rc<Cell<bool>>,
    /// Topics that are heard through this connection.
    pub(super) heard: Rc<RefCell<Vec<RequestId>>>,
    /// The stream that it follows, if any: one a connection.
    pub(super) stream: Rc<RefCell<Option<Following>>>,
}

impl Caller {
    /// Gives the kernel an order and waits for its answer. Whoever stops waiting departs.
    pub(super) async fn order(&self, order: Order) -> Result<Answer, Refusal> {
        let (request, answer) = {
            let mut shell = self.shell.borrow_mut();
            let (request, answer) = shell.desk.expect();
            shell.feed(kernel::Event::Ordered(request, order));
            shell.end_turn();
            (request, answer)
        };
        let mut departure = Departure { shell: &self.shell, request: Some(request) };
        let answered = answer.await;
        departure.request = None;
        answered.map_err(|_| Refusal::new("kernel::order::shutting_down", "the kernel is gone"))
    }
}

/// An order that nobody waits for any more is withdrawn.
struct Departure<'a> {
    shell: &'a Rc<RefCell<Shell>>,
    /// Nothing once it was answered.
    request: Option<RequestId>,
}

impl Drop for Departure<'_> {
    fn drop(&mut self) {
        // It is dropped by a task that is between two turns, so nobody else has the shell.
        if let (Some(request), Ok(mut shell)) = (self.request, self.shell.try_borrow_mut()) {
            shell.depart(request);
        }
    }
}

/// Serves one operator.
pub(super) async fn serve(shell: Rc<RefCell<Shell>>, stream: UnixStream) {
    let (reader, writer) = stream.into_split();
    let outlet = Rc::new(Outlet::default());
    let writing = spawn_local(write_lines(writer, outlet.clone()));
    let caller = Caller {
        shell: shell.clone(),
        outlet: outlet.clone(),
        follows: Rc::default(),
        heard: Rc::default(),
        stream: Rc::default(),
    };
    converse(&caller, reader).await;
    outlet.close();
    // What is queued is still written to somebody who only closed one direction.
    let _written = writing.await;
    let mut shell = shell.borrow_mut();
    for request in caller.heard.borrow_mut().drain(..) {
        shell.depart(request);
    }
    shell.talk.drop_closed();
    shell.desk.connections -= 1;
}

/// Tells somebody for whom there is no room why, and hangs up.
pub(super) async fn turn_away(mut stream: UnixStream) {
    let response = Response::failed(
        "host::door::too_many",
        "too many operators are connected".to_owned(),
        Some("end commands that follow something, then try again".to_owned()),
    );
    let mut line = serde_json::to_vec(&response).unwrap_or_default();
    line.push(b'\n');
    // Who does not read it has hung up already.
    let _gone = tokio::time::timeout(LOOK_EVERY, stream.write_all(&line)).await;
}

async fn write_lines(mut writer: OwnedWriteHalf, outlet: Rc<Outlet>) {
    while let Some(line) = outlet.next().await {
        if writer.write_all(&line).await.is_err() {
            outlet.close();
            return;
        }
    }
}

async fn converse(caller: &Caller, mut reader: OwnedReadHalf) {
    let mut lines = LineDecoder::new(OPERATOR_LINE_BYTES_MAX);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let bytes = match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(bytes) => bytes,
        };
        let mut rest = &buffer[..bytes];
        loop {
            let line = match lines.next_line(&mut rest) {
                None => break,
                Some(Line::Complete(line)) => line.to_vec(),
                Some(Line::Oversize { .. }) => {
                    let why = format!("the request is longer than {OPERATOR_LINE_BYTES_MAX} bytes");
                    let refusal = Refusal::new("host::door::too_long", why);
                    caller.outlet.response(&reply::response(Err(refusal)));
                    continue;
                }
            };
            tokio::select! {
                () = handle(caller, &line) => {}
                () = hung_up(&reader) => return,
            }
            if caller.outlet.is_closed() {
                return;
            }
        }
    }
    // Whoever closed only the sending side may still read what it follows.
    if caller.follows.get() {
        tokio::select! {
            () = hung_up(&reader) => {}
            () = until_closed(&caller.outlet) => {}
        }
    }
}

async fn handle(caller: &Caller, line: &[u8]) {
    match parse::asked(line).and_then(|asked| standing::admit(caller, asked)) {
        Ok(request) => requests::handle(caller, request).await,
        Err(refusal) => caller.outlet.response(&reply::response(Err(refusal))),
    }
}

async fn until_closed(outlet: &Outlet) {
    while !outlet.is_closed() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Comes to its end when the other side is gone for good, not only done with sending.
async fn hung_up(reader: &OwnedReadHalf) {
    let stream: &UnixStream = reader.as_ref();
    while !is_hung_up(stream.as_fd()) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn is_hung_up(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::new(&fd, PollFlags::empty())];
    let at_once = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut fds, Some(&at_once)) {
        Ok(_) => fds[0].revents().contains(PollFlags::HUP),
        Err(_) => false,
    }
}
