//! Changing the configuration: checked before it is written, written whole, and undone when a running kernel refuses it.

use std::path::Path;
use std::process::Command;

use protocol::files::config::{Config, coerce, set_in_text, unset_in_text};
use protocol::operator::{ReloadWhat, Request};
use serde_json::Value;

use crate::args::DryRun;
use crate::configuration::{self, read_if_there};
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::environment::Variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::output::{ConfigChange, ConfigChanged};
use crate::target::Target;
use crate::words::Phrase;

/// For the owner alone: a configuration may hold secrets.
const MODE: u32 = 0o600;

pub(super) fn set(ctx: &Ctx, target: &Target, key: &str, value: &str, dry_run: DryRun) -> Outcome {
    let path = target.home.config_set();
    let before = read_if_there(&path)?.unwrap_or_default();
    let value = coerce(Value::String(value.to_owned()));
    let after = set_in_text(&path.display().to_string(), &before, key, &value)?;
    apply(ctx, target, &Edit { path: &path, before: &before, after: &after, dry_run })
}

/// The same without a word.
pub(super) fn put(ctx: &Ctx, target: &Target, key: &str, value: &Value) -> Outcome<()> {
    let path = target.home.config_set();
    let before = read_if_there(&path)?.unwrap_or_default();
    let after = set_in_text(&path.display().to_string(), &before, key, value)?;
    if before == after {
        return Ok(());
    }
    let edit = Edit { path: &path, before: &before, after: &after, dry_run: DryRun { dry_run: false } };
    write(target, edit.path, edit.after)?;
    take_over(ctx, target, &edit).map(|_| ())
}

pub(super) fn unset(ctx: &Ctx, target: &Target, key: &str, dry_run: DryRun) -> Outcome {
    let path = target.home.config_set();
    let before = read_if_there(&path)?.unwrap_or_default();
    match unset_in_text(&path.display().to_string(), &before, key)? {
        Some(after) => apply(ctx, target, &Edit { path: &path, before: &before, after: &after, dry_run }),
        None => Err(not_set(target, key)?.into()),
    }
}

/// Why there is nothing to take back: nobody set it, or a file of the person's own does.
fn not_set(target: &Target, key: &str) -> Outcome<Failure> {
    let config = configuration::load(target)?;
    let failure = Failure::new("cli::config::not_found", format!("`{key}` was not set by `config set`"));
    Ok(match config.origin(key) {
        Some(origin) => failure.help(format!("it stands in {}, line {}", origin.file, origin.at.line)),
        None => failure.help("ostoja config list"),
    })
}

pub(super) fn reset(ctx: &Ctx, target: &Target, dry_run: DryRun) -> Outcome {
    let path = target.home.config_set();
    let before = read_if_there(&path)?.unwrap_or_default();
    if !dry_run.dry_run {
        ctx.confirm(&ctx.phrase(Phrase::ResetQuestion, &[&path.display().to_string()]))?;
    }
    apply(ctx, target, &Edit { path: &path, before: &before, after: "", dry_run })
}

/// Edits a copy, so that what is half typed is never in force; a copy that is wrong stays beside the file.
pub(super) fn edit(ctx: &Ctx, target: &Target) -> Outcome {
    let path = target.home.config();
    target.home.create()?;
    let before = read_if_there(&path)?.unwrap_or_default();
    let copy = path.with_extension("yaml.edited");
    store::write_whole(&copy, before.as_bytes(), MODE)?;
    if let Err(failed) = run_editor(&copy) {
        // An editor that fails has given up the text too.
        let _ = std::fs::remove_file(&copy);
        return Err(failed);
    }
    let after = read_if_there(&copy)?.unwrap_or_default();
    let applied = apply(
        ctx,
        target,
        &Edit { path: &path, before: &before, after: &after, dry_run: DryRun { dry_run: false } },
    );
    match applied {
        Err(Stopped::Failed(failure)) => {
            let help = format!("your text is kept in {}", copy.display());
            Err(failure.exit(Exit::RolledBack).help(help).into())
        }
        done => {
            // What was taken over needs no copy.
            let _ = std::fs::remove_file(&copy);
            done
        }
    }
}

