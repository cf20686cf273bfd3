//! `status`: the kernel, or one module. The exit code tells too: 0 as it should be, 3 not.

use clap::Args;
use protocol::operator::{COMPLETED, KernelStatus, ModuleStatus, Request};

use crate::amount;
use crate::args::Columns;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::Status;
use crate::render;
use crate::target::Target;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja status                  the kernel; exit 3 when it does not run
  ostoja status web              one module; exit 3 when it is not ready
  ostoja status --json";

/// What can be typed behind `status`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StatusArgs {
    /// A module; the kernel when left out
    module: Option<String>,
}

pub(super) fn run(ctx: &Ctx, args: &StatusArgs) -> Outcome {
    match &args.module {
        None => kernel(ctx),
        Some(id) => module(ctx, id),
    }
}

/// The kernel; `kernel status` is the same.
///
/// # Errors
/// As the door; a kernel that does not run is an answer.
pub(super) fn kernel(ctx: &Ctx) -> Outcome {
    let target = Target::of(ctx)?;
    let home = target.home.root().display().to_string();
    let Some(mut door) = Door::try_open_at(&target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT)) else {
        if ctx.is_json() {
            ctx.document(&Status { running: false, home, kernel: None })?;
        } else {
            ctx.print(&format!("{}\n", ctx.phrase(Phrase::NotRunning, &[&home])))?;
        }
        return Ok(Exit::Degraded);
    };
    let kernel: KernelStatus = door.ask(&Request::KernelStatus {})?;
    let exit = if kernel.troubles.is_empty() { Exit::Done } else { Exit::Degraded };
    let status = Status { running: true, home, kernel: Some(kernel) };
    ctx.show(&status, |status| match &status.kernel {
        Some(kernel) => render::status::kernel(&ctx.theme, kernel),
        None => String::new(),
    })?;
    Ok(exit)
}

fn module(ctx: &Ctx, id: &str) -> Outcome {
    let mut door = Door::open(ctx)?;
    let status: ModuleStatus = door.ask(&Request::ModuleStatus { module_id: id.to_owned() })?;
    ctx.show(&status, |status| {
        render::modules::table(&ctx.theme, Columns::Short, std::slice::from_ref(status), amount::now_ms())
    })?;
    Ok(if matches!(status.status.as_str(), "ready" | COMPLETED) { Exit::Done } else { Exit::Degraded })
}
