//! Asks for more, or for other things, than it may have. Each mode logs what it was answered.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::door::{Input, Output, argument, become_ready};
use crate::good::{Manners, serve};

/// How many calls or requests are made at once.
const FLOOD_CALLS: usize = 10_000;

pub(crate) fn ten_thousand(words: &[String]) -> ExitCode {
    let service = argument(words, 0, "silent").to_owned();
    flood(
        move |id| json!({"type": "rpc_request", "id": id, "service": service, "method": "m", "params": [id]}),
    )
}

pub(crate) fn request_permissions(_: &[String]) -> ExitCode {
    flood(|id| {
        let permissions = json!({"read": [format!("/home/{id}")], "net": [format!("{id}.example:443")]});
        let params = json!({"permissions": permissions, "reason": "because I ask again and again"});
        json!({"type": "call", "id": id, "method": "permissions.request", "params": params})
    })
}

pub(crate) fn publish_forbidden(_: &[String]) -> ExitCode {
    let Some((mut input, mut output)) = become_ready() else { return ExitCode::SUCCESS };
    for topic in ["system:module:crashed", "system:rpc", "system:", "kernel.permissions.pending", "kernel.x"]
    {
        output.frame(&json!({"type": "publish", "topic": topic, "payload": {"moduleId": "somebody-else"}}));
    }
    output.log("after", Value::Null);
    serve(&mut input, &mut output, "echo", Manners::default())
}

pub(crate) fn steal_config(words: &[String]) -> ExitCode {
    let Some((mut input, mut output)) = become_ready() else { return ExitCode::SUCCESS };
    let keys: Vec<&str> = if words.is_empty() {
        vec![
            "security",
            "kernel",
            "lifecycle.maxRestarts",
            "other.secret",
            "__proto__.x",
            "..",
            "a.constructor",
        ]
    } else {
        words.iter().map(String::as_str).collect()
    };
    for key in &keys {
        output.frame(&json!({"type": "call", "id": format!("get {key}"), "method": "config.get",
                             "params": {"key": key}}));
        output.frame(&json!({"type": "call", "id": format!("set {key}"), "method": "config.set",
                             "params": {"key": key, "value": "off"}}));
    }
    let mut answers = BTreeMap::new();
    while answers.len() < 2 * keys.len() {
        let Some(frame) = input.next_frame() else { return ExitCode::SUCCESS };
        match &*frame.kind {
            "ping" => output.pong(),
            "call:response" => {
                let error = frame.error.as_deref().unwrap_or("no error").to_owned();
                let result = frame.result.map_or("no result", |result| result.get()).to_owned();
                answers.insert(frame.id().to_owned(), [error, result]);
            }
            "shutdown" => break,
            _ => {}
        }
    }
    output.log("answers", json!(answers));
    serve(&mut input, &mut output, "echo", Manners::default())
}

/// Sends all calls before it reads one answer, then logs how often each answer came.
fn flood(call: impl Fn(&str) -> Value) -> ExitCode {
    let Some((mut input, mut output)) = become_ready() else { return ExitCode::SUCCESS };
    for number in 0..FLOOD_CALLS {
        output.frame(&call(&number.to_string()));
    }
    output.log("after", Value::Null);
    count_answers(&mut input, &mut output)
}

fn count_answers(input: &mut Input, output: &mut Output) -> ExitCode {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut answered = 0;
    while answered < FLOOD_CALLS {
        let Some(frame) = input.next_frame() else { return ExitCode::SUCCESS };
        match &*frame.kind {
            "ping" => output.pong(),
            "shutdown" => break,
            "rpc_response" | "call:response" => {
                answered += 1;
                *counts.entry(frame.error.as_deref().unwrap_or("no error").to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }
    output.log("answers", json!(counts));
    serve(input, output, "echo", Manners::default())
}