fn run_editor(file: &Path) -> Outcome<()> {
    let chosen = [Variable::Visual, Variable::Editor].into_iter().filter_map(Variable::text);
    let editor = chosen.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_else(|| "vi".to_owned());
    // The variable may hold arguments too, as in `code --wait`.
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status =
        Command::new(program).args(words).arg(file).status().map_err(|error| {
            Failure::io("run", Path::new(program), &error).help("name another one in EDITOR")
        })?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new("cli::config::editor", format!("the editor `{program}` failed"))
        .caused_by(status.to_string())
        .into())
}

/// One file's change.
struct Edit<'a> {
    path: &'a Path,
    before: &'a str,
    after: &'a str,
    dry_run: DryRun,
}

/// Checks the change, writes it, has it taken over, tells it; puts the old text back when the kernel refuses.
fn apply(ctx: &Ctx, target: &Target, edit: &Edit<'_>) -> Outcome {
    let old = configuration::load_with(target, Some((edit.path, edit.before))).unwrap_or_default();
    let new = configuration::load_with(target, Some((edit.path, edit.after)))?;
    refuse_new_warnings(&old, &new)?;
    let mut changed = ConfigChanged {
        file: edit.path.display().to_string(),
        changes: differences(&old, &new),
        reloaded: None,
    };
    if !edit.dry_run.dry_run && edit.before != edit.after {
        write(target, edit.path, edit.after)?;
        changed.reloaded = take_over(ctx, target, edit)?;
    }
    ctx.show(&changed, tell)?;
    if !ctx.is_json() && !edit.dry_run.dry_run {
        ctx.say_phrase(Phrase::ConfigWritten, &[&changed.file]);
        let next = if changed.reloaded == Some(true) { Phrase::ConfigTaken } else { Phrase::ConfigLater };
        if edit.before != edit.after {
            ctx.say_phrase(next, &[]);
        }
    }
    Ok(Exit::Done)
}

fn write(target: &Target, path: &Path, text: &str) -> Outcome<()> {
    target.home.create()?;
    let folder = target.home.config_folder();
    if path.starts_with(&folder) {
        std::fs::create_dir_all(&folder).map_err(|error| Failure::io("create", &folder, &error))?;
    }
    Ok(store::write_whole(path, text.as_bytes(), MODE)?)
}

/// A kernel would fall back to a default; a person at a terminal wants to hear of the mistake instead.
fn refuse_new_warnings(old: &Config, new: &Config) -> Outcome<()> {
    let fresh = new
        .warnings()
        .iter()
        .find(|warning| !old.warnings().iter().any(|known| known.fault == warning.fault));
    match fresh {
        None => Ok(()),
        Some(warning) => Err(Failure::from(warning.clone()).exit(Exit::Usage).into()),
    }
}

/// Whether a running kernel took it over; nothing when none runs.
fn take_over(ctx: &Ctx, target: &Target, edit: &Edit<'_>) -> Outcome<Option<bool>> {
    let Some(mut door) = Door::try_open_at(target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT)) else {
        return Ok(None);
    };
    let request = Request::KernelReload { what: Some(ReloadWhat::Config), dry_run: false };
    match door.ask_raw(&request) {
        Ok(_) => Ok(Some(true)),
        Err(Stopped::Failed(failure)) => {
            write(target, edit.path, edit.before)?;
            Err(failure.exit(Exit::RolledBack).into())
        }
        Err(Stopped::ReaderGone) => Err(Stopped::ReaderGone),
    }
}

/// What is different, by key.
fn differences(old: &Config, new: &Config) -> Vec<ConfigChange> {
    let values = |config: &Config| {
        config.entries().into_iter().map(|entry| (entry.key, entry.value)).collect::<Vec<_>>()
    };
    let (old, new) = (values(old), values(new));
    let find = |all: &[(String, Value)], key: &str| {
        all.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    };
    let mut keys: Vec<&String> = old.iter().chain(&new).map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .map(|key| ConfigChange {
            key: key.clone(),
            old: find(&old, key).unwrap_or(Value::Null),
            new: find(&new, key).unwrap_or(Value::Null),
        })
        .filter(|change| change.old != change.new)
        .collect()
}

fn tell(changed: &ConfigChanged) -> String {
    changed
        .changes
        .iter()
        .map(|change| format!("{}: {} -> {}\n", change.key, change.old, change.new))
        .collect()
}
