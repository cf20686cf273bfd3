//! Reading files again while the kernel runs: what changed is told to it, what is broken stays as it was.

use std::cell::RefCell;
use std::rc::Rc;

use abi::{ModuleId, Record};
use kernel::{Event, Grants, Manner};
use protocol::files::config::Config;

use crate::error::HostError;
use crate::files::approvals::Approvals;
use crate::files::blueprint::Origin;
use crate::files::config;
use crate::files::discovery::{self, Finding, Search};
use crate::files::project::ProjectModules;
use crate::launch::sentence;
use crate::shell::Shell;

/// How the troubles of this room begin.
const CONFIG_TROUBLE: &str = "the configuration was not taken over";
const SETTING_TROUBLE: &str = "a setting has its default";
const APPROVAL_TROUBLE: &str = "an approval can't be read";
const MODULE_TROUBLE: &str = "a module can't be shown";
const PERMISSIONS_TROUBLE: &str = "the permissions were not taken over";
const MODULES_TROUBLE: &str = "the modules were not taken over";

impl Shell {
    fn read_config(&self) -> Result<Config, HostError> {
        config::load(&self.files.home, self.files.project.as_ref()).map(|(config, _)| config)
    }

    /// The sections that differ on disk from those that hold now.
    pub(crate) fn changed_sections(&self) -> Result<Vec<String>, String> {
        let config = self.read_config().map_err(|error| sentence(&error))?;
        Ok(config.changed_sections(&self.files.config))
    }

    /// Takes over the configuration as it is on disk; a broken one is told as a trouble.
    pub(crate) fn reload_config(&mut self) {
        // It is told and journaled where it is found; nobody waits for it here.
        let _told = self.reload_config_or_tell();
    }

    /// The same for somebody who waits for the outcome.
    pub(crate) fn reload_config_or_tell(&mut self) -> Result<(), String> {
        match self.read_config() {
            Ok(config) => {
                self.no_trouble(CONFIG_TROUBLE);
                self.take_over_config(config);
                self.tend_companion();
                Ok(())
            }
            Err(error) => Err(self.refuse_files("config.refused", CONFIG_TROUBLE, &error)),
        }
    }

    /// Makes a configuration the one that holds, and tells the kernel what changed.
    pub(crate) fn take_over_config(&mut self, config: Config) {
        self.no_trouble(SETTING_TROUBLE);
        for warning in config.warnings() {
            self.trouble(format!("{SETTING_TROUBLE}: {warning}"));
        }
        let changed = config.changed_sections(&self.files.config);
        self.files.config = config;
        self.talk.set_logging(self.files.config.settings().logging.clone());
        self.tell_settings();
        if !changed.is_empty() {
            self.feed(Event::ConfigChanged(changed));
        }
    }

    /// Tells the kernel the rules of the house.
    pub(crate) fn tell_settings(&mut self) {
        let settings = config::kernel_settings(self.files.config.settings(), &self.files.approvals);
        self.feed(Event::Settings(settings));
        self.hold_pools();
    }

    fn refuse_files(&mut self, code: &'static str, trouble: &str, error: &HostError) -> String {
        let why = sentence(error);
        self.record(Record::new(code).text("error", why.as_str()));
        self.no_trouble(trouble);
        self.trouble(format!("{trouble}: {why}"));
        why
    }

    fn read_approvals(&self) -> Result<(Approvals, Vec<String>), HostError> {
        Approvals::load(&self.files.home.permissions())
    }

    /// The approvals that differ on disk from those that hold now.
    pub(crate) fn changed_grants(&self) -> Result<Vec<(ModuleId, Option<Grants>)>, String> {
        let (approvals, _) = self.read_approvals().map_err(|error| sentence(&error))?;
        Ok(self.difference(&approvals))
    }

    fn difference(&self, approvals: &Approvals) -> Vec<(ModuleId, Option<Grants>)> {
        let known = self.kernel.views().into_iter().map(|view| view.id);
        let changed = known.filter_map(|id| {
            let before = self.kernel.grants(&id)?;
            let mut grants = self.grants_from(approvals, &id);
            // That it was started once can be newer here than on disk.
            grants.spawned_before |= before.spawned_before;
            (grants != *before).then_some((id, Some(grants)))
        });
        changed.collect()
    }

    /// What is approved for a module: a project's file is its modules' approval.
    fn grants_from(&self, approvals: &Approvals, id: &ModuleId) -> Grants {
        let grants = approvals.grants(id);
        let origin = self.files.blueprints.get(id).map(|blueprint| blueprint.origin);
        match origin {
            Some(Origin::Project | Origin::Hand) => {
                let declared = self.kernel.find(id.as_str()).and_then(|slot| self.kernel.spec(slot));
                Grants { base: declared.map(|spec| spec.declared.clone()), ..grants }
            }
            Some(Origin::Home) | None => grants,
        }
    }

