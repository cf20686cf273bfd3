//! `backup`: what a home held at some moment, kept and put back. The command works on the home itself, with or without a
//! running kernel, under the lock of the depot.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use abi::Wall;
use clap::{Args, Subcommand};
use host::backup::{LOCK_WITHIN, is_due, keep_of, sources};
use protocol::files::config::settings::Backups as Rules;
use store::{Backup, Backups, Content, DepotLock, LocalDisk, Part, Trust, lock_depot};

use crate::amount::now_ms;
use crate::args::DryRun;
use crate::configuration;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::backups::{
    BackupComponent, BackupFile, BackupLoss, BackupMade, BackupPart, BackupPruned, BackupRow, BackupRows,
    BackupShown, BackupVerified,
};
use crate::progress::Progress;
use crate::render;
use crate::target::Target;
use crate::words::Phrase;

mod restore;

const EXAMPLES: &str = "\
Examples:
  ostoja backup create                        everything; what has not changed is not read
  ostoja backup create module/web --label 'before 2.0'
  ostoja backup list; ostoja backup show 3
  ostoja backup restore 3 --component module/web
  ostoja backup restore --to ../copy          the newest, as another home
  ostoja backup verify; ostoja backup prune --dry-run";

/// What can be typed behind `backup`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BackupArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Back up components; what has not changed since the last time is not read
    #[command(
        after_help = "Examples:\n  ostoja backup create\n  ostoja backup create kernel module/web\n  ostoja backup create --due"
    )]
    Create {
        /// kernel, or module/NAME; all of them if none is named
        #[arg(value_name = "COMPONENT")]
        components: Vec<String>,
        /// A name; a backup with one is never pruned
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// Read every file, whatever its size and times say
        #[arg(long)]
        full: bool,
        /// Only components whose time has come (backup.every)
        #[arg(long, conflicts_with = "label")]
        due: bool,
    },
    /// List backups
    #[command(after_help = "Examples:\n  ostoja backup list\n  ostoja backup list --json")]
    List,
    /// Show what is in a backup, file by file
    #[command(after_help = "Examples:\n  ostoja backup show\n  ostoja backup show 3 --component kernel")]
    Show {
        /// Which; the newest if none is named
        number: Option<u64>,
        /// Only this component
        #[arg(long, value_name = "COMPONENT")]
        component: Option<String>,
    },
    /// Put back a component, one file or everything; what is there now is kept aside
    #[command(
        after_help = "Examples:\n  ostoja backup restore 3 --component module/web\n  ostoja backup restore 3 --file modules/web/data/db\n  ostoja backup restore --to /srv/copy"
    )]
    Restore(restore::RestoreArgs),
    /// Read every byte of every backup; exit 7 when one is not what was written
    #[command(after_help = "Examples:\n  ostoja backup verify\n  ostoja backup verify --json")]
    Verify,
    /// Remove backups that no rule keeps (backup.hourly, daily, weekly)
    #[command(after_help = "Examples:\n  ostoja backup prune --dry-run\n  ostoja backup prune")]
    Prune {
        #[command(flatten)]
        dry_run: DryRun,
    },
}

pub(super) fn run(ctx: &Ctx, args: &BackupArgs) -> Outcome {
    let target = Target::of(ctx)?;
    match &args.verb {
        Verb::Create { components, label, full, due } => {
            let trust = if *full { Trust::Nothing } else { Trust::Marks };
            create(ctx, &target, components, label.clone(), trust, *due)
        }
        Verb::List => list(ctx, &target),
        Verb::Show { number, component } => show(ctx, &target, *number, component.as_deref()),
        Verb::Restore(args) => restore::run(ctx, &target, args),
        Verb::Verify => verify(ctx, &target),
        Verb::Prune { dry_run } => prune(ctx, &target, *dry_run),
    }
}

fn shelf(target: &Target) -> Backups {
    Backups::new(Arc::new(LocalDisk), &target.home.state())
}

