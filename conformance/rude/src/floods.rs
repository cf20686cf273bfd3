//! More than anybody can read.

use std::io::Write;
use std::process::ExitCode;

use crate::door::{become_ready, leave_at_end_of};

/// 64 KiB at once: what a pipe holds.
const FLOOD_BYTES: usize = 64 << 10;

pub(crate) fn stdout(_: &[String]) -> ExitCode {
    flood(b"this is no frame, and there is no end of it\n")
}

pub(crate) fn frames(_: &[String]) -> ExitCode {
    flood(
        b"{\"type\":\"publish\",\"topic\":\"flood\",\"payload\":\"water\"}\n\
          {\"type\":\"log\",\"level\":\"error\",\"msg\":\"water\"}\n",
    )
}

pub(crate) fn stderr(_: &[String]) -> ExitCode {
    let Some((input, _output)) = become_ready() else { return ExitCode::SUCCESS };
    leave_at_end_of(input);
    let block = b"water on stderr\n".repeat(FLOOD_BYTES / 16);
    while std::io::stderr().write_all(&block).is_ok() {}
    ExitCode::SUCCESS
}

fn flood(lines: &[u8]) -> ExitCode {
    let Some((input, mut output)) = become_ready() else { return ExitCode::SUCCESS };
    leave_at_end_of(input);
    let block = lines.repeat(FLOOD_BYTES / lines.len());
    loop {
        output.raw(&block);
    }
}
