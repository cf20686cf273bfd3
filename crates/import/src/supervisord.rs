//! supervisord's configuration: programs in sections, as Python's configparser reads them.

use std::collections::BTreeMap;

use protocol::files::FileErrors;
use protocol::files::policy::{Restart, StopSignal};

use crate::draft::{Draft, Module, Program, tell_environment};
use crate::spans;
use crate::syntax;
use crate::words::{self, Escapes};

mod ini;

use ini::{Pair, Section};

/// 64 processes of one program: more are written by nobody and read by nobody.
const PROCESSES_MAX: u32 = 64;

pub(crate) fn read(file: &str, text: &str) -> Result<Draft, FileErrors> {
    let sections = ini::read(file, text)?;
    let mut draft = Draft::new(file);
    tell_environment(&mut draft);
    let shared = shared_environment(file, &sections)?;
    for section in &sections {
        match section.name.split_once(':') {
            Some(("program" | "fcgi-program", name)) => {
                program(file, name.trim(), section, &shared, &mut draft)?
            }
            Some(("eventlistener", name)) => {
                draft.leave_out(
                    name.trim(),
                    "event listeners speak supervisord's own protocol; `ostoja subscribe` hears events",
                );
            }
            Some(("group", name)) => {
                draft.remarks.lost(
                    format_args!("[group:{}]", name.trim()),
                    "modules have no groups; name several behind a verb",
                );
            }
            _ => other(section, &mut draft),
        }
    }
    Ok(draft)
}

fn other(section: &Section, draft: &mut Draft) {
    match section.name.as_str() {
        "include" => {
            let files = section.value("files").unwrap_or_default();
            draft.remarks.lost(format_args!("[include] {files}"), "import those files too, one by one");
        }
        "supervisord" | "unix_http_server" | "supervisorctl" => {}
        name if name.starts_with("rpcinterface:") => {}
        name => draft
            .remarks
            .lost(format_args!("[{name}]"), "it has no counterpart; the kernel has a door of its own"),
    }
}

/// What `[supervisord]` gives to every program.
fn shared_environment(file: &str, sections: &[Section]) -> Result<Vec<(String, String)>, FileErrors> {
    let Some(section) = sections.iter().find(|section| section.name == "supervisord") else {
        return Ok(Vec::new());
    };
    match section.pairs.iter().find(|pair| pair.key == "environment") {
        Some(pair) => environment(file, pair),
        None => Ok(Vec::new()),
    }
}

fn program(
    file: &str,
    name: &str,
    section: &Section,
    shared: &[(String, String)],
    draft: &mut Draft,
) -> Result<(), FileErrors> {
    let Some(command) = section.pairs.iter().find(|pair| pair.key == "command" && !pair.value.is_empty())
    else {
        return Err(syntax(file, section.line, 1, &format!("[program:{name}] has no `command`")));
    };
    let number = |key: &str| section.value(key).and_then(|value| value.parse::<u32>().ok());
    let count = number("numprocs").unwrap_or(1).clamp(1, PROCESSES_MAX);
    let first = number("numprocs_start").unwrap_or(0);
    for process in first..first.saturating_add(count) {
        let expand = Expansion { program: name, process };
        let id = match (count, section.value("process_name")) {
            (1, _) => name.to_owned(),
            (_, Some(pattern)) => expand.all(pattern).0,
            (_, None) => format!("{name}_{process:02}"),
        };
        let mut module = Module::new(&id, Program::Words(Vec::new()));
        let text = expand.noted(&command.value, "command", &mut module);
        let words = words::split(&text, Escapes::Shell)
            .map_err(|(why, at)| syntax(file, command.line, command.column + at, why))?;
        module.program = words::program(words);
        shared.iter().for_each(|(name, value)| module.set_env(name, value.clone()));
        for pair in &section.pairs {
            let value = expand.noted(&pair.value, &pair.key, &mut module);
            if pair.key == "environment" {
                let pair = Pair { value, ..pair.clone() };
                environment(file, &pair)?.into_iter().for_each(|(name, value)| module.set_env(&name, value));
            } else {
                setting(&mut module, &pair.key, &value);
            }
        }
        if module.policy.restart.is_none() {
            module.policy.restart = Some(Restart::OnFailure);
        }
        draft.push(module);
    }
    Ok(())
}

