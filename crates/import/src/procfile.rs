//! A Procfile, as foreman, honcho, overmind and Heroku read it: `name: command` on each line.

use protocol::files::FileErrors;

use crate::draft::{Draft, Module, Program, tell_environment};
use crate::syntax;

/// 5000 and 100: the port that foreman gives to the first entry, and how far apart the entries' are.
const PORT_FIRST: usize = 5000;
const PORT_STEP: usize = 100;

pub(crate) fn read(file: &str, text: &str) -> Result<Draft, FileErrors> {
    let mut draft = Draft::new(file);
    tell_environment(&mut draft);
    draft.remarks.add("A `.env` beside a Procfile is not read: put what a program needs under its `env`.");
    draft.remarks.add("foreman stops everything when one program ends; here it is started again.");
    let mut place: usize = 0;
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let Some((name, command)) = line.split_once(':') else {
            return Err(syntax(file, number + 1, 1, "a line is no `name: command`"));
        };
        let (name, command) = (name.trim(), command.trim());
        if !is_name(name) {
            let message = "the name of a process is made of letters, digits, `_` and `-`";
            return Err(syntax(file, number + 1, 1, message));
        }
        if command.is_empty() {
            return Err(syntax(file, number + 1, line.len() + 1, "the command is missing"));
        }
        let mut module = Module::new(name, Program::Text(command.to_owned()));
        // The processes of foreman see all that it sees.
        crate::words::variables(command).iter().for_each(|name| module.pass_env(name));
        if names_port(command) {
            module.set_env("PORT", (PORT_FIRST + place * PORT_STEP).to_string());
            module.remarks.add("`PORT` is what foreman would have set.");
        }
        if name == "release" {
            module.remarks.add(
                "On Heroku this runs once, before the others; `ready: completed` here and `needs: [release]` there do \
                 the same.",
            );
        }
        place += 1;
        draft.push(module);
    }
    Ok(draft)
}

/// Whether a text is the name of a Procfile's entry.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Whether the command lets the shell fill in a port.
fn names_port(command: &str) -> bool {
    command.contains("${PORT")
        || command.match_indices("$PORT").any(|(at, name)| {
            let after = command[at + name.len()..].chars().next();
            !after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
        })
}
