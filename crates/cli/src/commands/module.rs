//! `module`: bringing modules into a home, approving them, looking at them.

mod approve;
mod check;
mod pack;
mod profile;
mod talk;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use protocol::operator::{Installed, ModuleDetail, PermissionRow, Plan, PlannedStep, Request};
use serde_json::Value;

use crate::amount;
use crate::args::{Columns, DryRun};
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::render;
use crate::words::Phrase;

use super::ps;

pub(crate) use self::profile::write_needed;
pub(crate) use self::talk::{Manner, Voice, command};
pub(super) use approve::can_ask;

const EXAMPLES: &str = "\
Examples:
  ostoja module install ./greeter         copy it in and ask for approval
  ostoja module install --link ./greeter  while you work on it
  ostoja module approve greeter           what it asks for, bound to its files
  ostoja module check ./greeter           is its folder right? needs no kernel
  ostoja module check ./greeter --talk    and its manners? this runs it
  ostoja module update greeter ./greeter-2 --dry-run";

/// What can be typed behind `module`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ModuleArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List modules, as ps does
    #[command(after_help = "Examples:\n  ostoja module list\n  ostoja module list -o wide")]
    List {
        /// Columns: short, wide or name
        #[arg(
            short,
            long,
            value_enum,
            default_value_t,
            hide_default_value = true,
            hide_possible_values = true
        )]
        output: Columns,
    },
    /// Bring a module's folder or package into the home and ask for approval
    #[command(
        after_help = "Examples:\n  ostoja module install ./greeter\n  ostoja module install --link ./greeter\n  ostoja module install greeter-1.0.0.okm\n  ostoja module install ./greeter --dry-run"
    )]
    Install {
        /// The folder with its module.json, or a package
        folder: PathBuf,
        /// Link instead of copying
        #[arg(long)]
        link: bool,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Approve exactly what a module asks for, and start it
    #[command(
        after_help = "Examples:\n  ostoja module approve greeter\n  ostoja module approve greeter --dry-run"
    )]
    Approve {
        /// Which module
        module: String,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Stop a module, forget its approval, remove its folder
    #[command(
        after_help = "Examples:\n  ostoja module uninstall greeter\n  ostoja module uninstall greeter --dry-run"
    )]
    Uninstall {
        /// Which module
        module: String,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Replace a module's folder by another one
    #[command(
        after_help = "Examples:\n  ostoja module update greeter ./greeter-2\n  ostoja module update greeter ./greeter-2 --dry-run"
    )]
    Update {
        /// Which module
        module: String,
        /// The new folder
        folder: PathBuf,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Make one signed file of a module's folder
    #[command(
        after_help = "Examples:\n  ostoja module pack ./greeter\n  ostoja module pack ./greeter -o greeter.okm"
    )]
    Pack {
        /// The folder with its module.json
        folder: PathBuf,
        /// Where to write it; NAME-VERSION.okm here when left out
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show everything about one module
    #[command(after_help = "Examples:\n  ostoja module show greeter")]
    Show {
        /// Which module
        module: String,
    },
    /// Watch a module and tell what it needs to be allowed; it is started anew before and after
    #[command(after_help = profile::EXAMPLES)]
    Profile(profile::ProfileArgs),
    /// Show what a module may touch and what it asks for
    #[command(after_help = "Examples:\n  ostoja module perms greeter")]
    Perms {
        /// Which module
        module: String,
    },
    /// Check a module's folder; needs no kernel
    #[command(
        after_help = "Examples:\n  ostoja module check ./greeter\n  ostoja module check ./greeter --talk    runs it, with your rights"
    )]
    Check {
        /// The folder, or the name of an installed module
        folder: PathBuf,
        /// Run it too, and hold the conversation that a kernel may hold with it
        #[arg(long)]
        talk: bool,
    },
}

pub(super) fn run(ctx: &Ctx, args: &ModuleArgs) -> Outcome {
    match &args.verb {
        Verb::List { output } => ps::list(ctx, *output, None),
        Verb::Install { folder, link: false, dry_run } if folder.is_file() => {
            super::update::install(ctx, folder, *dry_run)
        }
        Verb::Install { folder, dry_run: DryRun { dry_run: true }, .. } => plan_install(ctx, folder),
        Verb::Install { folder, link, .. } => install(ctx, folder, *link),
        Verb::Approve { module, dry_run } => approve::run(ctx, module, *dry_run),
        Verb::Uninstall { module, dry_run } => uninstall(ctx, module, *dry_run),
        Verb::Update { module, folder, dry_run } => update(ctx, module, folder, *dry_run),
        Verb::Pack { folder, output } => pack::run(ctx, folder, output.as_deref()),
        Verb::Show { module } => show(ctx, module),
        Verb::Perms { module } => perms(ctx, module),
        Verb::Profile(args) => profile::run(ctx, args),
        Verb::Check { folder, talk: true } => check::run(ctx, folder, check::Depth::Conversation),
        Verb::Check { folder, talk: false } => check::run(ctx, folder, check::Depth::Files),
    }
}

/// The folder as the kernel, which runs elsewhere, has to be told.
fn absolute(folder: &Path) -> Outcome<String> {
    let found = folder.canonicalize().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new("cli::module::not_found", format!("there is no folder `{}`", folder.display()))
        }
        _ => Failure::io("read", folder, &error),
    })?;
    if !found.is_dir() {
        return Err(Failure::usage(format!("`{}` is no folder", folder.display())).into());
    }
    Ok(found.to_string_lossy().into_owned())
}

