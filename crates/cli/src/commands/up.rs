//! `up`: the kernel and all its modules, in this terminal or in the background.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use host::{Frames, Options, Presence, ProjectSource, Renewal, Safety};
use protocol::operator::{
    COMPLETED, KernelStatus, ModuleDetail, ModuleStatus, Plan, ReloadWhat, Request, Settled,
};
use tracing_subscriber::filter::LevelFilter;

use crate::amount;
use crate::args::DryRun;
use crate::background;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::environment::Variable;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::foreground;
use crate::output::Upped;
use crate::render;
use crate::target::Target;
use crate::theme::Paint;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja up                      in this terminal, with the logs; Ctrl-C stops
  ostoja up -d                   in the background; returns when all is ready
  ostoja up -f shop/ostoja.yaml  another project's file
  ostoja up --dry-run            what would start

Without -f, an ostoja.yaml in this folder is the project. In the background a
second `up -d` takes over what changed in the files.";

/// 10 lines: what of a module's stderr is shown where it failed.
const STDERR_LINES_SHOWN: usize = 10;

/// What can be typed behind `up`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UpArgs {
    /// Go to the background and return when everything is ready
    #[arg(short, long)]
    detach: bool,
    /// The project's file
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Start no module until `ostoja kernel resume`; also with files that can't be read
    #[arg(long)]
    safe_mode: bool,
    /// What an earlier program in this process handed over
    #[arg(long, hide = true)]
    handover: Option<i32>,
    #[command(flatten)]
    dry_run: DryRun,
}

pub(super) fn run(ctx: &Ctx, args: &UpArgs) -> Outcome {
    let target = match &args.file {
        Some(file) => Target::of_project(ctx, file)?,
        None => Target::of(ctx)?,
    };
    let safety = if args.safe_mode { Safety::SafeMode } else { Safety::Usual };
    if args.dry_run.dry_run {
        plan(ctx, &target)
    } else if args.detach {
        in_background(ctx, &target, safety)
    } else {
        in_foreground(ctx, &target, safety, args.handover)
    }
}

/// What a running kernel would do with the files as they are, or what a new one would start.
fn plan(ctx: &Ctx, target: &Target) -> Outcome {
    let plan = match Door::try_open_at(target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT)) {
        Some(mut door) => {
            let request = Request::KernelReload { what: Some(ReloadWhat::Modules), dry_run: true };
            door.ask::<Option<Plan>>(&request)?.unwrap_or(Plan { steps: Vec::new() })
        }
        None => crate::offline::plan(target)?,
    };
    ctx.show(&plan, |plan| render::plan::plan(&ctx.theme, plan))?;
    Ok(Exit::Done)
}

/// The kernel in this process, with its news in this terminal.
///
/// # Errors
/// What keeps a kernel from starting.
pub(super) fn in_foreground(ctx: &Ctx, target: &Target, safety: Safety, inherited: Option<i32>) -> Outcome {
    // Warnings reach a person as news; the libraries' own would only say them twice.
    foreground::start_log(ctx, LevelFilter::ERROR);
    let options = Options { renewal: Some(renewal(inherited)), ..options(target, presence(), safety) };
    foreground::run(ctx, options, target.command().to_owned())
}

/// Under a service manager nobody sits before it: a hangup then means to read files again, and logs are in their files.
fn presence() -> Presence {
    match Variable::NotifySocket.value() {
        Some(_) => Presence::Background,
        None => Presence::Foreground,
    }
}

