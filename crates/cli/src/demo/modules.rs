//! The demo's modules: this binary, speaking the module door on its stdin and stdout, in four roles.

use std::io::{self, BufRead, Write};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::exit::Exit;

/// 64 KiB: nothing the kernel sends to these modules is longer; what is, is passed over.
const LINE_BYTES_MAX: usize = 64 << 10;

/// 50,000 messages: some two seconds of flood, as fast as the pipe takes them.
const FLOOD_MESSAGES: u32 = 50_000;

/// What a module does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Answers `hello`.
    Greeter,
    /// Dies when told to.
    Worker,
    /// Floods when told to.
    Flooder,
    /// Wishes for more than it may.
    Curious,
}

/// Plays the role until stdin ends or the kernel says `shutdown`.
pub(crate) fn play(role: Role) -> Exit {
    let mut stdin = io::stdin().lock();
    let mut stdout = io::stdout().lock();
    loop {
        let mut line = Vec::new();
        match stdin.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return Exit::Done,
            Ok(count) if count > LINE_BYTES_MAX => continue,
            Ok(_) => {}
        }
        let Ok(message) = serde_json::from_slice::<Value>(&line) else { continue };
        match answer(role, &message, &mut stdout) {
            Ok(Then::GoOn) => {}
            Ok(Then::Leave(code)) => return code,
            // The kernel is gone.
            Err(_) => return Exit::Done,
        }
    }
}

enum Then {
    GoOn,
    Leave(Exit),
}

fn answer(role: Role, message: &Value, out: &mut impl Write) -> io::Result<Then> {
    match message["type"].as_str().unwrap_or_default() {
        "init" => say(out, &json!({ "type": "ready", "manifest": {} }))?,
        "ping" => say(out, &json!({ "type": "pong" }))?,
        "deps_ready" if role == Role::Curious => {
            let params =
                json!({ "permissions": { "net": ["telemetry.example:443"] }, "reason": "to report home" });
            say(
                out,
                &json!({ "type": "call", "id": "wish", "method": "permissions.request", "params": params }),
            )?;
        }
        "rpc_request" => return serve(role, message, out),
        "shutdown" => return Ok(Then::Leave(Exit::Done)),
        _ => {}
    }
    Ok(Then::GoOn)
}

fn serve(role: Role, message: &Value, out: &mut impl Write) -> io::Result<Then> {
    let result = match (role, message["method"].as_str().unwrap_or_default()) {
        (Role::Greeter, "hello") => {
            json!(format!("Hello, {}!", message["params"]["name"].as_str().unwrap_or("stranger")))
        }
        (Role::Worker, "crash") => {
            let mut stderr = io::stderr().lock();
            writeln!(stderr, "worker: somebody pulled the plug")?;
            return Ok(Then::Leave(Exit::Failed));
        }
        (Role::Flooder, "flood") => {
            flood(out)?;
            json!(FLOOD_MESSAGES)
        }
        (_, method) => {
            let error = format!("unknown method `{method}`");
            say(out, &json!({ "type": "rpc_response", "id": message["id"], "error": error }))?;
            return Ok(Then::GoOn);
        }
    };
    say(out, &json!({ "type": "rpc_response", "id": message["id"], "result": result }))?;
    Ok(Then::GoOn)
}

fn flood(out: &mut impl Write) -> io::Result<()> {
    let line = format!("{}\n", json!({ "type": "publish", "topic": "flood", "payload": "x".repeat(200) }));
    (0..FLOOD_MESSAGES).try_for_each(|_| out.write_all(line.as_bytes()))?;
    out.flush()
}

fn say(out: &mut impl Write, message: &Value) -> io::Result<()> {
    writeln!(out, "{message}")?;
    out.flush()
}

#[cfg(test)]
mod tests;
