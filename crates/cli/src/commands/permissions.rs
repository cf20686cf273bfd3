//! `permissions`: what modules may touch beyond their manifests, and their wishes for more.

mod decide;

pub(super) use decide::permissions;

use clap::{Args, Subcommand};
use protocol::operator::{PendingRow, PermissionRow, Request};

use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{PendingRows, PermissionRows};
use crate::render;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja permissions pending             wishes that wait for you
  ostoja permissions grant 4f0c9a1e      one wish; the beginning of its number does
  ostoja permissions grant web net=api.example:443 read=data
  ostoja permissions deny web            its one pending wish
  ostoja permissions revoke web net=api.example:443 --dry-run";

/// What can be typed behind `permissions`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PermissionsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what is approved, wished for and refused
    #[command(after_help = "Examples:\n  ostoja permissions list\n  ostoja permissions list web")]
    List {
        /// Only of this module
        module: Option<String>,
    },
    /// List the wishes that wait for an answer
    #[command(after_help = "Examples:\n  ostoja permissions pending")]
    Pending,
    /// Approve a wish, or these permissions for a module
    #[command(
        after_help = "Examples:\n  ostoja permissions grant 4f0c9a1e\n  ostoja permissions grant web net=api.example:443"
    )]
    Grant(DecideArgs),
    /// Refuse a wish, or these permissions for a module
    #[command(
        after_help = "Examples:\n  ostoja permissions deny 4f0c9a1e\n  ostoja permissions deny web run=rm"
    )]
    Deny(DecideArgs),
    /// Take back what was approved beyond the manifest
    #[command(
        after_help = "Examples:\n  ostoja permissions revoke web\n  ostoja permissions revoke web net=api.example:443 --dry-run"
    )]
    Revoke(DecideArgs),
}

/// Whom and what a decision is about.
#[derive(Debug, Args)]
struct DecideArgs {
    /// A wish's number or its beginning, or a module
    #[arg(value_name = "REQUEST|MODULE")]
    target: String,
    /// kind=value; kinds are net, read, write, env, run, sys, context, secrets
    #[arg(value_name = "KIND=VALUE")]
    permissions: Vec<String>,
    #[command(flatten)]
    dry_run: DryRun,
}

pub(super) fn run(ctx: &Ctx, args: &PermissionsArgs) -> Outcome {
    match &args.verb {
        Verb::List { module } => list(ctx, module.clone()),
        Verb::Pending => pending(ctx),
        Verb::Grant(args) => decide::run(ctx, args, decide::Decision::Grant),
        Verb::Deny(args) => decide::run(ctx, args, decide::Decision::Deny),
        Verb::Revoke(args) => decide::run(ctx, args, decide::Decision::Revoke),
    }
}

fn list(ctx: &Ctx, module_id: Option<String>) -> Outcome {
    let mut door = Door::open(ctx)?;
    let modules: Vec<PermissionRow> = door.ask(&Request::PermissionsList { module_id })?;
    ctx.show(&PermissionRows { modules }, |all| {
        if all.modules.is_empty() {
            String::new()
        } else {
            render::permissions::list(&ctx.theme, &all.modules)
        }
    })?;
    Ok(Exit::Done)
}

fn pending(ctx: &Ctx) -> Outcome {
    let mut door = Door::open(ctx)?;
    let requests: Vec<PendingRow> = door.ask(&Request::PermissionsPending {})?;
    let is_empty = requests.is_empty();
    ctx.show(&PendingRows { requests }, |all| {
        if all.requests.is_empty() {
            String::new()
        } else {
            render::permissions::pending(&ctx.theme, &all.requests)
        }
    })?;
    if is_empty && !ctx.is_json() {
        ctx.say_phrase(Phrase::NothingPending, &[]);
    }
    Ok(Exit::Done)
}