/// The kernel's options for this home.
pub(super) fn options(target: &Target, presence: Presence, safety: Safety) -> Options {
    Options {
        home: target.home.clone(),
        project: target.project.clone().map(ProjectSource::File),
        presence,
        sentinel: crate::commands::internal::sentinel_command(),
        net_helper: crate::commands::internal::net_helper_command(),
        companion: crate::commands::internal::companion_command(),
        bridge: crate::commands::internal::bridge_command(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        safety,
        seed: None,
        frames: Frames::Untold,
        renewal: None,
        observe: None,
    }
}

/// How this very process is started again by another binary of it.
pub(super) fn renewal(inherited: Option<i32>) -> Renewal {
    let mut words = Vec::new();
    let mut typed = std::env::args_os().skip(1);
    while let Some(word) = typed.next() {
        if word == HANDOVER_FLAG {
            // Its number is that of an earlier time.
            let _number = typed.next();
        } else {
            words.push(word);
        }
    }
    let check = crate::commands::internal::HANDOVER_CHECK.iter().map(Into::into).collect();
    Renewal { words, flag: HANDOVER_FLAG, inherited, check }
}

/// What a kernel's process is told by, that another program in it has left something.
const HANDOVER_FLAG: &str = "--handover";

/// A kernel in a process of its own; one that runs already takes over what changed in the files.
///
/// # Errors
/// Why it did not start, and when it takes too long.
pub(super) fn in_background(ctx: &Ctx, target: &Target, safety: Safety) -> Outcome {
    let begun = Instant::now();
    let timeout = ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT);
    let running = Door::try_open_at(target, timeout);
    let already = running.is_some();
    let (mut door, not_ready) = match running {
        Some(mut door) => {
            door.ask_raw(&Request::KernelReload { what: None, dry_run: false })?;
            let timeout_ms = Some(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
            let settled: Settled = door.ask(&Request::KernelSettle { timeout_ms })?;
            (door, settled.not_ready)
        }
        None => {
            let settled = background::start(ctx, target, safety)?;
            (Door::open_at(target, timeout)?, settled.not_ready)
        }
    };
    let upped = Upped {
        already,
        kernel: door.ask::<KernelStatus>(&Request::KernelStatus {})?,
        modules: door.modules()?,
        not_ready,
        took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    let is_well = upped.not_ready.is_empty() && upped.kernel.safe_mode.is_none();
    let exit = if is_well { Exit::Done } else { Exit::Degraded };
    if ctx.is_json() {
        ctx.document(&upped)?;
    } else {
        tell(ctx, &mut door, &upped);
    }
    Ok(exit)
}

fn tell(ctx: &Ctx, door: &mut Door, upped: &Upped) {
    if upped.already {
        ctx.say_phrase(Phrase::RunsAlready, &[&upped.kernel.pid.to_string()]);
    }
    if let Some(safe) = &upped.kernel.safe_mode {
        ctx.say_always(&ctx.talk.paint(
            Paint::Bad,
            &ctx.phrase(Phrase::SafeMode, &[&render::logs::clean(&safe.why), door.command()]),
        ));
        return;
    }
    let took = amount::span(upped.took_ms);
    if upped.modules.is_empty() {
        ctx.say_phrase(Phrase::NoModules, &[door.command()]);
        return;
    }
    if upped.not_ready.is_empty() {
        let text = ctx.phrase(Phrase::AllReady, &[&took, &upped.modules.len().to_string()]);
        ctx.say(&ctx.talk.paint(Paint::Good, &text));
    } else {
        let text = ctx.phrase(Phrase::SomeNotReady, &[&took, &upped.not_ready.join(", ")]);
        ctx.say_always(&ctx.talk.paint(Paint::Bad, &text));
    }
    let is_fine = |module: &&ModuleStatus| matches!(module.status.as_str(), "ready" | COMPLETED);
    for module in upped.modules.iter().filter(|module| !is_fine(module) && !module.note.is_empty()) {
        tell_module(ctx, door, module);
    }
}

/// Why one module is not ready, with its last words.
fn tell_module(ctx: &Ctx, door: &mut Door, module: &ModuleStatus) {
    let state = ctx.talk.state_painted(&module.status);
    ctx.say_always(&ctx.phrase(Phrase::NotReady, &[&module.id, &state, &render::logs::clean(&module.note)]));
    let detail: Outcome<ModuleDetail> = door.ask(&Request::ModuleShow { module_id: module.id.clone() });
    let tail = detail.map(|detail| detail.stderr_tail).unwrap_or_default();
    for line in &tail[tail.len().saturating_sub(STDERR_LINES_SHOWN)..] {
        ctx.say_always(&format!("  {} {}", ctx.talk.glyph("│", "|"), render::logs::clean(line)));
    }
    ctx.say_phrase(Phrase::AskWhy, &[door.command(), &module.id]);
}