    /// Takes over the permissions as they are on disk.
    pub(crate) fn reload_permissions(&mut self) -> Result<(), String> {
        match self.read_approvals() {
            Ok((approvals, faults)) => {
                self.no_trouble(PERMISSIONS_TROUBLE);
                self.tell_faulty_approvals(&faults);
                let changes = self.difference(&approvals);
                self.files.approvals = approvals;
                self.tell_settings();
                self.feed(Event::GrantsChanged(changes));
                Ok(())
            }
            Err(error) => Err(self.refuse_files("permission.refused", PERMISSIONS_TROUBLE, &error)),
        }
    }

    /// Tells which stored approvals can't be understood; the ones told before are settled.
    pub(crate) fn tell_faulty_approvals(&mut self, faults: &[String]) {
        self.no_trouble(APPROVAL_TROUBLE);
        for fault in faults {
            self.trouble(format!("{APPROVAL_TROUBLE}: {fault}"));
        }
    }

    /// Looks at all modules' files.
    pub(crate) fn search(&mut self, project: Option<&ProjectModules>) -> Finding {
        let mut hashes = std::mem::take(&mut self.files.hashes);
        let modules = self.files.home.modules();
        let user_home = self.surrounding.user_home();
        let search =
            Search { modules: &modules, approvals: &self.files.approvals, project, user_home: &user_home };
        let finding = discovery::search(&search, &mut hashes);
        self.files.hashes = hashes;
        finding
    }

    /// Takes over what was found and tells the kernel all of it.
    pub(crate) fn take_over_modules(&mut self, finding: Finding) {
        self.no_trouble(MODULE_TROUBLE);
        for complaint in &finding.complaints {
            self.trouble(format!("{MODULE_TROUBLE}: {complaint}"));
        }
        for (id, tree) in &finding.new_trees {
            self.files.approvals.note_tree(id, tree);
            self.is_unsaved = true;
            self.bells.save.notify_one();
        }
        let discovered = finding.discovered();
        let mut blueprints = finding.modules;
        let before = self.guests_by_code();
        self.files.blueprints.retain(|_, blueprint| blueprint.origin == Origin::Hand);
        while let Some((id, found)) = blueprints.pop_first() {
            self.files.blueprints.insert(id, Rc::new(found.blueprint));
        }
        self.feed(Event::Discovered(discovered));
        self.swap_changed(&before);
    }
}

/// Looks at the modules' files again, on a thread of its own, and takes over what changed.
///
/// # Errors
/// The project file can't be read or understood; then nothing is changed.
pub(crate) async fn modules(shell: &Rc<RefCell<Shell>>) -> Result<(), String> {
    look_again(shell, None).await
}

/// The same, for changes of these modules that are one change: all become new together, or none does.
///
/// # Errors
/// As [`modules`].
pub(crate) async fn together(
    shell: &Rc<RefCell<Shell>>,
    ids: Vec<ModuleId>,
    manner: Manner,
) -> Result<(), String> {
    look_again(shell, Some((ids, manner))).await
}

async fn look_again(
    shell: &Rc<RefCell<Shell>>,
    together: Option<(Vec<ModuleId>, Manner)>,
) -> Result<(), String> {
    let source = shell.borrow().files.source.clone();
    let project = match source.as_ref().map(ProjectModules::load).transpose() {
        Ok(project) => project,
        Err(error) => {
            return Err(shell.borrow_mut().refuse_files("modules.refused", MODULES_TROUBLE, &error));
        }
    };
    let (approvals, mut hashes, folder, user_home) = {
        let shell = shell.borrow();
        let files = &shell.files;
        (files.approvals.clone(), files.hashes.clone(), files.home.modules(), shell.surrounding.user_home())
    };
    let looking = tokio::task::spawn_blocking(move || {
        let search = Search {
            modules: &folder,
            approvals: &approvals,
            project: project.as_ref(),
            user_home: &user_home,
        };
        let finding = discovery::search(&search, &mut hashes);
        (finding, hashes, project)
    });
    let found = looking.await.map_err(|_| "the thread that looks at the modules has died".to_owned())?;
    let (finding, hashes, project) = found;
    let mut shell = shell.borrow_mut();
    shell.files.hashes = hashes;
    shell.files.project = project;
    shell.no_trouble(MODULES_TROUBLE);
    // Sections of the project's modules are part of the configuration; they come first, so that a new life starts with them.
    shell.reload_config();
    if let Some((ids, manner)) = together {
        shell.feed(Event::Together(ids, manner));
    }
    shell.take_over_modules(finding);
    shell.end_turn();
    Ok(())
}
