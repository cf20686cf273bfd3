//! Answers that nobody asked for.

use std::process::ExitCode;

use serde_json::json;

use crate::door::{Output, become_ready};
use crate::good::echo;

/// 1,000 guesses at the ids of other modules' calls.
const GUESSES: usize = 1000;

pub(crate) fn wrong_id(_: &[String]) -> ExitCode {
    let Some((mut input, mut output)) = become_ready() else { return ExitCode::SUCCESS };
    while let Some(frame) = input.next_frame() {
        match &*frame.kind {
            "ping" => output.pong(),
            "shutdown" => break,
            "rpc_request" => {
                let id = format!("{}x", frame.id());
                output.frame(&json!({"type": "rpc_response", "id": id, "result": "under a wrong id"}));
            }
            _ => {}
        }
    }
    ExitCode::SUCCESS
}

pub(crate) fn foreign(_: &[String]) -> ExitCode {
    let Some((mut input, mut output)) = become_ready() else { return ExitCode::SUCCESS };
    guess(&mut output);
    output.log("after", json!(null));
    while let Some(frame) = input.next_frame() {
        match &*frame.kind {
            "ping" => {
                guess(&mut output);
                output.pong();
            }
            "shutdown" => break,
            "rpc_request" => {
                // Foreign answers first: the caller must see only the one that is its own.
                let mut own = Vec::new();
                echo(&frame, &mut own);
                guess(&mut output);
                output.raw(&own);
            }
            _ => {}
        }
    }
    ExitCode::SUCCESS
}

/// Answers whatever ids kernels and modules are known to use: plain numbers, and letters before them.
fn guess(output: &mut Output) {
    let mut lines = String::new();
    for number in 0..GUESSES {
        let id = format!("{}{number}", ["", "r", "c", "q", "k"][number % 5]);
        for kind in ["rpc_response", "call:response"] {
            lines.push_str(&format!("{}\n", json!({"type": kind, "id": id, "result": "stolen"})));
        }
    }
    output.raw(lines.as_bytes());
}