/// One setting of a program but its command and its environment.
fn setting(module: &mut Module, key: &str, value: &str) {
    let number = value.parse::<u64>().ok();
    let policy = &mut module.policy;
    match key {
        "command" | "process_name" | "numprocs" | "numprocs_start" | "environment" => {}
        // The whole process group ends with a module anyway.
        "stopasgroup" | "killasgroup" => {}
        "directory" => module.cwd = Some(value.to_owned()),
        "priority" => module.priority = value.parse().ok(),
        "autostart" => module.autostart = !is_false(value),
        "autorestart" => {
            policy.restart = Some(match value {
                "unexpected" => Restart::OnFailure,
                value if is_false(value) => Restart::Never,
                _ => Restart::Always,
            });
        }
        "startretries" => {
            policy.max_restarts =
                number.and_then(|number| u32::try_from(number).ok()).filter(|n| *n <= 1_000_000)
        }
        "stopwaitsecs" => policy.stop.grace = spans::seconds(value),
        "stopsignal" => match signal(value) {
            Some(signal) => policy.stop.signal = Some(signal),
            None => {
                module.remarks.lost(format_args!("stopsignal={value}"), "no module is stopped by that signal")
            }
        },
        "startsecs" => module.remarks.lost(
            format_args!("startsecs={value}"),
            "`ready` can look at a port, a page, a command or a log line instead of waiting",
        ),
        "exitcodes" if value == "0" => {}
        "exitcodes" => {
            module.remarks.lost(format_args!("exitcodes={value}"), "only 0 counts as an expected end")
        }
        "redirect_stderr" => {}
        "user" => module.remarks.lost(format_args!("user={value}"), "everything runs as who runs Ostoja"),
        key if key.starts_with("stdout_") || key.starts_with("stderr_") => {
            module.remarks.add("Its log settings are not carried over: `ostoja logs` keeps what it says.");
        }
        key => module.remarks.lost(format_args!("{key}={value}"), "it has no counterpart"),
    }
}

/// The signal of this name, with or without `SIG`.
pub(crate) fn signal(name: &str) -> Option<StopSignal> {
    let upper = name.trim().to_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = match short {
        "1" => "HUP",
        "2" => "INT",
        "3" => "QUIT",
        "9" => "KILL",
        "10" => "USR1",
        "12" => "USR2",
        "15" => "TERM",
        name => name,
    };
    StopSignal::ALL.into_iter().find(|signal| signal.as_str().strip_prefix("SIG") == Some(number))
}

fn is_false(value: &str) -> bool {
    ["false", "no", "off", "0"].contains(&value.to_lowercase().as_str())
}

/// `KEY="value",OTHER=value`.
fn environment(file: &str, pair: &Pair) -> Result<Vec<(String, String)>, FileErrors> {
    let mut found = Vec::new();
    let spaced = split_commas(&pair.value);
    for part in spaced.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        let Some((name, value)) = part.split_once('=') else {
            return Err(syntax(file, pair.line, pair.column, "`environment` is no list of KEY=\"value\""));
        };
        let words = words::split(value.trim(), Escapes::Shell)
            .map_err(|(why, _)| syntax(file, pair.line, pair.column, why))?;
        found.push((name.trim().to_owned(), words.join(" ")));
    }
    Ok(found)
}

/// At commas, and at line breaks, that stand in no quotes.
fn split_commas(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut quote) = (Vec::new(), String::new(), None);
    for c in text.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (',' | '\n', None) => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    parts
}

/// What stands for `%(…)s` in the values of one process.
struct Expansion<'a> {
    program: &'a str,
    process: u32,
}

impl Expansion<'_> {
    /// The value with its places filled in; a remark at what only supervisord would know.
    fn noted(&self, value: &str, key: &str, module: &mut Module) -> String {
        let (text, unknown) = self.all(value);
        for name in unknown {
            match name.strip_prefix("ENV_") {
                Some(variable) => module.remarks.add(format!(
                    "`{key}` holds `%({name})s`: write the value of `{variable}` there yourself."
                )),
                None => {
                    module.remarks.add(format!("`{key}` holds `%({name})s`, which only supervisord knows."))
                }
            }
        }
        text
    }

    fn all(&self, value: &str) -> (String, Vec<String>) {
        let known: BTreeMap<&str, String> = [
            ("here", ".".to_owned()),
            ("program_name", self.program.to_owned()),
            ("group_name", self.program.to_owned()),
            ("process_num", self.process.to_string()),
        ]
        .into();
        let (mut text, mut unknown, mut rest) = (String::new(), Vec::new(), value);
        while let Some(at) = rest.find('%') {
            text.push_str(&rest[..at]);
            let place = &rest[at..];
            let inner = place.strip_prefix("%(").and_then(|inner| inner.split_once(')'));
            if let Some((name, after)) = inner {
                let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
                let (width, after) = after.split_at(digits);
                let after = after.strip_prefix(['s', 'd']).unwrap_or(after);
                match known.get(name) {
                    Some(value) => {
                        text.push_str(&format!("{value:0>width$}", width = width.parse().unwrap_or(0).min(8)))
                    }
                    None => {
                        unknown.push(name.to_owned());
                        text.push_str(&place[..place.len() - after.len()]);
                    }
                }
                rest = after;
            } else {
                text.push('%');
                rest = place.strip_prefix("%%").unwrap_or(&place[1..]);
            }
        }
        text.push_str(rest);
        (text, unknown)
    }
}
