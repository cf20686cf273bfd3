//! Lines that are no messages. After each the module says so in a log frame: the kernel must still hear that.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::door::{Output, become_ready};
use crate::good::{Manners, serve};

/// 10 MB: ten times the longest line that a kernel takes by default.
const LONG_LINE_BYTES: usize = 10_000_000;

/// 100,000 levels: a parser that recurses without a limit overflows its stack.
const DEEP_LEVELS: usize = 100_000;

/// 1,000 rounds of every malformed frame below.
const SPAM_ROUNDS: usize = 1000;

const HALF: &[u8] = b"{\"type\":\"publish\",\"topic\":\"half";

/// Misbehaves once, says that it is over it, and goes on as a good module.
fn then_good(misbehave: impl FnOnce(&mut Output)) -> ExitCode {
    let Some((mut input, mut output)) = become_ready() else { return ExitCode::SUCCESS };
    misbehave(&mut output);
    output.log("after", Value::Null);
    serve(&mut input, &mut output, "echo", Manners::default())
}

pub(crate) fn half_line(_: &[String]) -> ExitCode {
    let Some((mut input, mut output)) = become_ready() else { return ExitCode::SUCCESS };
    output.raw(HALF);
    input.wait_for_end();
    ExitCode::SUCCESS
}

pub(crate) fn die_mid_line(_: &[String]) -> ExitCode {
    let Some((_input, mut output)) = become_ready() else { return ExitCode::SUCCESS };
    output.raw(HALF);
    ExitCode::from(3)
}

pub(crate) fn long_line(_: &[String]) -> ExitCode {
    then_good(|output| {
        output.raw(b"{\"type\":\"publish\",\"topic\":\"long\",\"payload\":\"");
        output.raw(&b"x".repeat(LONG_LINE_BYTES));
        output.raw(b"\"}\n");
    })
}

pub(crate) fn invalid_utf8(_: &[String]) -> ExitCode {
    then_good(|output| {
        output.raw(b"\xff\xfe\xfd\n");
        output.raw(b"{\"type\":\"publish\",\"topic\":\"bad\",\"payload\":\"\xc3\x28\"}\n");
        output.raw(b"{\"type\":\"publish\",\"topic\":\"\xf0\x9f\",\"payload\":1}\n");
        output.raw(b"{\"type\":\"log\",\"level\":\"info\",\"msg\":\"\xed\xa0\x80\"}\n");
        output.raw(b"{\"type\":\"publish\",\"topic\":\"bad\",\"payload\":\"\\ud800\"}\n");
    })
}

pub(crate) fn deep_json(_: &[String]) -> ExitCode {
    then_good(|output| {
        output.raw(b"{\"type\":\"publish\",\"topic\":\"deep\",\"payload\":");
        output.raw(&b"[".repeat(DEEP_LEVELS));
        output.raw(&b"]".repeat(DEEP_LEVELS));
        output.raw(b"}\n");
        output.raw(&b"[".repeat(DEEP_LEVELS));
        output.raw(b"\n");
        output.raw(&b"{\"type\":".repeat(DEEP_LEVELS));
        output.raw(b"\n");
    })
}

pub(crate) fn spam_unknown_types(_: &[String]) -> ExitCode {
    then_good(|output| {
        let malformed = [
            json!({"type": "x"}),
            json!({"type": "deliver", "id": "1", "topic": "t"}),
            json!({"type": ""}),
            json!({"type": 5}),
            json!({"type": null}),
            json!({}),
            json!([]),
            json!(null),
            json!("ready"),
            json!({"type": "publish"}),
            json!({"type": "publish", "topic": 5}),
            json!({"type": "publish", "topic": "t".repeat(300)}),
            json!({"type": "rpc_request", "id": 1, "service": "echo", "method": "m"}),
            json!({"type": "rpc_request", "id": "1", "service": "echo"}),
            json!({"type": "rpc_request", "id": "1".repeat(257), "service": "echo", "method": "m"}),
            json!({"type": "rpc_response"}),
            json!({"type": "call", "id": {}, "method": []}),
            json!({"type": "call:response", "id": null}),
            json!({"type": "log"}),
            json!({"type": "log", "level": "shout", "msg": 5}),
            json!({"type": "log-group", "level": "info", "msg": "m", "items": "none"}),
            json!({"type": "chunk", "id": "1", "seq": -1}),
            json!({"type": "credit", "id": "1", "n": 1e300}),
            json!({"type": "cancel"}),
            json!({"type": "progress", "id": "1", "fraction": "half"}),
            json!({"type": "nack"}),
        ];
        let round: String = malformed.iter().map(|frame| format!("{frame}\n")).collect();
        for _ in 0..SPAM_ROUNDS {
            output.raw(round.as_bytes());
        }
    })
}
