//! `mcp serve`: this kernel as an MCP server on stdin and stdout, for agents. Everything goes through the operator door
//! on behalf of a role; see [`mcp::serve`] for what is offered.

use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Instant;

use clap::{Args, Subcommand};
use mcp::rpc::LINE_BYTES_MAX;
use mcp::serve::{Act, Server};
use protocol::operator::{OnBehalf, Request, Response};
use rustix::rand::{GetRandomFlags, getrandom};

use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::target::Target;

use super::dashboard::RoleWord;

const EXAMPLES: &str = "\
Examples:
  ostoja mcp serve                     sees, and changes nothing
  ostoja mcp serve --role operator     may also start, stop and restart";

const SERVE_EXAMPLES: &str = "\
Examples:
  ostoja mcp serve                     sees, and changes nothing
  ostoja mcp serve --role developer    also reads logs and calls services
  ostoja mcp serve --role operator     also starts, stops and restarts

It is for the configuration of an MCP client, which starts it:
  {\"mcpServers\": {\"ostoja\": {\"command\": \"ostoja\", \"args\": [\"mcp\", \"serve\"]}}}
What changes something is planned first and done after a yes: of the user,
where the client can ask one, else with the word that came with the plan.";

/// 64 happenings wait for the one thread that owns the conversation; a client that writes faster waits.
const HAPPENINGS_WAITING_MAX: usize = 64;

/// 128 questions are with the kernel at once, each on a thread and a connection of its own: twice what a client may have
/// open, so that one which cancels and asks again is not refused at once.
const ASKING_MAX: usize = 128;

/// 8 bytes make the seed.
const SEED_BYTES: usize = 8;

/// What can be typed behind `mcp`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct McpArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Be an MCP server on stdin and stdout, for an agent
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// What its client may do
    #[arg(long, value_enum, default_value_t = RoleWord::Viewer)]
    role: RoleWord,
}

pub(super) fn run(ctx: &Ctx, args: &McpArgs) -> Outcome {
    match &args.verb {
        Verb::Serve(args) => serve(ctx, args),
    }
}

/// What happens to a conversation.
enum Happening {
    Line(String),
    TooLong,
    Answered(u64, Response),
    /// The client has hung up.
    End,
}

fn serve(ctx: &Ctx, args: &ServeArgs) -> Outcome {
    let target = Target::of(ctx)?;
    let mut server = Server::new(args.role.role(), env!("CARGO_PKG_VERSION"), seed()?);
    let (sender, happenings) = sync_channel(HAPPENINGS_WAITING_MAX);
    let for_lines = sender.clone();
    start_thread(move || read_lines(&for_lines))?;
    let begun = Instant::now();
    // Cancelled ones among them: the kernel is at them still.
    let mut asking: usize = 0;
    for happening in happenings {
        let acts = match happening {
            Happening::Line(line) => server.handle(begun.elapsed(), &line),
            Happening::TooLong => server.too_long(),
            Happening::Answered(ticket, response) => {
                asking = asking.saturating_sub(1);
                server.answered(begun.elapsed(), ticket, response)
            }
            Happening::End => break,
        };
        let mut acts = VecDeque::from(acts);
        while let Some(act) = acts.pop_front() {
            match act {
                Act::Say(message) => ctx.print(&format!("{message}\n"))?,
                Act::Ask { ticket, .. } if asking >= ASKING_MAX => {
                    let response = overloaded().to_response();
                    acts.extend(server.answered(begun.elapsed(), ticket, response));
                }
                Act::Ask { ticket, request, by } => {
                    asking += 1;
                    let (ctx, target, sender) = (ctx.clone(), target.clone(), sender.clone());
                    start_thread(move || {
                        let response = ask(&ctx, &target, &request, &by);
                        // Whoever has hung up waits for no answer.
                        let _gone = sender.send(Happening::Answered(ticket, response));
                    })?;
                }
            }
        }
    }
    Ok(Exit::Done)
}

fn overloaded() -> Failure {
    Failure::new("cli::mcp::overloaded", "too many questions are with the kernel already")
}

/// Each question has a connection of its own, so that a slow one holds up no other; the kernel may be gone and back in
/// between.
fn ask(ctx: &Ctx, target: &Target, request: &Request, by: &OnBehalf) -> Response {
    let asked = Door::open_at(target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT))
        .and_then(|mut door| door.ask_on_behalf(request, by));
    match asked {
        Ok(response) => response,
        Err(Stopped::Failed(failure)) => failure.to_response(),
        Err(Stopped::ReaderGone) => Failure::new("cli::output::write", "nobody reads").to_response(),
    }
}

fn read_lines(sender: &SyncSender<Happening>) {
    let mut stdin = std::io::stdin().lock();
    let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut is_within = true;
    loop {
        let mut line = Vec::new();
        let is_end = !stdin.by_ref().take(limit).read_until(b'\n', &mut line).is_ok_and(|count| count > 0);
        let is_whole = line.ends_with(b"\n");
        let happening = match (is_end, is_within, is_whole || line.len() < LINE_BYTES_MAX) {
            (true, _, _) => Happening::End,
            (false, true, true) => Happening::Line(String::from_utf8_lossy(&line).into_owned()),
            (false, true, false) => Happening::TooLong,
            // The rest of a line that was too long.
            (false, false, _) => {
                is_within = is_whole;
                continue;
            }
        };
        is_within = is_whole;
        if sender.send(happening).is_err() || is_end {
            return;
        }
    }
}

fn seed() -> Outcome<u64> {
    let mut bytes = [0_u8; SEED_BYTES];
    let mut filled = 0;
    while filled < bytes.len() {
        let got = getrandom(&mut bytes[filled..], GetRandomFlags::empty());
        filled += got.map_err(|error| {
            Failure::new("cli::mcp::chance", "the system gives no random numbers")
                .caused_by(error.to_string())
        })?;
    }
    Ok(u64::from_le_bytes(bytes))
}

fn start_thread(body: impl FnOnce() + Send + 'static) -> Outcome<()> {
    let spawned = std::thread::Builder::new().spawn(body);
    spawned.map(|_| ()).map_err(|error| {
        Failure::new("cli::mcp::thread", "can't start a thread").caused_by(error.to_string()).into()
    })
}
