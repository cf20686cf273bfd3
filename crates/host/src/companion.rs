//! The one module that comes with the program: `ostoja-web`, the process that gives the operator door to browsers. It is
//! started where the configuration asks for it, confined like any module of a stranger's, and lives in the system's zone,
//! so that safe mode can be looked at.

use std::path::Path;

use abi::{ModuleId, Zone};
use kernel::{Event, Order};
use serde_json::{Value, json};

use crate::files::discovery::Found;
use crate::files::project::ProjectModules;
use crate::home::Home;
use crate::launch::sentence;
use crate::shell::Shell;

#[cfg(test)]
mod tests;

/// Its name, and that of its section.
pub const COMPANION: &str = "ostoja-web";

/// Where it listens when its section does not say.
const LISTEN_DEFAULT: &str = "127.0.0.1:7117";

/// How this room's trouble begins.
const TROUBLE: &str = "ostoja-web can't be started";

/// A life that holds one address would have to end before the next one can be made.
const NEW_ADDRESS: &str = "it listens where it did; its new address counts from the kernel's next start";

/// What its section asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    listen: String,
}

impl Wish {
    /// Reads its section: `start: true`, and perhaps `listen`.
    fn of(section: Option<&Value>) -> Option<Self> {
        let section = section?;
        let is_wished = section.get("start").and_then(Value::as_bool).unwrap_or(false);
        let listen = section.get("listen").and_then(Value::as_str).unwrap_or(LISTEN_DEFAULT);
        is_wished.then(|| Self { listen: listen.to_owned() })
    }

    /// As a module of a project would be written.
    fn module(&self, words: &[String], home: &Home) -> Value {
        let socket = home.socket();
        let state = home.companion();
        let place = |path: &Path| path.display().to_string();
        let own = ["--kernel-socket".to_owned(), place(&socket), "--state".to_owned(), place(&state)];
        let run: Vec<String> =
            words.iter().cloned().chain(own).chain(["--listen".to_owned(), self.listen.clone()]).collect();
        // Without an address it has no network at all. With one it has the machine's: what the net helper opens is the very
        // port that was granted, and this one takes another where that is busy.
        let net: &[&str] = if self.listen == "none" { &[] } else { &["*"] };
        let folder = socket.parent().map(place).unwrap_or_default();
        json!({
            "run": run,
            "cwd": place(&state),
            "ready": "notify",
            "permissions": {"net": net, "read": [folder], "write": [place(&state)]},
        })
    }
}

impl Shell {
    /// Starts it or ends it, as the configuration asks now.
    pub(crate) fn tend_companion(&mut self) {
        self.no_trouble(TROUBLE);
        let Some(words) = self.files.companion.clone() else { return };
        let wish = Wish::of(self.files.config.section(COMPANION));
        if wish == self.companion {
            return;
        }
        let Some(wish) = wish else {
            self.companion = None;
            return self.order_companion_away();
        };
        if self.companion.is_some() {
            return self.trouble(format!("{TROUBLE}: {NEW_ADDRESS}"));
        }
        match self.found_companion(&wish, &words) {
            Ok(found) => {
                let id = found.discovered.spec.id.clone();
                self.files.blueprints.insert(id, std::rc::Rc::new(found.blueprint));
                self.feed(Event::Added(found.discovered));
                self.companion = Some(wish);
            }
            Err(why) => self.trouble(format!("{TROUBLE}: {why}")),
        }
    }

    /// It as it runs already, by the configuration that holds.
    pub(crate) fn know_companion(&mut self) -> Option<Found> {
        let words = self.files.companion.clone()?;
        let wish = Wish::of(self.files.config.section(COMPANION))?;
        let found = self.found_companion(&wish, &words).ok()?;
        self.companion = Some(wish);
        Some(found)
    }

    fn order_companion_away(&mut self) {
        if let Ok(id) = ModuleId::parse(COMPANION) {
            let request = self.desk.next_request();
            self.feed(Event::Ordered(request, Order::Remove(id)));
        }
    }

    fn found_companion(&mut self, wish: &Wish, words: &[String]) -> Result<Found, String> {
        let id = ModuleId::parse(COMPANION).map_err(|error| error.to_string())?;
        if self.files.blueprints.contains_key(&id) {
            return Err("there is a module of that name already".to_owned());
        }
        let state = self.files.home.companion();
        std::fs::create_dir_all(&state).map_err(|error| format!("`{}`: {error}", state.display()))?;
        let module = wish.module(words, &self.files.home);
        let one = ProjectModules::by_hand(&id, &module, &state).map_err(|errors| sentence(&errors))?;
        let mut found = self.found_by_hand(&one).ok_or("nothing was found")?;
        found.discovered.spec.zone = Zone::System;
        Ok(found)
    }
}