/// The backups of the home, and the lock under which they may be worked on.
fn locked(target: &Target) -> Outcome<(Backups, DepotLock)> {
    let lock = lock_depot(&target.home.state(), LOCK_WITHIN)?;
    Ok((shelf(target), lock))
}

fn rules(target: &Target) -> Outcome<Rules> {
    Ok(configuration::load(target)?.settings().backup.clone())
}

fn create(
    ctx: &Ctx,
    target: &Target,
    components: &[String],
    label: Option<String>,
    trust: Trust,
    due_only: bool,
) -> Outcome {
    let (begun, now, rules) = (Instant::now(), Wall(now_ms()), rules(target)?);
    target.home.create().map_err(host::HostError::Home)?;
    let (mut backups, _lock) = locked(target)?;
    let mut wanted = sources(&target.home, &rules);
    if let Some(unknown) =
        components.iter().find(|name| wanted.iter().all(|source| source.component != **name))
    {
        let known: Vec<&str> = wanted.iter().map(|source| source.component.as_str()).collect();
        let failure =
            Failure::new("cli::backup::not_found", format!("this home has no component `{unknown}`"));
        return Err(failure.help(format!("it has: {}", known.join(", "))).into());
    }
    wanted.retain(|source| components.is_empty() || components.contains(&source.component));
    if due_only {
        let all = backups.all()?;
        wanted.retain(|source| is_due(&rules, &all, &source.component, now));
    }
    let mut made = BackupMade { backup: None, stored_bytes: 0, took_ms: 0 };
    if !wanted.is_empty() {
        let _shown = Progress::begin(ctx, Phrase::BackingUp, Some(backups.meter()));
        let done = backups.create((now, label), target.home.root(), &wanted, trust)?;
        made.stored_bytes = done.stocked.bytes;
        made.backup = Some(row(&done.backup));
    }
    made.took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let skipped = made.backup.iter().flat_map(|backup| &backup.components).any(|part| part.skipped > 0);
    ctx.show(&made, |made| render::backups::made(&ctx.theme, made))?;
    if !ctx.is_json() {
        tell_made(ctx, &made);
    }
    Ok(if skipped { Exit::Degraded } else { Exit::Done })
}

fn tell_made(ctx: &Ctx, made: &BackupMade) {
    let Some(backup) = &made.backup else {
        return ctx.say_phrase(Phrase::NothingDue, &[]);
    };
    for line in backup.components.iter().flat_map(|part| &part.skipped_first) {
        ctx.say_phrase(Phrase::BackupSkipped, &[line]);
    }
    let (stored, took) = (crate::amount::bytes(made.stored_bytes), crate::amount::span(made.took_ms));
    ctx.say_phrase(Phrase::BackupMade, &[&backup.number.to_string(), &stored, &took]);
}

fn list(ctx: &Ctx, target: &Target) -> Outcome {
    let (sound, damaged) = shelf(target).sound_and_damaged()?;
    let rows = BackupRows {
        backups: sound.iter().map(row).collect(),
        damaged: damaged.iter().map(|path| path.display().to_string()).collect(),
    };
    ctx.show(&rows, |rows| render::backups::list(ctx, &rows.backups, now_ms()))?;
    if !ctx.is_json() {
        for path in &rows.damaged {
            ctx.say_phrase(Phrase::BackupDamaged, &[path]);
        }
        if rows.backups.is_empty() {
            ctx.say_phrase(Phrase::NoBackups, &[target.command()]);
        }
    }
    Ok(if rows.damaged.is_empty() { Exit::Done } else { Exit::NotVerified })
}

