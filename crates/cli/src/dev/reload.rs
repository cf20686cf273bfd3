//! What was written, brought into what runs: files that describe are read again, a WebAssembly module's code is swapped
//! with its state, any other module is restarted.
//!
//! A description that can't be read changes nothing: what runs goes on until it is mended, and what was changed meanwhile
//! is not forgotten.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::Instant;

use protocol::files::project::Source;
use protocol::operator::{Acted, ModuleStatus, Plan, Request, Swapped};

use super::project_file;
use super::watch::Changes;
use crate::acting::with_last_words;
use crate::amount;
use crate::configuration;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::failure::{Failure, Outcome, Stopped};
use crate::offline;
use crate::output::{DevHow, UpEvent};
use crate::report;
use crate::target::Target;
use crate::theme::Paint;
use crate::words::Phrase;

/// 3 files are named in a line; of more their number.
const FILES_SHOWN: usize = 3;

/// Files that say what a module is. Others are its code, or what it reads by itself.
const DESCRIPTIONS: [&str; 5] =
    ["ostoja.yaml", "module.json", "config.schema.json", "deno.json", "config.yaml"];

/// A module and where its files are.
struct Place {
    id: String,
    folder: PathBuf,
}

/// Acts on changes, one gathering after the other.
pub(super) struct Reloader {
    ctx: Ctx,
    target: Target,
    folder: PathBuf,
    /// Changes that wait until the descriptions can be read again.
    held: Vec<Changes>,
}

impl Reloader {
    pub(super) fn new(ctx: &Ctx, target: &Target, folder: &Path) -> Self {
        Self { ctx: ctx.clone(), target: target.clone(), folder: folder.to_owned(), held: Vec::new() }
    }

    /// Acts until nobody watches any more.
    pub(super) fn run(mut self, changes: &Receiver<Changes>) {
        for one in changes {
            match self.act(one) {
                Ok(()) => {}
                // A kernel that is gone or not there yet: it reads the files as they are when it starts.
                Err(Stopped::Failed(failure)) => self.tell_failure(&failure),
                Err(Stopped::ReaderGone) => return,
            }
        }
    }

    fn act(&mut self, changes: Changes) -> Outcome<()> {
        self.held.push(changes);
        let places = self.places()?;
        let held = std::mem::take(&mut self.held);
        let is_one_of = |names: &[&str]| {
            held.iter().any(|one| {
                one.may_hold(|path| {
                    path.file_name().is_some_and(|name| names.iter().any(|wanted| name == *wanted))
                })
            })
        };
        let Some(mut door) = Door::try_open_at(&self.target, ANSWER_TIMEOUT_DEFAULT) else { return Ok(()) };
        let begun = Instant::now();
        let mut done = BTreeSet::new();
        if is_one_of(&DESCRIPTIONS) {
            done = self.read_again(&mut door, &held, begun)?;
            if done.is_empty() {
                // Nothing had to begin anew; who mended a file is told that it is read.
                places.iter().try_for_each(|place| self.tell(&place.id, DevHow::Reread, begun, &held))?;
            }
        }
        let described = |path: &Path| {
            path.file_name().is_some_and(|name| DESCRIPTIONS.iter().any(|known| name == *known))
        };
        let statuses = door.modules()?;
        for place in places.iter().filter(|place| !done.contains(&place.id)) {
            let is_meant = |path: &Path| {
                path.starts_with(&place.folder) && !described(path) && nearest_is(&places, path, place)
            };
            let is_touched = held.iter().any(|one| one.may_hold(is_meant));
            if let (true, Some(status)) = (is_touched, statuses.iter().find(|status| status.id == place.id)) {
                self.reload(&mut door, status, &held)?;
            }
        }
        Ok(())
    }

    /// Every module with its folder, out of descriptions that can be read.
    fn places(&self) -> Outcome<Vec<Place>> {
        let file = project_file(&self.folder);
        if !file.is_file() {
            let manifest = offline::manifest(&self.folder)?;
            return Ok(vec![Place { id: manifest.id.to_string(), folder: self.folder.clone() }]);
        }
        let mut places = Vec::new();
        for module in configuration::project(&file)?.modules {
            let folder = match &module.source {
                Source::Folder(folder) => {
                    let folder = self.folder.join(folder);
                    let folder = folder.canonicalize().unwrap_or(folder);
                    offline::manifest(&folder)?;
                    folder
                }
                Source::Run(_) => self.folder.join(module.cwd.as_deref().unwrap_or_default()),
            };
            places.push(Place { id: module.id.to_string(), folder });
        }
        Ok(places)
    }

