//! The kernel's own methods that need the host: reading and changing a module's configuration, listing commands.
//!
//! `config.set` is written on a thread of its own, one at a time, so that a slow disk delays nobody but who asked.

use std::cell::RefCell;
use std::rc::Rc;

use abi::{Generation, Payload, Slot};
use kernel::{Task, Word};
use protocol::files::config;
use protocol::files::manifest::Command;
use serde_json::{Map, Value, json};

use crate::files::section::{self, PlannedSet};
use crate::outbox::Mail;
use crate::shell::Shell;
use crate::translate::raw_value;

/// 64 changes of the configuration wait to be written; the next is refused, so that no module can fill the memory.
const SETS_MAX: usize = 64;

/// For the owner alone: configuration may hold secrets.
const MODE: u32 = 0o600;

/// A change that waits to be written.
#[derive(Debug)]
pub(crate) struct PendingSet {
    slot: Slot,
    generation: Generation,
    id: Word,
    key: Word,
    value: Payload,
}

impl Shell {
    pub(super) fn perform(&mut self, slot: Slot, generation: Generation, id: &Word, task: Task) {
        let result = match task {
            Task::ConfigGet(key) => self.config_get(slot, &key),
            Task::ConfigSections => Some(self.config_sections(slot)),
            Task::ModuleCommands => Some(self.module_commands()),
            Task::SecretGet(name) => return self.ask_for_secret(slot, generation, id, name),
            Task::ConfigSet(key, value) => {
                let set = PendingSet { slot, generation, id: id.clone(), key, value };
                return self.config_set(set);
            }
            Task::Function(call, effective) => {
                return self.function_task(slot, generation, id, (call, effective));
            }
        };
        let payload = result.map(|value| Payload::new(value.to_string().as_bytes()));
        self.answer_task(slot, generation, id, Mail::Answer, Ok(payload));
    }

    fn config_get(&self, slot: Slot, key: &Word) -> Option<Value> {
        let blueprint = self.blueprint(slot)?;
        let own = blueprint.config_key.as_deref()?;
        let schema = blueprint.config_schema.as_deref();
        let section = section::section(&self.files.config, own, schema).value?;
        let mut root = Map::new();
        root.insert(own.to_owned(), section);
        config::get(&root, key.as_str()).cloned()
    }

    fn config_sections(&self, slot: Slot) -> Value {
        let Some(blueprint) = self.blueprint(slot) else { return json!([]) };
        let Some(key) = &blueprint.config_key else { return json!([]) };
        let mut row = json!({ "key": key, "moduleId": blueprint.id.as_str() });
        if let Some(description) = &blueprint.description {
            row["description"] = json!(description);
        }
        json!([row])
    }

    fn module_commands(&self) -> Value {
        let all = self.files.blueprints.values();
        all.flat_map(|blueprint| {
            blueprint.commands.iter().map(|command| command_row(blueprint.id.as_str(), command))
        })
        .collect()
    }

    fn config_set(&mut self, set: PendingSet) {
        if self.sets.len() >= SETS_MAX {
            return self.answer_set(&set, Err("overloaded".to_owned()));
        }
        self.sets.push_back(set);
        self.bells.sets.notify_one();
    }

    fn plan_set(&self, set: &PendingSet) -> Result<PlannedSet, String> {
        let schema = self.blueprint(set.slot).and_then(|blueprint| blueprint.config_schema.clone());
        let value = raw_value(&set.value);
        let files = &self.files;
        section::plan_set(&files.home, &files.config, set.key.as_str(), value, schema.as_deref())
    }

    fn answer_set(&mut self, set: &PendingSet, result: Result<Value, String>) {
        let value = match result {
            Ok(coerced) => json!({ "success": true, "coerced": coerced }),
            Err(error) => json!({ "success": false, "error": error }),
        };
        let payload = Payload::new(value.to_string().as_bytes());
        self.answer_task(set.slot, set.generation, &set.id, Mail::Answer, Ok(Some(payload)));
    }
}

fn command_row(module: &str, command: &Command) -> Value {
    let mut row = json!({ "name": command.name, "description": command.description, "moduleId": module });
    if !command.args.is_empty() {
        let args = command.args.iter().map(|arg| {
            let mut row =
                json!({ "name": arg.name, "description": arg.description, "required": arg.required });
            if !arg.choices.is_empty() {
                row["choices"] = json!(arg.choices);
            }
            row
        });
        row["args"] = args.collect();
    }
    if let Some(category) = &command.category {
        row["category"] = json!(category);
    }
    row
}

/// Writes what modules set, one after the other, and takes it over.
pub(crate) async fn write_sets(shell: Rc<RefCell<Shell>>) {
    let bells = shell.borrow().bells.clone();
    loop {
        bells.sets.notified().await;
        loop {
            let Some(set) = shell.borrow_mut().sets.pop_front() else { break };
            let _alone = bells.set_file.lock().await;
            let planned = shell.borrow().plan_set(&set);
            let result = match planned {
                Ok(planned) => write(planned).await,
                Err(why) => Err(why),
            };
            let mut shell = shell.borrow_mut();
            if result.is_ok() {
                shell.reload_config();
            }
            shell.answer_set(&set, result);
            shell.end_turn();
        }
    }
}

/// Writes what a set comes to; gives the value as it is understood.
pub(crate) async fn write(planned: PlannedSet) -> Result<Value, String> {
    let PlannedSet { path, text, coerced } = planned;
    let writing = tokio::task::spawn_blocking(move || {
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder.map_err(|error| error.to_string())?;
        store::write_whole(&path, text.as_bytes(), MODE).map_err(|error| error.to_string())
    });
    match writing.await {
        Ok(Ok(())) => Ok(coerced),
        Ok(Err(why)) => Err(format!("the configuration can't be written: {why}")),
        Err(_) => Err("the configuration can't be written".to_owned()),
    }
}
