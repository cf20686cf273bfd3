//! `ostoja` alone: how things stand here, in a few lines, and what could be typed next.

use std::path::Path;

use protocol::operator::{COMPLETED, KernelStatus, ModuleStatus, PendingRow, Request};

use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{Overview, OverviewModule};
use crate::render;
use crate::target::Target;
use crate::words::Phrase;

/// 3 hints: more are a manual.
const HINTS_MAX: usize = 3;

/// Shows it. Looking is never a failure, so the exit code is 0.
///
/// # Errors
/// As the door, when a kernel is there and does not answer as it should.
pub(crate) fn run(ctx: &Ctx) -> Outcome {
    let target = Target::of(ctx)?;
    let mut seen = Overview {
        running: false,
        home: target.home.root().display().to_string(),
        project: target.project.as_ref().map(|file| file.display().to_string()),
        kernel: None,
        modules: Vec::new(),
        pending: 0,
        hints: Vec::new(),
    };
    if let Some(mut door) = Door::try_open_at(&target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT)) {
        seen.running = true;
        seen.kernel = Some(door.ask::<KernelStatus>(&Request::KernelStatus {})?);
        seen.modules = door.modules()?.into_iter().map(one).collect();
        seen.pending = door.ask::<Vec<PendingRow>>(&Request::PermissionsPending {})?.len();
    }
    seen.hints = hints(ctx, &target, &seen);
    ctx.show(&seen, |seen| render::overview::overview(&ctx.theme, seen, &heading(ctx, seen)))?;
    Ok(Exit::Done)
}

fn one(module: ModuleStatus) -> OverviewModule {
    OverviewModule { module_id: module.id, state: module.status, note: module.note }
}

/// What is said where there is no kernel to tell about.
fn heading(ctx: &Ctx, seen: &Overview) -> String {
    if seen.running { String::new() } else { ctx.phrase(Phrase::NotRunning, &[&seen.home]) }
}

/// What to type next, the most pressing first.
fn hints(ctx: &Ctx, target: &Target, seen: &Overview) -> Vec<String> {
    let ostoja = target.command();
    let mut hints = Vec::new();
    if seen.running {
        let fallen =
            |module: &&OverviewModule| !matches!(module.state.as_str(), "ready" | "stopped" | COMPLETED);
        hints.extend(
            seen.modules.iter().find(fallen).map(|module| format!("{ostoja} why {}", module.module_id)),
        );
        hints.extend((seen.pending > 0).then(|| format!("{ostoja} permissions pending")));
        hints.extend(seen.modules.is_empty().then(|| format!("{ostoja} run -- COMMAND")));
        hints.extend([format!("{ostoja} ps"), format!("{ostoja} logs -f"), format!("{ostoja} top")]);
    } else if target.project.is_some() {
        hints.extend([format!("{ostoja} up"), format!("{ostoja} up --dry-run"), format!("{ostoja} doctor")]);
    } else {
        let has_lists = import::survey::FILES.iter().any(|file| Path::new(file).is_file());
        hints.extend(has_lists.then(|| "ostoja init".to_owned()));
        hints.extend([
            "ostoja demo".to_owned(),
            "ostoja new NAME --lang python".to_owned(),
            "ostoja help concepts".to_owned(),
        ]);
    }
    hints.truncate(HINTS_MAX);
    if ctx.is_json() { hints } else { hints.into_iter().map(|hint| explained(ctx, hint)).collect() }
}

/// A hint with what it does, from the registry of verbs.
fn explained(ctx: &Ctx, hint: String) -> String {
    use clap::CommandFactory as _;
    let verb = hint.split_whitespace().rev().find_map(|word| {
        let command = crate::args::Cli::command();
        command.find_subcommand(word).and_then(|verb| verb.get_about()).map(ToString::to_string)
    });
    match verb.filter(|_| ctx.lang == crate::lang::Lang::En) {
        Some(about) => format!("{hint:<34} {}", about.to_lowercase()),
        None => hint,
    }
}