    /// Lets the kernel read its files again; gives the modules that it began anew for that.
    fn read_again(&self, door: &mut Door, held: &[Changes], begun: Instant) -> Outcome<BTreeSet<String>> {
        let reload = |dry_run| Request::KernelReload { what: None, dry_run };
        let plan: Plan = door.ask(&reload(true))?;
        door.ask_raw(&reload(false))?;
        door.ask_raw(&Request::KernelSettle { timeout_ms: None })?;
        let ids: BTreeSet<String> = plan.steps.into_iter().filter_map(|step| step.module_id).collect();
        for id in &ids {
            self.tell(id, DevHow::Reread, begun, held)?;
        }
        Ok(ids)
    }

    fn reload(&self, door: &mut Door, status: &ModuleStatus, held: &[Changes]) -> Outcome<()> {
        let begun = Instant::now();
        let module_id = status.id.clone();
        if status.runtime == "wasm" && status.status == "ready" {
            let _: Swapped = door.ask(&Request::ModuleSwap { module_id, without_state: false })?;
            return self.tell(&status.id, DevHow::Swapped, begun, held);
        }
        match door.ask::<Acted>(&Request::ModuleRestart { module_id, dry_run: false }) {
            Ok(_) => self.tell(&status.id, DevHow::Restarted, begun, held),
            Err(Stopped::Failed(failure)) => Err(Stopped::from(with_last_words(door, &status.id, *failure))),
            Err(Stopped::ReaderGone) => Err(Stopped::ReaderGone),
        }
    }

    fn tell(&self, id: &str, how: DevHow, begun: Instant, held: &[Changes]) -> Outcome<()> {
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let files: BTreeSet<String> =
            held.iter().flat_map(|one| &one.files).map(|file| self.name(file)).collect();
        if self.ctx.is_json() {
            let files = files.into_iter().collect();
            return self.ctx.json_line(&UpEvent::Reloaded { module_id: id.to_owned(), how, took_ms, files });
        }
        let phrase = match how {
            DevHow::Swapped => Phrase::DevSwapped,
            DevHow::Restarted => Phrase::DevRestarted,
            DevHow::Reread => Phrase::DevReread,
        };
        let named: Vec<&str> = files.iter().map(String::as_str).take(FILES_SHOWN).collect();
        let mut named = named.join(", ");
        if files.len() > FILES_SHOWN {
            named.push_str(&format!(" +{}", files.len() - FILES_SHOWN));
        }
        let text = self.ctx.phrase(phrase, &[id, &amount::span(took_ms), &named]);
        self.ctx.say(&self.ctx.talk.paint(Paint::Good, &crate::render::logs::clean(&text)));
        Ok(())
    }

    fn name(&self, file: &Path) -> String {
        file.strip_prefix(&self.folder).unwrap_or(file).display().to_string()
    }

    /// Why what was written is not what runs.
    fn tell_failure(&self, failure: &Failure) {
        if self.ctx.is_json() {
            let event = UpEvent::NotReloaded {
                code: failure.code.clone(),
                message: failure.message.clone(),
                details: failure.details.clone(),
                help: failure.help.clone(),
            };
            // A reader that is gone is seen by the printer, which stops everything.
            let _told = self.ctx.json_line(&event);
            return;
        }
        self.ctx.say_always(report::render(failure, &self.ctx.talk).trim_end());
        self.ctx.say_phrase(Phrase::DevGoesOn, &[]);
    }
}

/// Whether no other module's folder lies between this one's and the file.
fn nearest_is(places: &[Place], path: &Path, place: &Place) -> bool {
    let mut inner =
        places.iter().filter(|other| other.folder != place.folder && other.folder.starts_with(&place.folder));
    !inner.any(|other| path.starts_with(&other.folder))
}
