//! The well-behaved module: what all the others are compared with, and what several of them are but for one thing.

use std::process::ExitCode;

use serde_json::json;

use crate::door::{Frame, Input, Output, argument};

/// Echoes until told to stop.
pub(crate) fn good(words: &[String]) -> ExitCode {
    serve(&mut Input::stdin(), &mut Output::stdout(), argument(words, 0, "echo"), Manners::default())
}

/// Where a module deviates from good manners.
#[derive(Default, Clone, Copy)]
pub(crate) struct Manners {
    pub(crate) ready_frames: Ready,
    pub(crate) deaf_to: &'static str,
}

/// How often it says that it is ready.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    #[default]
    Once,
    Twice,
}

/// Serves until `shutdown` or the end of the pipe. Answers go out in one write for all that came in together.
pub(crate) fn serve(input: &mut Input, output: &mut Output, service: &str, manners: Manners) -> ExitCode {
    let mut answers = Vec::new();
    while let Some(frame) = input.next_frame() {
        if frame.kind != manners.deaf_to {
            match &*frame.kind {
                "init" => {
                    let (ready, offer) =
                        (json!({"type": "ready", "manifest": {"provides": [service]}}), frame.transport);
                    output.ready_by_lane(input, offer, ready.clone());
                    if manners.ready_frames == Ready::Twice {
                        output.frame(&ready);
                    }
                }
                "shutdown" => {
                    output.raw(&answers);
                    return ExitCode::SUCCESS;
                }
                "ping" => output.pong(),
                "rpc_request" => echo(&frame, &mut answers),
                _ => {}
            }
        }
        if !input.has_line() && !answers.is_empty() {
            output.raw(&answers);
            answers.clear();
        }
    }
    ExitCode::SUCCESS
}

/// Adds the answer to a call: its params as they came.
pub(crate) fn echo(frame: &Frame<'_>, answers: &mut Vec<u8>) {
    answers.extend_from_slice(b"{\"type\":\"rpc_response\",\"id\":");
    answers.extend_from_slice(json!(frame.id()).to_string().as_bytes());
    answers.extend_from_slice(b",\"result\":");
    answers.extend_from_slice(frame.params.map_or("null", |params| params.get()).as_bytes());
    answers.extend_from_slice(b"}\n");
}
