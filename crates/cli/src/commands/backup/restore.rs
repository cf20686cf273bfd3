//! `backup restore`: into another folder, or in place with what is there kept aside.
//!
//! In place nobody may use the files meanwhile: a module that runs is stopped and started again, and for all else the
//! kernel must not run.

use std::path::PathBuf;

use clap::Args;
use host::backup::{component_of, module_of};
use protocol::operator::{Acted, Request};
use store::{Backup, BackupError, Wanted, finish_restore, is_cut_short, lock_home, put_in_place};

use super::{from_home, locked};
use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::backups::BackupRestored;
use crate::progress::Progress;
use crate::target::Target;
use crate::words::Phrase;

/// What can be typed behind `backup restore`.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// Which; the newest if none is named
    number: Option<u64>,
    /// Only this component: kernel, or module/NAME
    #[arg(long, value_name = "COMPONENT", conflicts_with = "file")]
    component: Option<String>,
    /// Only this file or folder, from the home's root
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Into this folder, which is not there yet or empty, instead of in place
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    #[command(flatten)]
    dry_run: DryRun,
}

pub(super) fn run(ctx: &Ctx, target: &Target, args: &RestoreArgs) -> Outcome {
    let file = args.file.as_ref().map(|file| from_home(target, file));
    let wanted = match (&args.component, &file) {
        (Some(component), _) => Wanted::Component(component),
        (None, Some(file)) => Wanted::Path(file),
        (None, None) => Wanted::All,
    };
    let (mut backups, lock) = locked(target)?;
    let backup = backups.find(args.number)?;
    let mut restored = BackupRestored {
        number: backup.number,
        places: places(&backup, wanted),
        files: 0,
        bytes: 0,
        to: args.to.as_ref().map(|to| to.display().to_string()),
        before: None,
        restarted: None,
    };
    if args.dry_run.dry_run {
        let staged = backups.preview(&backup, wanted)?;
        (restored.files, restored.bytes) = (staged.files, staged.bytes);
    } else if let Some(to) = &args.to {
        let _shown = Progress::begin(ctx, Phrase::Restoring, Some(backups.meter()));
        let staged = backups.restore_to(&backup, wanted, to)?;
        (restored.files, restored.bytes) = (staged.files, staged.bytes);
    } else {
        ctx.confirm(&ctx.phrase(Phrase::BackupRestoreQuestion, &[&restored.places.join(", ")]))?;
        let (root, state) = (target.home.root(), target.home.state());
        if is_cut_short(&state) {
            Pause::begin(ctx, target, wanted)?.during(|| finish_restore(root, &state))?;
        }
        // Laid out before anything is stopped: a module is away only for the exchange.
        let shown = Progress::begin(ctx, Phrase::Restoring, Some(backups.meter()));
        let staged = backups.stage(&backup, wanted)?;
        drop(shown);
        (restored.files, restored.bytes) = (staged.files, staged.bytes);
        let (done, restarted) =
            Pause::begin(ctx, target, wanted)?.during(|| put_in_place(root, &state, &staged))?;
        restored.restarted = restarted;
        restored.before = Some(done.before.display().to_string());
    }
    drop(lock);
    tell(ctx, &restored)
}

fn tell(ctx: &Ctx, restored: &BackupRestored) -> Outcome {
    ctx.show(restored, |restored| restored.places.iter().map(|place| format!("{place}\n")).collect())?;
    if let (false, Some(before)) = (ctx.is_json(), &restored.before) {
        ctx.say_phrase(Phrase::BackupRestored, &[&restored.files.to_string(), before]);
    }
    Ok(Exit::Done)
}

/// The places that are exchanged.
fn places(backup: &Backup, wanted: Wanted<'_>) -> Vec<String> {
    let all = backup.parts.iter().filter(|part| match wanted {
        Wanted::All => true,
        Wanted::Component(component) => part.component == component,
        Wanted::Path(_) => false,
    });
    let mut places: Vec<String> =
        all.flat_map(|part| &part.places).map(|place| place.display().to_string()).collect();
    if let Wanted::Path(path) = wanted {
        places.push(path.display().to_string());
    }
    places
}

/// While it lives, nobody uses what is put back.
enum Pause {
    /// No kernel runs, and none can start.
    Locked { _lock: store::HomeLock },
    /// The module is stopped.
    Stopped { door: Door, module: String },
    /// A kernel runs, and the module did not.
    Idle,
}

impl Pause {
    /// # Errors
    /// `store::home::held` when a kernel runs and more than one module's files are wanted.
    fn begin(ctx: &Ctx, target: &Target, wanted: Wanted<'_>) -> Outcome<Self> {
        let module = match wanted {
            Wanted::All => None,
            Wanted::Component(component) => module_of(component).map(str::to_owned),
            Wanted::Path(path) => path.strip_prefix("modules").ok().and_then(|rest| {
                let name = rest.components().next()?.as_os_str().to_str()?;
                module_of(&component_of(name)).map(str::to_owned)
            }),
        };
        let timeout = ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT);
        let Some((mut door, module)) = Door::try_open_at(target, timeout).zip(module) else {
            return Ok(Self::Locked { _lock: lock_home(target.home.root())? });
        };
        let known = door.modules()?;
        let runs = |status: &str| matches!(status, "starting" | "waiting" | "ready" | "restarting");
        let runs = known.iter().any(|found| found.id == module && runs(&found.status));
        if !runs {
            return Ok(Self::Idle);
        }
        door.ask::<Acted>(&Request::ModuleStop { module_id: module.clone(), dry_run: false })?;
        Ok(Self::Stopped { door, module })
    }

    /// Does it, then starts the module again, whatever came of it; gives its name.
    fn during<T>(self, work: impl FnOnce() -> Result<T, BackupError>) -> Outcome<(T, Option<String>)> {
        let done = work();
        let restarted = match self {
            Self::Locked { .. } | Self::Idle => None,
            Self::Stopped { mut door, module } => {
                door.ask::<Acted>(&Request::ModuleStart { module_id: module.clone(), dry_run: false })?;
                Some(module)
            }
        };
        Ok((done?, restarted))
    }
}
