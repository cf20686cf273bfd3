//! `logs`: what modules said; from the door when a kernel runs, from the files when none does.

use abi::{Generation, ModuleId, Wall};
use clap::Args;
use protocol::operator::{LogPage, LogsRequest, Request};
use store::{Grep, LogQuery};

use crate::amount;
use crate::ctx::Ctx;
use crate::door::{self, ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::follow;
use crate::render::logs::{Clock, LogPrinter};
use crate::target::Target;

const EXAMPLES: &str = "\
Examples:
  ostoja logs -f                 everything, as it comes
  ostoja logs web db -n 50
  ostoja logs web --since 10m --grep timeout
  ostoja logs web --life 3       of its third life only
  ostoja logs -f --json | jq -r 'select(.event == \"log\").data.msg'

Works without a kernel too, from the files; then -f has nothing to follow.";

/// What can be typed behind `logs`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LogsArgs {
    /// Which modules; all when left out
    modules: Vec<String>,
    /// Go on with what comes
    #[arg(short, long)]
    follow: bool,
    /// The last this many lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200)]
    lines: u32,
    /// Not older than: 10m, 14:03, 2026-11-20, a full time stamp
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only lines that hold this text
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Only of this life, as `ps -o wide` numbers them
    #[arg(long, value_name = "N")]
    life: Option<u64>,
    /// Without the time before each line
    #[arg(long)]
    no_time: bool,
}

pub(super) fn run(ctx: &Ctx, args: &LogsArgs) -> Outcome {
    let request = request(ctx, args)?;
    let target = Target::of(ctx)?;
    let clock = if args.no_time { Clock::Hidden } else { Clock::Shown };
    let mut printer = LogPrinter::new(ctx.theme, ctx.zone.clone(), clock);
    printer.expect(args.modules.iter().map(String::as_str));
    let door = Door::try_open_at(&target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT));
    let is_running = door.is_some();
    if let Some(mut door) = door {
        if args.follow {
            follow::follow(ctx, &mut door, request, &mut printer)?;
            return Ok(Exit::Done);
        }
        let page: LogPage = door.ask(&Request::Logs(request))?;
        show(ctx, &mut printer, page)?;
    } else if args.follow && ctx.is_json() {
        follow::page_as_events(ctx, from_files(&target, &request)?)?;
    } else {
        show(ctx, &mut printer, from_files(&target, &request)?)?;
    }
    if args.follow && !is_running {
        let nobody = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(door::unreachable(&target, &nobody).into());
    }
    Ok(Exit::Done)
}

fn show(ctx: &Ctx, printer: &mut LogPrinter, page: LogPage) -> Outcome<()> {
    if ctx.is_json() { ctx.document(&page) } else { follow::show_page(ctx, printer, &page) }
}

fn request(ctx: &Ctx, args: &LogsArgs) -> Outcome<LogsRequest> {
    let since_ms = match &args.since {
        None => None,
        Some(text) => Some(amount::parse_since(text, amount::now_ms(), &ctx.zone).map_err(Failure::usage)?),
    };
    Ok(LogsRequest {
        modules: args.modules.clone(),
        lines: Some(args.lines),
        since_ms,
        grep: args.grep.clone(),
        generation: args.life,
        follow: args.follow,
    })
}

/// The same lines as the kernel would give, read from the files of a home where none runs.
fn from_files(target: &Target, request: &LogsRequest) -> Outcome<LogPage> {
    let query = LogQuery {
        modules: known_modules(target, &request.modules)?,
        lines: request.lines.and_then(|lines| usize::try_from(lines).ok()).unwrap_or(usize::MAX),
        since: request.since_ms.map(Wall),
        grep: request.grep.as_deref().map(|text| Grep::new(text, store::Case::Any)),
        generation: request.generation.map(Generation),
    };
    let found = store::read_logs(&target.home.logs(), &query)?;
    Ok(follow::to_page(found))
}

/// The names as ids, each of which must have a log.
fn known_modules(target: &Target, names: &[String]) -> Outcome<Vec<ModuleId>> {
    let logs = target.home.logs();
    let mut ids = Vec::new();
    for name in names {
        let id = ModuleId::parse(name).ok().filter(|id| logs.join(id.as_str()).is_dir());
        match id {
            Some(id) => ids.push(id),
            None => return Err(no_log(&logs, name).into()),
        }
    }
    Ok(ids)
}

fn no_log(logs: &std::path::Path, name: &str) -> Failure {
    let entries = std::fs::read_dir(logs).into_iter().flatten().flatten();
    let names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let failure = Failure::new("cli::logs::not_found", format!("there is no log of a module `{name}`"));
    match door::nearest(name, &names) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure,
    }
}
