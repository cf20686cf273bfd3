//! A peer on one end of a socket pair, the test on the other.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};

use serde_json::json;

use super::*;

/// 30 s: no test comes near it on an idle machine.
const DEADLINE: Duration = Duration::from_secs(30);

struct Far {
    peer: Arc<Peer>,
    lines: BufReader<UnixStream>,
    out: UnixStream,
    heard: Receiver<Heard>,
}

impl Far {
    fn new() -> Self {
        let (near, far) = UnixStream::pair().expect("a pair");
        far.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        let (tell, heard) = channel();
        let output = near.try_clone().expect("a second handle");
        let peer = Peer::over(near, output, move |_, what| {
            let _over = tell.send(what);
        });
        Self { peer, lines: BufReader::new(far.try_clone().expect("a second handle")), out: far, heard }
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line in time");
        serde_json::from_str(&line).expect("a message")
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.out, "{message}").expect("it reads");
    }

    fn hears(&self) -> Heard {
        self.heard.recv_timeout(DEADLINE).expect("something was said")
    }
}

fn start(far: &Far) -> Pending {
    far.peer.start("m", Map::new()).expect("it is sent")
}

#[test]
fn progress_comes_before_its_answer_and_answers_find_their_requests() {
    let mut far = Far::new();
    let (first, second) = (start(&far), start(&far));
    let (one, two) = (far.line(), far.line());
    assert_ne!(one["id"], two["id"]);
    let token = one["params"]["_meta"]["progressToken"].clone();
    far.say(&json!({ "jsonrpc": "2.0", "id": two["id"], "result": "second" }));
    let progress = json!({ "progressToken": token, "progress": 1, "total": 4, "message": "a quarter" });
    far.say(&json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": progress }));
    assert_eq!(second.next(DEADLINE), Some(Part::Answer(Ok(json!("second")))));
    assert_eq!(first.next(DEADLINE), Some(Part::Progress(Some(0.25), Some("a quarter".to_owned()))));
    far.say(&json!({ "jsonrpc": "2.0", "id": one["id"], "error": { "code": -1, "message": "no" } }));
    let refused = AskError::Refused(RpcError::new(-1, "no"));
    assert_eq!(first.next(DEADLINE), Some(Part::Answer(Err(refused))));
}

#[test]
fn a_request_that_is_given_up_is_told_and_forgotten() {
    let mut far = Far::new();
    let pending = start(&far);
    let id = far.line()["id"].clone();
    assert_eq!(pending.next(Duration::ZERO), None);
    pending.give_up("enough");
    let told = far.line();
    assert_eq!((&told["method"], &told["params"]["requestId"]), (&json!("notifications/cancelled"), &id));
    assert!(lock(&far.peer.waiting).is_empty());
}

#[test]
fn the_end_of_the_pipe_answers_whatever_is_open() {
    let mut far = Far::new();
    let pending = start(&far);
    far.line();
    far.out.shutdown(std::net::Shutdown::Both).expect("it is open");
    assert_eq!(pending.next(DEADLINE), Some(Part::Answer(Err(AskError::Gone))));
    assert!(matches!(far.hears(), Heard::End));
    assert!(far.peer.ask("m", Map::new(), DEADLINE).is_err());
}

#[test]
fn pings_are_answered_other_wishes_refused_and_noise_is_told() {
    let mut far = Far::new();
    far.say(&json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" }));
    assert_eq!(far.line(), json!({ "jsonrpc": "2.0", "id": "p", "result": {} }));
    far.say(&json!({ "jsonrpc": "2.0", "id": 5, "method": "sampling/createMessage", "params": {} }));
    assert_eq!(far.line()["error"]["code"], code::METHOD_NOT_FOUND);
    writeln!(far.out, "Server is starting").expect("it reads");
    assert!(matches!(far.hears(), Heard::Noise(line) if line == "Server is starting"));
    far.say(&json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
    assert!(matches!(far.hears(), Heard::Notification { method, .. } if method.ends_with("list_changed")));
}
