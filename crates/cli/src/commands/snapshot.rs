//! `snapshot`: one consistent cut of what modules and kernel remember. Making one needs a running kernel; all else works on the
//! home itself too.

use std::sync::Arc;

use clap::{Args, Subcommand};
use host::backup::LOCK_WITHIN;
use host::snapshots;
use protocol::operator::{Request, SnapshotBack, SnapshotMade, SnapshotRestored, SnapshotVerb};
use store::{
    Backup, Backups, LocalDisk, Wanted, finish_restore, is_cut_short, lock_depot, lock_home, put_in_place,
};

use crate::amount::now_ms;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::snapshots::{SnapshotRemoved, SnapshotRow, SnapshotRows, SnapshotShown};
use crate::render;
use crate::target::Target;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja snapshot create --label 'before the import'
  ostoja snapshot list; ostoja snapshot show 7
  ostoja snapshot restore 7 shop              one module; without a name all of them
  ostoja snapshot rm 7";

/// What can be typed behind `snapshot`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SnapshotArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Ask all modules that can for their states at one moment; exit 3 when one gave none
    #[command(
        after_help = "Examples:\n  ostoja snapshot create\n  ostoja snapshot create --label nightly --json"
    )]
    Create {
        /// A name; a snapshot with one is never pruned
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
    },
    /// List snapshots
    #[command(after_help = "Examples:\n  ostoja snapshot list\n  ostoja snapshot list --json")]
    List,
    /// Show which modules are in a snapshot, and which gave nothing
    #[command(after_help = "Examples:\n  ostoja snapshot show\n  ostoja snapshot show 7 --json")]
    Show {
        /// Which; the newest if none is named
        number: Option<u64>,
    },
    /// Put states back: modules that run are started anew with them, the others get them at their next start
    #[command(
        after_help = "Examples:\n  ostoja snapshot restore 7\n  ostoja snapshot restore 7 shop cart --yes"
    )]
    Restore {
        /// Which; see ostoja snapshot list
        number: u64,
        /// Only these modules
        #[arg(value_name = "MODULE")]
        modules: Vec<String>,
    },
    /// Remove a snapshot, and what nothing else needs of it
    #[command(after_help = "Examples:\n  ostoja snapshot rm 7")]
    Rm {
        /// Which
        number: u64,
    },
}

pub(super) fn run(ctx: &Ctx, args: &SnapshotArgs) -> Outcome {
    let target = Target::of(ctx)?;
    match &args.verb {
        Verb::Create { label } => create(ctx, &target, label.clone()),
        Verb::List => list(ctx, &target),
        Verb::Show { number } => show(ctx, &target, *number),
        Verb::Restore { number, modules } => restore(ctx, &target, *number, modules),
        Verb::Rm { number } => remove(ctx, &target, *number),
    }
}

fn shelf(target: &Target) -> Backups {
    Backups::new(Arc::new(LocalDisk), &target.home.state())
}

fn create(ctx: &Ctx, target: &Target, label: Option<String>) -> Outcome {
    let mut door = Door::open_at(target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT))?;
    let made: SnapshotMade = door.ask(&Request::Snapshot(SnapshotVerb::Create { label }))?;
    ctx.show(&made, |made| render::snapshots::modules(&ctx.theme, &made.modules))?;
    if !ctx.is_json() {
        let count = made.modules.iter().filter(|module| module.why.is_none()).count().to_string();
        let (stored, pause) = (crate::amount::bytes(made.stored_bytes), crate::amount::span(made.pause_ms));
        ctx.say_phrase(Phrase::SnapshotMade, &[&made.number.to_string(), &count, &stored, &pause]);
    }
    let is_whole = made.modules.iter().all(|module| module.why.is_none());
    Ok(if is_whole { Exit::Done } else { Exit::Degraded })
}

fn list(ctx: &Ctx, target: &Target) -> Outcome {
    let (sound, _) = shelf(target).sound_and_damaged()?;
    let snapshots = sound.iter().filter(|backup| backup.is_snapshot()).map(row).collect();
    let rows = SnapshotRows { snapshots };
    ctx.show(&rows, |rows| render::snapshots::list(ctx, &rows.snapshots, now_ms()))?;
    if !ctx.is_json() && rows.snapshots.is_empty() {
        ctx.say_phrase(Phrase::NoSnapshots, &[target.command()]);
    }
    Ok(Exit::Done)
}