fn show(ctx: &Ctx, target: &Target, number: Option<u64>, component: Option<&str>) -> Outcome {
    let (mut backups, _lock) = locked(target)?;
    let backup = backups.find(number)?;
    if let Some(wanted) = component
        && backup.part(wanted).is_none()
    {
        let what = wanted.to_owned();
        return Err(store::BackupError::Unknown { number: backup.number, what }.into());
    }
    let mut files = Vec::new();
    for part in backup.parts.iter().filter(|part| component.is_none_or(|wanted| wanted == part.component)) {
        files.extend(backups.files(&backup, part)?.iter().map(|file| {
            let (kind, bytes) = match &file.content {
                Content::Folder => ("folder", 0),
                Content::File(content) => ("file", content.bytes),
                Content::Link(_) => ("link", 0),
            };
            BackupFile {
                component: part.component.clone(),
                path: file.path.display().to_string(),
                kind: kind.to_owned(),
                mode: format!("{:o}", file.mode),
                bytes,
                modified_ms: file.modified_ns.div_euclid(1_000_000),
            }
        }));
    }
    let shown = BackupShown { backup: row(&backup), files };
    ctx.show(&shown, |shown| render::backups::files(&ctx.theme, &shown.files))?;
    Ok(Exit::Done)
}

fn verify(ctx: &Ctx, target: &Target) -> Outcome {
    let (mut backups, _lock) = locked(target)?;
    let shown = Progress::begin(ctx, Phrase::Verifying, Some(backups.meter()));
    let found = backups.verify()?;
    drop(shown);
    let verified = BackupVerified {
        sound: found.is_sound(),
        backups: found.backups as u64,
        chunks: found.chunks as u64,
        chunks_damaged: found.chunks_damaged as u64,
        repaired: found.repaired as u64,
        damaged: found.damaged.iter().map(|path| path.display().to_string()).collect(),
        losses: found.losses,
        lost: found
            .lost
            .into_iter()
            .map(|loss| BackupLoss {
                number: loss.backup,
                component: loss.component,
                path: loss.path.map(|path| path.display().to_string()),
            })
            .collect(),
    };
    ctx.show(&verified, render::backups::verified)?;
    if verified.sound {
        if !ctx.is_json() {
            let counts = [verified.backups.to_string(), crate::amount::count(verified.chunks)];
            ctx.say_phrase(Phrase::BackupsSound, &[&counts[0], &counts[1]]);
        }
        return Ok(Exit::Done);
    }
    if !ctx.is_json() {
        ctx.say_phrase(Phrase::BackupsBroken, &[&verified.losses.to_string(), target.command()]);
    }
    Ok(Exit::NotVerified)
}

fn prune(ctx: &Ctx, target: &Target, dry_run: DryRun) -> Outcome {
    let rules = rules(target)?;
    let keep = |component: &str| keep_of(&rules.rule(component));
    let (mut backups, _lock) = locked(target)?;
    let done = if dry_run.dry_run { backups.prune_plan(&keep)? } else { backups.prune(&keep)? };
    let part = |(number, component)| BackupPart { number, component };
    let pruned = BackupPruned {
        parts: done.parts.into_iter().map(part).collect(),
        backups: done.backups,
        chunks_removed: (!dry_run.dry_run).then_some(done.cleaned.chunks_removed),
    };
    ctx.show(&pruned, |pruned| {
        pruned.parts.iter().map(|part| format!("{}  {}\n", part.number, part.component)).collect()
    })?;
    if !ctx.is_json() && pruned.parts.is_empty() {
        ctx.say_phrase(Phrase::NothingChanged, &[]);
    }
    Ok(Exit::Done)
}

fn row(backup: &Backup) -> BackupRow {
    BackupRow {
        number: backup.number,
        at_ms: backup.at.0,
        label: backup.label.clone(),
        components: backup.parts.iter().map(component).collect(),
    }
}

fn component(part: &Part) -> BackupComponent {
    BackupComponent {
        component: part.component.clone(),
        files: part.files,
        bytes: part.bytes,
        files_read: part.files_read,
        skipped: part.skipped.count,
        skipped_first: part.skipped.first.clone(),
    }
}

/// What `--file` names, from the home's root: typed like that, or with the home in front.
fn from_home(target: &Target, file: &std::path::Path) -> PathBuf {
    file.strip_prefix(target.home.root()).unwrap_or(file).to_owned()
}
