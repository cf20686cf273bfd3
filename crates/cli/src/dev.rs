//! A module under its author's eyes: a private kernel in this very process that shows every frame, and a watcher that
//! brings what was written into what runs.
//!
//! # Who does what
//! The kernel runs on the main thread, since children die with the thread that started them; what it tells goes to the
//! printer, which also records. The watcher gathers changes, and the reloader acts on them as an operator like any other:
//! it knows the kernel only through its door.
//!
//! # The end
//! Whatever ends it, the kernel stops its modules, then the home is removed; the other threads end with the process.

pub(crate) mod frames;
pub(crate) mod learn;
mod reload;
pub(crate) mod replay;
mod watch;

use std::path::{Path, PathBuf};

use host::{Frames, Options, Presence, ProjectSource, Safety};
use protocol::files::project::Project;
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use crate::configuration;
use crate::ctx::Ctx;
use crate::demo::PrivateHome;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, of_files};
use crate::foreground::{self, Extra};
use crate::interrupt::{Next, on_wish};
use crate::offline;
use crate::target::Target;
use crate::words::Phrase;

use self::frames::Recorder;
use self::learn::Learning;
use self::reload::Reloader;

/// Runs what is in the folder until Ctrl-C.
///
/// # Errors
/// What keeps the kernel from starting, a folder that holds neither a project nor a module, a record that can't be written.
/// With `learning` every process is observed, and what each needed is told at the end.
pub(crate) fn run(ctx: &Ctx, folder: &Path, record: Option<&Path>, learning: Option<Learning>) -> Outcome {
    if let Some(learning) = &learning {
        learning.check(ctx)?;
    }
    // Heard from the first moment on, so that an early Ctrl-C does not leave the home behind; the kernel hears it too.
    on_wish(|_| Next::GoOn)?;
    let folder = folder.canonicalize().map_err(|error| Failure::io("read", folder, &error))?;
    let project = project_of(&folder)?;
    let recorder = record.map(Recorder::begin).transpose()?;
    let home = PrivateHome::create(&std::env::temp_dir())?;
    let target = Target::at(home.path());
    let changes = watch::watch(&folder)?;
    let reloader = Reloader::new(ctx, &target, &folder);
    let spawned =
        std::thread::Builder::new().name("reloader".to_owned()).spawn(move || reloader.run(&changes));
    spawned.map_err(|error| {
        Failure::new("cli::dev::thread", "can't start a thread").caused_by(error.to_string())
    })?;
    foreground::start_log(ctx, LevelFilter::ERROR);
    ctx.say_phrase(Phrase::DevBegins, &[&folder.display().to_string(), target.command()]);
    let options = Options {
        home: target.home.clone(),
        project: Some(project),
        presence: Presence::Foreground,
        sentinel: crate::commands::internal::sentinel_command(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        safety: Safety::Usual,
        seed: None,
        net_helper: crate::commands::internal::net_helper_command(),
        companion: None,
        bridge: crate::commands::internal::bridge_command(),
        frames: Frames::Told,
        renewal: None,
        observe: learning.map(|learning| learning.held),
    };
    let extra = Extra { recorder, advises: true, learning };
    let ran = foreground::run_with(ctx, options, target.command().to_owned(), extra);
    home.remove()?;
    ran.map(|_| Exit::Done)
}

/// The project in a folder; else the one module that the folder is.
fn project_of(folder: &Path) -> Outcome<ProjectSource> {
    let file = project_file(folder);
    if file.is_file() {
        configuration::project(&file)?;
        return Ok(ProjectSource::File(file));
    }
    if !folder.join("module.json").is_file() {
        let failure = Failure::new(
            "cli::dev::nothing",
            format!("`{}` holds neither an ostoja.yaml nor a module.json", folder.display()),
        );
        return Err(failure
            .help("ostoja new NAME --lang python; ostoja dev NAME")
            .exit(Exit::NotFound)
            .into());
    }
    let manifest = offline::manifest(folder)?;
    let text = json!({ "modules": { manifest.id.as_str(): { "path": "." } } }).to_string();
    let project = Project::parse("the module", &text).map_err(|errors| of_files(&errors))?;
    Ok(ProjectSource::Inline(Box::new(project), folder.to_owned()))
}

/// Where a folder's project is described.
fn project_file(folder: &Path) -> PathBuf {
    folder.join("ostoja.yaml")
}