fn show(ctx: &Ctx, target: &Target, number: Option<u64>) -> Outcome {
    let _lock = lock_depot(&target.home.state(), LOCK_WITHIN)?;
    let mut backups = shelf(target);
    let snapshot = snapshots::find(&backups, number)?;
    let about = snapshots::about(&mut backups, &snapshot)?;
    let shown = SnapshotShown {
        snapshot: row(&snapshot),
        version: about.version,
        pause_ms: about.pause_ms,
        modules: about.modules,
    };
    ctx.show(&shown, |shown| render::snapshots::modules(&ctx.theme, &shown.modules))?;
    Ok(Exit::Done)
}

fn restore(ctx: &Ctx, target: &Target, number: u64, modules: &[String]) -> Outcome {
    let snapshot = snapshots::find(&shelf(target), Some(number))?;
    let components = snapshots::components(&snapshot, modules)?;
    let names: Vec<&str> = components.iter().filter_map(|name| name.strip_prefix("state/")).collect();
    ctx.confirm(&ctx.phrase(Phrase::SnapshotRestoreQuestion, &[&names.join(", ")]))?;
    let restored = match Door::try_open_at(target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT)) {
        Some(mut door) => {
            let verb = SnapshotVerb::Restore { number, modules: modules.to_vec() };
            door.ask(&Request::Snapshot(verb))?
        }
        None => restore_at_rest(target, &snapshot, &components, modules.is_empty())?,
    };
    ctx.show(&restored, |restored| render::snapshots::back(&ctx.theme, &restored.modules))?;
    let is_whole = restored.modules.iter().all(|module| module.why.is_none());
    Ok(if is_whole { Exit::Done } else { Exit::Degraded })
}

/// Without a kernel the files are put to where the next one looks for them, the variables too if all is wanted.
fn restore_at_rest(
    target: &Target,
    snapshot: &Backup,
    components: &[String],
    is_all: bool,
) -> Outcome<SnapshotRestored> {
    let (root, state) = (target.home.root(), target.home.state());
    let _home = lock_home(root)?;
    let _depot = lock_depot(&state, LOCK_WITHIN)?;
    let mut backups = shelf(target);
    if is_cut_short(&state) {
        finish_restore(root, &state)?;
    }
    let wanted: Vec<Wanted<'_>> = match is_all {
        true => vec![Wanted::All],
        false => components.iter().map(|component| Wanted::Component(component)).collect(),
    };
    for wanted in wanted {
        let staged = backups.stage(snapshot, wanted)?;
        put_in_place(root, &state, &staged)?;
    }
    let back = |component: &String| SnapshotBack {
        module_id: component.trim_start_matches("state/").to_owned(),
        restarted: false,
        why: None,
    };
    let modules = components.iter().map(back).collect();
    Ok(SnapshotRestored { number: snapshot.number, modules, context: is_all })
}

fn remove(ctx: &Ctx, target: &Target, number: u64) -> Outcome {
    let _lock = lock_depot(&target.home.state(), LOCK_WITHIN)?;
    let mut backups = shelf(target);
    let snapshot = snapshots::find(&backups, Some(number))?;
    let cleaned = backups.remove(snapshot.number)?;
    let removed = SnapshotRemoved { number, chunks_removed: cleaned.chunks_removed };
    ctx.show(&removed, |_| String::new())?;
    Ok(Exit::Done)
}

fn row(snapshot: &Backup) -> SnapshotRow {
    let states = snapshot.parts.iter().filter(|part| part.component != "state/kernel");
    let named = states.clone().filter_map(|part| part.component.strip_prefix("state/"));
    SnapshotRow {
        number: snapshot.number,
        at_ms: snapshot.at.0,
        label: snapshot.label.clone(),
        modules: named.map(str::to_owned).collect(),
        bytes: states.map(|part| part.bytes).sum(),
    }
}
