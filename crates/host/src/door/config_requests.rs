//! Requests about the configuration: every value in force with its origin, and setting one, which is checked before it is
//! written and undone when it can't be taken over.

use std::path::PathBuf;

use protocol::files::config::unset_in_text;
use protocol::operator::{ConfigTable, ConfigVerb};
use serde_json::{Value, json};
use update::Digests;

use super::connection::Caller;
use super::reply::{self, Done, Refusal};
use crate::effects;
use crate::files::config::load_changed;
use crate::files::section::{PlannedSet, plan_set, set_text};
use crate::launch::sentence;
use crate::shell::Shell;

/// 16 hex digits of a hash tell two configurations apart.
const VERSION_BYTES: usize = 8;

pub(super) async fn handle(caller: &Caller, verb: ConfigVerb) -> Done {
    match verb {
        ConfigVerb::List {} => reply::data(&caller.shell.borrow().config_table()),
        ConfigVerb::Set { key, value, version } => change(caller, &key, Some(value), version).await,
        ConfigVerb::Unset { key, version } => change(caller, &key, None, version).await,
    }
}

impl Shell {
    fn config_version(&self) -> String {
        let text = json!(self.files.config.values()).to_string();
        let hash = Digests::of(text.as_bytes()).sha256;
        hash[..VERSION_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn config_table(&self) -> ConfigTable {
        ConfigTable { version: self.config_version(), entries: self.files.config.entries() }
    }

    /// What a change comes to; nothing is written.
    fn plan_change(&self, key: &str, value: Option<Value>) -> Result<PlannedSet, Refusal> {
        let files = &self.files;
        let refused = |why: String| Refusal::new("host::config::refused", why);
        let Some(value) = value else {
            let path = files.home.config_set();
            let before = set_text(&files.home).map_err(refused)?;
            let after = unset_in_text(&path.display().to_string(), &before, key)
                .map_err(|error| refused(error.to_string()))?;
            let missing = || Refusal::new("host::config::not_found", format!("`{key}` was not set"));
            let text = after.ok_or_else(missing)?;
            return Ok(PlannedSet { path, text, coerced: Value::Null });
        };
        let section = key.split('.').next().unwrap_or(key);
        let owner = files.blueprints.values().find(|one| one.config_key.as_deref() == Some(section));
        let schema = owner.and_then(|blueprint| blueprint.config_schema.as_deref());
        plan_set(&files.home, &files.config, key, value, schema).map_err(refused)
    }

    /// A kernel falls back to a default; whoever sets a value wants to hear of the mistake instead.
    fn new_warning(&self, planned: &PlannedSet) -> Option<String> {
        let files = &self.files;
        let after = load_changed(&files.home, files.project.as_ref(), &planned.path, &planned.text);
        let after = match after {
            Ok(after) => after,
            Err(error) => return Some(sentence(&error)),
        };
        let known = self.files.config.warnings();
        let fresh =
            after.warnings().iter().find(|warning| !known.iter().any(|one| one.fault == warning.fault));
        fresh.map(ToString::to_string)
    }
}

async fn change(caller: &Caller, key: &str, value: Option<Value>, version: Option<String>) -> Done {
    let bells = caller.shell.borrow().bells.clone();
    let _alone = bells.set_file.lock().await;
    let (planned, before) = {
        let shell = caller.shell.borrow();
        let present = shell.config_version();
        if version.is_some_and(|version| version != present) {
            let why = format!("the configuration changed meanwhile; it is version {present} now");
            return Err(Refusal::new("host::config::changed", why));
        }
        let planned = shell.plan_change(key, value)?;
        if let Some(why) = shell.new_warning(&planned) {
            return Err(Refusal::new("host::config::refused", why));
        }
        let before = set_text(&shell.files.home).map_err(|why| Refusal::new("host::config::refused", why))?;
        (planned, before)
    };
    let path = planned.path.clone();
    write(planned).await?;
    let taken = caller.shell.borrow_mut().reload_config_or_tell();
    if let Err(why) = taken {
        undo(path, before).await?;
        caller.shell.borrow_mut().reload_config();
        return Err(Refusal::new("host::config::refused", why));
    }
    let mut shell = caller.shell.borrow_mut();
    shell.end_turn();
    reply::data(&shell.config_table())
}

async fn write(planned: PlannedSet) -> Result<(), Refusal> {
    effects::write(planned).await.map(drop).map_err(|why| Refusal::new("host::config::not_written", why))
}

/// The text as it was: what can't be taken over is not what the next start is to find.
async fn undo(path: PathBuf, text: String) -> Result<(), Refusal> {
    write(PlannedSet { path, text, coerced: Value::Null }).await
}
