//! The one module that comes with the program: `ostoja-web`, the process that gives the operator door to browsers. It is
//! started where the configuration asks for it, confined like any module of a stranger's, and lives in the system's zone,
//! so that safe mode can be looked at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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
    tls: Option<Tls>,
    /// The machine's name in links.
    name: Option<String>,
}

/// Where its certificate is, and the key of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tls {
    cert: PathBuf,
    key: PathBuf,
}

impl Wish {
    /// Reads its section: `start: true`, and perhaps `listen`, `tls`, `name`.
    ///
    /// # Errors
    /// What is wrong with it.
    fn of(section: Option<&Value>) -> Result<Option<Self>, String> {
        let Some(section) = section else { return Ok(None) };
        if !section.get("start").and_then(Value::as_bool).unwrap_or(false) {
            return Ok(None);
        }
        let word = |name: &str| section.get(name).and_then(Value::as_str).map(str::to_owned);
        let listen = word("listen").unwrap_or_else(|| LISTEN_DEFAULT.to_owned());
        let tls = section.get("tls").filter(|tls| !tls.is_null()).map(Tls::of).transpose()?;
        Ok(Some(Self { listen, tls, name: word("name") }))
    }

    /// As a module of a project would be written.
    fn module(&self, words: &[String], home: &Home) -> Value {
        let socket = home.socket();
        let state = home.companion();
        let place = |path: &Path| path.display().to_string();
        let own = ["--kernel-socket".to_owned(), place(&socket), "--state".to_owned(), place(&state)];
        let mut run: Vec<String> =
            words.iter().cloned().chain(own).chain(["--listen".to_owned(), self.listen.clone()]).collect();
        let folder = socket.parent().map(place).unwrap_or_default();
        let mut read = BTreeSet::from([folder]);
        if let Some(tls) = &self.tls {
            run.extend(["--tls-cert".to_owned(), place(&tls.cert), "--tls-key".to_owned(), place(&tls.key)]);
            // What it may write, it may read.
            read.extend(tls.folders().iter().filter(|folder| !folder.starts_with(&state)).map(|p| place(p)));
        }
        run.extend(self.name.iter().flat_map(|name| ["--name".to_owned(), name.clone()]));
        // Without an address it has no network at all. With one it has the machine's: what the net helper opens is the very
        // port that was granted, and this one takes another where that is busy.
        let net: &[&str] = if self.listen == "none" { &[] } else { &["*"] };
        json!({
            "run": run,
            "cwd": place(&state),
            "ready": "notify",
            "permissions": {"net": net, "read": read, "write": [place(&state)]},
        })
    }
}

impl Tls {
    fn of(section: &Value) -> Result<Self, String> {
        let path = |name: &str| {
            let path = section.get(name).and_then(Value::as_str).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
                .ok_or_else(|| format!("`ostoja-web.tls.{name}` is no absolute path of a file"))
        };
        Ok(Self { cert: path("cert")?, key: path("key")? })
    }

    /// The folders of both files, and of those that they are links to: a renewal puts other files or links in their place,
    /// which only a folder shows.
    fn folders(&self) -> BTreeSet<PathBuf> {
        let ways = [&self.cert, &self.key].into_iter().flat_map(|path| {
            let real = std::fs::canonicalize(path).ok();
            [Some(path.clone()), real]
        });
        ways.flatten().filter_map(|path| path.parent().map(Path::to_path_buf)).collect()
    }
}

impl Shell {
    /// Starts it or ends it, as the configuration asks now.
    pub(crate) fn tend_companion(&mut self) {
        self.no_trouble(TROUBLE);
        let Some(words) = self.files.companion.clone() else { return };
        let wish = match Wish::of(self.files.config.section(COMPANION)) {
            Ok(wish) => wish,
            Err(why) => return self.trouble(format!("{TROUBLE}: {why}")),
        };
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
        let wish = Wish::of(self.files.config.section(COMPANION)).ok().flatten()?;
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
