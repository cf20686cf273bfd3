//! Against the rules of starting, living and ending.

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::door::{Input, LIFE_MAX, Output, number};
use crate::good::{Manners, Ready, serve};

fn good_but(manners: Manners) -> ExitCode {
    serve(&mut Input::stdin(), &mut Output::stdout(), "echo", manners)
}

pub(crate) fn hang(_: &[String]) -> ExitCode {
    Input::stdin().wait_for_end();
    ExitCode::SUCCESS
}

pub(crate) fn exit_at_once(words: &[String]) -> ExitCode {
    let code = u8::try_from(number(words, 0, 7)).unwrap_or(7);
    ExitCode::from(code)
}

pub(crate) fn exit_in_init_with_nack(_: &[String]) -> ExitCode {
    if Input::stdin().wait_for(&["init"]) {
        Output::stdout().frame(&json!({"type": "nack", "id": "init", "error": "no database"}));
    }
    ExitCode::FAILURE
}

pub(crate) fn lying_ready(_: &[String]) -> ExitCode {
    let (mut input, mut output) = (Input::stdin(), Output::stdout());
    if !input.wait_for(&["init"]) {
        return ExitCode::SUCCESS;
    }
    output.frame(&json!({
        "type": "ready",
        "manifest": {
            "id": "somebody-else", "name": "Somebody else", "version": "99.0.0",
            "provides": ["stolen", "echo"], "subscribes": ["system:rpc", "secrets"],
            "permissions": {"net": ["*"], "read": ["/"], "write": ["/"], "run": ["sh"]},
        },
        "capabilities": {"services": ["stolen", "vault"], "topics": ["system:module:*", "secrets"]},
    }));
    // Deaf to `init`, so that it does not say ready again.
    serve(&mut input, &mut output, "stolen", Manners { deaf_to: "init", ..Manners::default() })
}

pub(crate) fn ready_twice(_: &[String]) -> ExitCode {
    good_but(Manners { ready_frames: Ready::Twice, ..Manners::default() })
}

pub(crate) fn no_pong(_: &[String]) -> ExitCode {
    good_but(Manners { deaf_to: "ping", ..Manners::default() })
}

pub(crate) fn ignore_shutdown(_: &[String]) -> ExitCode {
    good_but(Manners { deaf_to: "shutdown", ..Manners::default() })
}

pub(crate) fn eof_ignorer(_: &[String]) -> ExitCode {
    good_but(Manners::default());
    thread::sleep(LIFE_MAX);
    ExitCode::SUCCESS
}

pub(crate) fn refuse_sigterm(_: &[String]) -> ExitCode {
    let heard = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        // A handler that only notes the signal takes the place of the one that would end the process.
        if let Err(problem) = signal_hook::flag::register(signal, heard.clone()) {
            drop(writeln!(io::stderr(), "cannot refuse signal {signal}: {problem}"));
            return ExitCode::FAILURE;
        }
    }
    good_but(Manners { deaf_to: "shutdown", ..Manners::default() });
    thread::sleep(LIFE_MAX);
    ExitCode::SUCCESS
}

pub(crate) fn deaf(_: &[String]) -> ExitCode {
    Output::stdout().ready();
    thread::sleep(LIFE_MAX);
    ExitCode::SUCCESS
}

pub(crate) fn slow_reader(_: &[String]) -> ExitCode {
    let mut input = Input::from(Box::new(Trickle(io::stdin())), Trickle::BYTES);
    serve(&mut input, &mut Output::stdout(), "echo", Manners::default())
}

/// A pipe that is read drop by drop.
struct Trickle(io::Stdin);

impl Trickle {
    const BYTES: usize = 64;
    const PAUSE: Duration = Duration::from_millis(10);
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        thread::sleep(Self::PAUSE);
        let bytes = buffer.len().min(Self::BYTES);
        rustix::io::read(&self.0, &mut buffer[..bytes]).map_err(io::Error::from)
    }
}

pub(crate) fn burn_cpu(words: &[String]) -> ExitCode {
    for _ in 0..number(words, 0, 1) {
        thread::spawn(|| {
            let mut burnt = 0_u64;
            loop {
                burnt = std::hint::black_box(burnt.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            }
        });
    }
    good_but(Manners::default())
}
