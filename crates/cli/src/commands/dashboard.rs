//! `dashboard`: the process that gives the operator door to browsers, turned on and off, and a link that logs in once.

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use host::COMPANION;
use protocol::operator::{Acted, ModuleStatus, Request, Role};
use serde_json::json;

use crate::companion;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::DashboardLink;
use crate::target::Target;
use crate::words::Phrase;

use super::config;

mod place;

const EXAMPLES: &str = "\
Examples:
  ostoja dashboard                turns it on and prints a link that logs in once
  ostoja dashboard --role viewer  a link for somebody who may only look
  ostoja dashboard --off          turns it off
  ostoja dashboard --listen 127.0.0.1:8000
  ostoja dashboard --listen 0.0.0.0:7117 --tls-self-signed --tls-name box.example

It listens on 127.0.0.1:7117, or on a free port when that one is taken. Off
the loopback it listens with TLS only: by a certificate of its own, whose
fingerprint is told, or by yours, ostoja-web.tls.cert and ostoja-web.tls.key.
It is a module of its own, ostoja-web, and starts with the kernel until it is
turned off.";

/// 50 ms between two looks whether it is ready: nobody notices the difference.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What can be typed behind `dashboard`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DashboardArgs {
    /// What the link lets its user do
    #[arg(long, value_enum, default_value_t = RoleWord::Admin)]
    role: RoleWord,
    /// Turn it off
    #[arg(long, conflicts_with = "role")]
    off: bool,
    /// Listen there from now on: an address with a port, or `none`
    #[arg(long, value_name = "ADDRESS", conflicts_with = "off")]
    listen: Option<String>,
    /// Make a certificate of its own, and listen with TLS from now on
    #[arg(long, conflicts_with = "off")]
    tls_self_signed: bool,
    /// A name or address that the certificate is for, beside this machine's; the first one stands in links
    #[arg(long, value_name = "NAME", requires = "tls_self_signed")]
    tls_name: Vec<String>,
}

/// A role as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RoleWord {
    Viewer,
    Developer,
    Operator,
    Admin,
}

impl RoleWord {
    /// The role.
    pub(super) fn role(self) -> Role {
        match self {
            Self::Viewer => Role::Viewer,
            Self::Developer => Role::Developer,
            Self::Operator => Role::Operator,
            Self::Admin => Role::Admin,
        }
    }
}

pub(super) fn run(ctx: &Ctx, args: &DashboardArgs) -> Outcome {
    let target = Target::of(ctx)?;
    let mut door = Door::open(ctx)?;
    if args.off {
        config::put(ctx, &target, &format!("{COMPANION}.start"), json!(false))?;
        let told = DashboardLink { on: false, url: None, expires_at_ms: None, fingerprint: None };
        return show(ctx, &target, &told);
    }
    let fingerprint = place::prepare(ctx, &target, &mut door, args)?;
    config::put(ctx, &target, &format!("{COMPANION}.start"), json!(true))?;
    until_ready(ctx, &mut door)?;
    let link =
        companion::ask(&target.home, "POST /api/v1/logins", Some(&json!({ "role": args.role.role() })))?;
    let told = DashboardLink {
        on: true,
        url: link.get("url").and_then(|url| url.as_str()).map(str::to_owned),
        expires_at_ms: link.get("expiresAtMs").and_then(serde_json::Value::as_u64),
        fingerprint,
    };
    show(ctx, &target, &told)
}

fn show(ctx: &Ctx, target: &Target, told: &DashboardLink) -> Outcome {
    ctx.show(told, |told| told.url.iter().map(|url| format!("{url}\n")).collect())?;
    if !ctx.is_json() {
        match (told.on, &told.url) {
            (false, _) => ctx.say_phrase(Phrase::DashboardOff, &[target.command()]),
            (true, Some(_)) => ctx.say_phrase(Phrase::DashboardLink, &[]),
            (true, None) => ctx.say_phrase(Phrase::DashboardSocket, &[]),
        }
        if let Some(fingerprint) = &told.fingerprint {
            ctx.say_phrase(Phrase::DashboardFingerprint, &[fingerprint]);
        }
    }
    Ok(Exit::Done)
}

/// Waits until it serves; one that was stopped by hand is started.
fn until_ready(ctx: &Ctx, door: &mut Door) -> Outcome<()> {
    let deadline = Instant::now() + ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT);
    let ask = || Request::ModuleStatus { module_id: COMPANION.to_owned() };
    loop {
        let status: ModuleStatus = door.ask(&ask())?;
        match status.status.as_str() {
            "ready" => return Ok(()),
            _ if Instant::now() >= deadline => return Err(not_ready(&status).into()),
            "starting" | "waiting" | "restarting" => std::thread::sleep(LOOK_EVERY),
            _ => {
                let start = Request::ModuleStart { module_id: COMPANION.to_owned(), dry_run: false };
                let _started: Acted = door.ask(&start)?;
            }
        }
    }
}

fn not_ready(status: &ModuleStatus) -> Failure {
    let message = format!("{COMPANION} is {}", status.status);
    Failure::new("cli::dashboard::not_ready", message).help(format!("ostoja why {COMPANION}"))
}