fn install(ctx: &Ctx, folder: &Path, link: bool) -> Outcome {
    let module_dir = absolute(folder)?;
    let mut door = Door::open(ctx)?;
    let installed: Installed =
        door.ask(&Request::ModuleInstall { module_dir, symlink: link, dry_run: false })?;
    if ctx.is_json() {
        ctx.document(&installed)?;
        return Ok(Exit::Done);
    }
    ctx.say_phrase(Phrase::Installed, &[&installed.module_id]);
    if installed.approved {
        return Ok(Exit::Done);
    }
    if can_ask(ctx) {
        return approve::ask(ctx, &mut door, &installed.module_id);
    }
    ctx.say_phrase(Phrase::AsksFor, &[&installed.module_id]);
    ctx.say(render::permissions::asked(&ctx.talk, &installed.asks).trim_end());
    ctx.say_phrase(Phrase::ApproveNext, &[door.command(), &installed.module_id]);
    Ok(Exit::Done)
}

/// What an installation would bring; the folder alone tells.
fn plan_install(ctx: &Ctx, folder: &Path) -> Outcome {
    let manifest = crate::offline::manifest(folder)?;
    let step = |code: &str, text: String| PlannedStep {
        module_id: Some(manifest.id.to_string()),
        code: code.to_owned(),
        text,
    };
    let plan = Plan {
        steps: vec![
            step("module.installed", format!("would come into the home from {}", folder.display())),
            step("permission.requested", format!("would ask for: {}", manifest.permissions)),
        ],
    };
    ctx.show(&plan, |plan| render::plan::plan(&ctx.theme, plan))?;
    Ok(Exit::Done)
}

fn uninstall(ctx: &Ctx, module: &str, dry_run: DryRun) -> Outcome {
    let mut door = Door::open(ctx)?;
    let request = |dry_run| Request::ModuleUninstall { module_id: module.to_owned(), dry_run };
    if dry_run.dry_run {
        return plan(ctx, &mut door, &request(true));
    }
    // A name that is none is told before anybody is asked.
    let _: Value = door.ask(&Request::ModuleStatus { module_id: module.to_owned() })?;
    ctx.confirm(&ctx.phrase(Phrase::UninstallQuestion, &[module]))?;
    match change(ctx, &mut door, &request(false), Phrase::Uninstalled, module) {
        // A command that was added by hand has no folder: it is only forgotten.
        Err(Stopped::Failed(failure)) if failure.code == "host::install::by_hand" => {
            let request = Request::ModuleRemove { module_id: module.to_owned() };
            change(ctx, &mut door, &request, Phrase::Uninstalled, module)
        }
        done => done,
    }
}

fn update(ctx: &Ctx, module: &str, folder: &Path, dry_run: DryRun) -> Outcome {
    let module_dir = absolute(folder)?;
    let mut door = Door::open(ctx)?;
    let request =
        Request::ModuleUpdate { module_id: module.to_owned(), module_dir, dry_run: dry_run.dry_run };
    if dry_run.dry_run {
        return plan(ctx, &mut door, &request);
    }
    let answer = door.ask_raw(&request)?.unwrap_or(Value::Null);
    if ctx.is_json() {
        ctx.document(&answer)?;
        return Ok(Exit::Done);
    }
    ctx.say_phrase(Phrase::Updated, &[module]);
    if answer.get("approved") == Some(&Value::Bool(false)) {
        if can_ask(ctx) {
            return approve::ask(ctx, &mut door, module);
        }
        ctx.say_phrase(Phrase::ApproveNext, &[door.command(), module]);
    }
    Ok(Exit::Done)
}

/// Shows what would happen.
pub(super) fn plan(ctx: &Ctx, door: &mut Door, request: &Request) -> Outcome {
    let plan: Plan = door.ask(request)?;
    ctx.show(&plan, |plan| render::plan::plan(&ctx.theme, plan))?;
    Ok(Exit::Done)
}

/// Does it and says so.
pub(super) fn change(ctx: &Ctx, door: &mut Door, request: &Request, said: Phrase, module: &str) -> Outcome {
    let answer = door.ask_raw(request)?.unwrap_or(Value::Null);
    if ctx.is_json() {
        ctx.document(&answer)?;
    } else {
        ctx.say_phrase(said, &[module]);
    }
    Ok(Exit::Done)
}

fn show(ctx: &Ctx, module: &str) -> Outcome {
    let mut door = Door::open(ctx)?;
    let detail: ModuleDetail = door.ask(&Request::ModuleShow { module_id: module.to_owned() })?;
    ctx.show(&detail, |detail| render::modules::detail(&ctx.theme, detail, amount::now_ms()))?;
    Ok(Exit::Done)
}

fn perms(ctx: &Ctx, module: &str) -> Outcome {
    let mut door = Door::open(ctx)?;
    let rows: Vec<PermissionRow> =
        door.ask(&Request::PermissionsList { module_id: Some(module.to_owned()) })?;
    ctx.show(&crate::output::PermissionRows { modules: rows }, |all| {
        render::permissions::list(&ctx.theme, &all.modules)
    })?;
    Ok(Exit::Done)
}
