//! The passes that turn a draft into what an `ostoja.yaml` may say.

use std::collections::{BTreeMap, BTreeSet};

use abi::ModuleId;
use abi::limits::MODULES_MAX;
use protocol::files::command;

use super::{Draft, Entry, Module, Program, id_for};

/// 4,096 bytes and 1,024 words: what one text and one list of an `ostoja.yaml` may hold.
const TEXT_BYTES_MAX: usize = 4096;
const WORDS_MAX: usize = 1024;

/// Programs that are none, and more modules than a kernel holds, are left out.
pub(super) fn programs(draft: &mut Draft) {
    let mut count = 0;
    for entry in &mut draft.entries {
        let Entry::Module(module) = entry else { continue };
        count += 1;
        let fault = fault_of(&module.program).or_else(|| {
            (count > MODULES_MAX).then(|| format!("a kernel holds at most {MODULES_MAX} modules"))
        });
        if let Some(why) = fault {
            *entry = Entry::LeftOut(super::LeftOut { name: module.id.clone(), why });
        }
    }
    for module in draft.modules_mut() {
        if let Program::Text(text) = &mut module.program {
            *text = text.trim().to_owned();
        }
        if module.cwd.as_deref().is_some_and(|cwd| !is_text(cwd)) {
            module.cwd = None;
            module.remarks.lost("the working folder", "it is no path");
        }
    }
}

fn fault_of(program: &Program) -> Option<String> {
    match program {
        Program::Words(words) if words.is_empty() || words[0].is_empty() => {
            Some("its command is empty".to_owned())
        }
        Program::Words(words) if words.len() > WORDS_MAX => {
            Some(format!("its command has more than {WORDS_MAX} words"))
        }
        Program::Words(words) if !words.iter().all(|word| is_text(word)) => Some(format!(
            "a word of its command is empty, has a zero byte or more than {TEXT_BYTES_MAX} bytes"
        )),
        Program::Words(_) => None,
        Program::Text(text) | Program::Folder(text) if !is_text(text.trim()) => {
            Some(format!("its command is empty, has a zero byte or more than {TEXT_BYTES_MAX} bytes"))
        }
        Program::Text(text) => match command(text) {
            Ok(words) if words.first().is_some_and(|program| !program.is_empty()) => None,
            Ok(_) => Some("its command is empty".to_owned()),
            Err(why) => Some(format!("its command {why}")),
        },
        Program::Folder(_) => None,
    }
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains('\0')
}

/// Names become ids, and needs name ids of modules that are there. A name that is an id already keeps it, whoever else
/// would like to have it.
pub(super) fn names(draft: &mut Draft) {
    let as_they_are: BTreeSet<String> = draft
        .modules()
        .filter(|module| ModuleId::parse(&module.id).is_ok())
        .map(|module| module.id.clone())
        .collect();
    let mut taken = as_they_are.clone();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for module in draft.modules_mut() {
        let name = module.id.clone();
        if ids.contains_key(&name) {
            module.remarks.add(format!("Named `{name}` in the source, as another is."));
        }
        let keeps = as_they_are.contains(&name) && !ids.contains_key(&name);
        if !keeps {
            module.id = id_for(&name, &taken);
            taken.insert(module.id.clone());
        }
        if !keeps && !ids.contains_key(&name) {
            let text = format!(
                "Named `{name}` in the source; a name is made of letters, digits, `_`, `-` and `.` here."
            );
            module.remarks.add(text);
        }
        ids.entry(name).or_insert_with(|| module.id.clone());
    }
    for module in draft.modules_mut() {
        let mut needs: Vec<String> = Vec::new();
        for name in std::mem::take(&mut module.needs) {
            match ids.get(&name) {
                Some(id) if *id == module.id => {
                    module.remarks.lost("a need of itself", "it would never start")
                }
                Some(id) if !needs.contains(id) && needs.len() < WORDS_MAX => needs.push(id.clone()),
                Some(_) => {}
                None => {
                    let why = "it is no module of this project; start it before, by whatever means";
                    module.remarks.lost(format_args!("needs: {name}"), why);
                }
            }
        }
        module.needs = needs;
    }
}

/// The need that closes a circle is dropped, since in a circle nobody starts.
pub(super) fn circles(draft: &mut Draft) {
    let mut edges: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for module in draft.modules_mut() {
        for need in std::mem::take(&mut module.needs) {
            if reaches(&edges, &need, &module.id) {
                let why = "modules would need each other in a circle";
                module.remarks.lost(format_args!("needs: {need}"), why);
                continue;
            }
            edges.entry(module.id.clone()).or_default().push(need.clone());
            module.needs.push(need);
        }
    }
}

/// Whether one leads to the other; with a stack of its own, since chains may be as long as the file.
fn reaches(edges: &BTreeMap<String, Vec<String>>, from: &str, to: &str) -> bool {
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        if seen.insert(id) {
            open.extend(edges.get(id).into_iter().flatten().map(String::as_str));
        }
    }
    false
}

/// Variables that no program could see.
pub(super) fn environment(module: &mut Module) {
    let Module { env, env_pass, remarks, .. } = module;
    let is_name = |name: &str| is_text(name) && !name.contains('=');
    env.retain(|(name, value)| {
        let good = is_name(name) && !value.contains('\0');
        if !good {
            remarks.lost(
                format_args!("env: {name}"),
                "it is no name of a variable, or its value has a zero byte",
            );
        }
        good
    });
    env_pass.retain(|name| is_name(name) && !env.iter().any(|(known, _)| known == name));
    env_pass.truncate(WORDS_MAX);
}
