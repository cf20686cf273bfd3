//! `module profile`: what a module needs to be allowed, seen from what it does.

use std::fs;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use protocol::operator::{Profiled, Request};
use serde_json::{Value, json};

use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::render;
use crate::target::Target;
use crate::words::Phrase;

pub(super) const EXAMPLES: &str = "\
Examples:
  ostoja module profile greeter               what it used, and what it was refused
  ostoja module profile greeter --for 1m      for longer
  ostoja module profile greeter --open        refuse it nothing meanwhile: one run shows all it wants
  ostoja module profile greeter --write       put it into its module.json; approve it afterwards";

/// What can be typed behind `module profile`.
#[derive(Debug, Args)]
pub(super) struct ProfileArgs {
    /// Which module
    module: String,
    /// How long to look
    #[arg(long = "for", value_name = "TIME", value_parser = crate::args::parse_duration, default_value = "10s")]
    look: Duration,
    /// Refuse it no file, program or place meanwhile; it can then do what you can
    #[arg(long)]
    open: bool,
    /// Write it into the module's module.json, to be approved afterwards
    #[arg(long)]
    write: bool,
}

pub(super) fn run(ctx: &Ctx, args: &ProfileArgs) -> Outcome {
    // The answer comes when the time is over.
    let timeout = ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT).saturating_add(args.look);
    let mut door = Door::open_at(&Target::of(ctx)?, timeout)?;
    if args.open {
        ctx.confirm(&ctx.phrase(Phrase::ProfileOpenQuestion, &[&args.module]))?;
    }
    let for_ms = u64::try_from(args.look.as_millis()).unwrap_or(u64::MAX);
    let request =
        Request::ModuleProfile { module_id: args.module.clone(), for_ms: Some(for_ms), open: args.open };
    let profiled: Profiled = door.ask(&request)?;
    if args.write {
        write_needed(&profiled)?;
    }
    ctx.show(&profiled, |profiled| render::profile::profile(&ctx.theme, profiled))?;
    if args.write && !ctx.is_json() {
        ctx.say_phrase(Phrase::ProfileWritten, &[door.command(), &args.module]);
    }
    Ok(Exit::Done)
}

/// Puts the needed permissions into the manifest, which then asks for them: whoever approves decides.
///
/// # Errors
/// `cli::profile::of_project` without a manifest, and what keeps it from being read or written.
pub(crate) fn write_needed(profiled: &Profiled) -> Outcome<()> {
    let Some(file) = profiled.file.as_deref().map(Path::new) else {
        let why = format!("`{}` stands in a project file, which is its own approval", profiled.module_id);
        return Err(Failure::new("cli::profile::of_project", why)
            .help("put the lines that are shown there")
            .into());
    };
    let text = fs::read_to_string(file).map_err(|error| Failure::io("read", file, &error))?;
    let fresh = with_permissions(&text, profiled).ok_or_else(|| {
        Failure::new("cli::profile::unreadable", format!("`{}` is no JSON object", file.display()))
    })?;
    let aside = file.with_extension("json.new");
    fs::write(&aside, fresh).map_err(|error| Failure::io("write", &aside, &error))?;
    fs::rename(&aside, file).map_err(|error| Failure::io("write", file, &error))?;
    Ok(())
}

/// The manifest with these permissions.
fn with_permissions(text: &str, profiled: &Profiled) -> Option<String> {
    let mut manifest: Value = serde_json::from_str(text).ok()?;
    manifest.as_object_mut()?.insert("permissions".to_owned(), json!(profiled.needed));
    Some(format!("{manifest:#}\n"))
}
