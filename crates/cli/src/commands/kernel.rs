//! `kernel`: the kernel's own process.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use host::Safety;
use host::restore::Difference;
use protocol::operator::{Request, Safe};

use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{KernelLog, Restored, RestoredFile};
use crate::render::logs::clean;
use crate::target::Target;
use crate::words::Phrase;

use super::{down, status, up};

const EXAMPLES: &str = "\
Examples:
  ostoja kernel start -d         as `ostoja up -d`
  ostoja kernel restart          stop everything, start again in the background
  ostoja kernel safe-mode        end every module, start none until `kernel resume`
  ostoja kernel restore          the last configuration that a kernel was at rest with
  ostoja kernel logs -n 50       what the kernel in the background said itself";

/// 1 MiB: how far back the kernel's own log is read.
const LOG_BYTES_MAX: u64 = 1 << 20;

/// What can be typed behind `kernel`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct KernelArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start the kernel, here or with -d in the background
    #[command(after_help = "Examples:\n  ostoja kernel start\n  ostoja kernel start -d")]
    Start {
        /// Go to the background and return when everything is ready
        #[arg(short, long)]
        detach: bool,
        /// What an earlier program in this process handed over
        #[arg(long, hide = true)]
        handover: Option<i32>,
    },
    /// Stop everything in order
    #[command(after_help = "Examples:\n  ostoja kernel stop\n  ostoja kernel stop --timeout 5s")]
    Stop(down::DownArgs),
    /// Stop everything, then start in the background
    #[command(after_help = "Examples:\n  ostoja kernel restart")]
    Restart,
    /// End every module and start none until `kernel resume`
    #[command(
        after_help = "Examples:\n  ostoja kernel safe-mode\n  ostoja kernel safe-mode --why 'the disk is being replaced'"
    )]
    SafeMode {
        /// What those are told who ask why nothing runs
        #[arg(long, value_name = "TEXT", default_value = "an operator asked for it")]
        why: String,
    },
    /// Leave safe mode: start everything that starts at boot
    #[command(after_help = "Examples:\n  ostoja kernel resume")]
    Resume,
    /// Put config.yaml, config.d and permissions.yaml back as they were when a kernel was last at rest with them
    #[command(after_help = "Examples:\n  ostoja kernel restore --dry-run\n  ostoja kernel restore --yes")]
    Restore {
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Tell how the kernel is; exit 3 when it does not run
    #[command(after_help = "Examples:\n  ostoja kernel status\n  ostoja kernel status --json")]
    Status,
    /// Show what a kernel in the background said itself
    #[command(after_help = "Examples:\n  ostoja kernel logs -n 20")]
    Logs {
        /// The last this many lines
        #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
        lines: usize,
    },
}

pub(super) fn run(ctx: &Ctx, args: &KernelArgs) -> Outcome {
    match &args.verb {
        Verb::Start { detach: false, handover } => {
            up::in_foreground(ctx, &Target::of(ctx)?, Safety::Usual, *handover)
        }
        Verb::Start { detach: true, .. } => up::in_background(ctx, &Target::of(ctx)?, Safety::Usual),
        Verb::SafeMode { why } => safe_mode(ctx, why),
        Verb::Resume => resume(ctx),
        Verb::Restore { dry_run } => restore(ctx, *dry_run),
        Verb::Stop(args) => down::run(ctx, args),
        Verb::Restart => {
            let target = Target::of(ctx)?;
            let downed = down::stop(ctx, &target)?;
            if downed.was_running && !ctx.is_json() {
                ctx.say_phrase(Phrase::Stopped, &[&crate::amount::span(downed.took_ms)]);
            }
            up::in_background(ctx, &target, Safety::Usual)
        }
        Verb::Status => status::kernel(ctx),
        Verb::Logs { lines } => logs(ctx, *lines),
    }
}

fn safe_mode(ctx: &Ctx, why: &str) -> Outcome {
    let mut door = Door::open(ctx)?;
    let done: Safe = door.ask(&Request::KernelSafeMode { why: why.to_owned() })?;
    tell(ctx, &done, Phrase::SafeMode, &[why, door.command()])
}

fn resume(ctx: &Ctx) -> Outcome {
    let mut door = Door::open(ctx)?;
    let done: Safe = door.ask(&Request::KernelResume {})?;
    tell(ctx, &done, Phrase::Resumed, &[])
}

/// Needs no kernel: what keeps one from starting may be just what is put back. A running one takes it over.
fn restore(ctx: &Ctx, dry_run: DryRun) -> Outcome {
    let target = Target::of(ctx)?;
    let wanted = host::restore::differences(&target.home)?;
    let file = |(name, what): &(PathBuf, Difference)| RestoredFile {
        file: name.display().to_string(),
        what: what.as_str().to_owned(),
    };
    let aside = host::restore::aside(&target.home).display().to_string();
    let mut restored = Restored { files: wanted.iter().map(file).collect(), aside, reloaded: None };
    if !dry_run.dry_run && !wanted.is_empty() {
        ctx.confirm(&ctx.phrase(Phrase::RestoreQuestion, &[&wanted.len().to_string(), &restored.aside]))?;
        host::restore::restore(&target.home, &wanted)?;
        restored.reloaded = take_over(ctx, &target)?;
    }
    ctx.show(&restored, |restored| {
        restored.files.iter().map(|file| format!("{}  {}\n", file.what, file.file)).collect()
    })?;
    if !ctx.is_json() && wanted.is_empty() {
        ctx.say_phrase(Phrase::NothingChanged, &[]);
    }
    Ok(Exit::Done)
}

/// In safe mode the kernel looks by itself and goes on as soon as it can.
fn take_over(ctx: &Ctx, target: &Target) -> Outcome<Option<bool>> {
    let Some(mut door) = Door::try_open_at(target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT)) else {
        return Ok(None);
    };
    door.ask_raw(&Request::KernelReload { what: None, dry_run: false })?;
    Ok(Some(true))
}

fn tell(ctx: &Ctx, done: &Safe, phrase: Phrase, values: &[&str]) -> Outcome {
    if ctx.is_json() {
        ctx.document(done)?;
    } else {
        ctx.say_phrase(phrase, values);
    }
    Ok(Exit::Done)
}

fn logs(ctx: &Ctx, count: usize) -> Outcome {
    let target = Target::of(ctx)?;
    let path = target.kernel_log();
    let text = read_end(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            let message = format!("there is no kernel log in `{}`", target.home.root().display());
            let help = format!("it is written by a kernel in the background: {} up -d", target.command());
            Failure::new("cli::kernel_log::not_found", message).help(help)
        }
        _ => Failure::io("read", &path, &error),
    })?;
    let all: Vec<&str> = text.lines().collect();
    let lines = all[all.len().saturating_sub(count)..].iter().map(|line| clean(line)).collect();
    ctx.show(&KernelLog { lines }, |log| log.lines.iter().map(|line| format!("{line}\n")).collect())?;
    Ok(Exit::Done)
}

fn read_end(path: &std::path::Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(end.saturating_sub(LOG_BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
