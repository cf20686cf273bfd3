//! A child's environment, built from nothing: the names of the module door (A7), what was approved by name, and what a
//! project file sets. Whatever else the kernel's own environment holds never reaches a module.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

#[cfg(test)]
mod tests;

/// Variables that every module may read, in the order of the module door.
pub(crate) const ALWAYS_READABLE: [&str; 8] =
    ["DEBUG", "HOME", "USERPROFILE", "PONS_HOME", "NODE_ENV", "LANG", "TERM", "TZ"];

/// Variables that are passed on beside those, because programs don't work without them.
const PASSED_ON: [&str; 5] = ["PATH", "SHELL", "USER", "LANG", "TERM"];

/// A family of variables that is passed on whole: the folders of the desktop's standard.
const PASSED_ON_PREFIX: &str = "XDG_";

/// Where programs are looked for when the kernel itself has no `PATH`.
const SEARCH_PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The kernel's own environment, read once at its start.
#[derive(Clone)]
pub(crate) struct Surrounding(BTreeMap<OsString, OsString>);

impl std::fmt::Debug for Surrounding {
    /// Values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What one module's environment depends on.
#[derive(Debug)]
pub(crate) struct Wants<'a> {
    /// The kernel's home.
    pub(crate) home: &'a Path,
    /// A temporary folder of its own, for a module that may not write elsewhere.
    pub(crate) temporary: Option<&'a Path>,
    /// The cache of Deno.
    pub(crate) deno_dir: Option<&'a Path>,
    /// Names that were approved, or are passed on by the project file.
    pub(crate) names: Vec<&'a str>,
    /// Values that the project file sets; they win.
    pub(crate) values: &'a BTreeMap<String, String>,
    /// The socket for sd_notify, when its readiness comes that way.
    pub(crate) notify: Option<&'a Path>,
}

impl Surrounding {
    /// As this process has it.
    pub(crate) fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// Made by hand, for tests.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The folders where programs are looked for.
    pub(crate) fn search_path(&self) -> String {
        let path = self.0.get(&OsString::from("PATH"));
        path.map_or_else(|| SEARCH_PATH_DEFAULT.to_owned(), |path| path.to_string_lossy().into_owned())
    }

    /// What `~/` stands for.
    pub(crate) fn user_home(&self) -> PathBuf {
        self.0.get(&OsString::from("HOME")).map_or_else(|| PathBuf::from("/"), PathBuf::from)
    }

    /// Those of these names that there are, for a guest that has no other environment.
    pub(crate) fn named<'a>(
        &'a self,
        names: impl Iterator<Item = &'a str> + 'a,
    ) -> impl Iterator<Item = (String, String)> + 'a {
        let value = |name: &str| self.0.get(&OsString::from(name))?.to_str().map(str::to_owned);
        names.filter_map(move |name| Some((name.to_owned(), value(name)?)))
    }

    /// The whole environment of one module, sorted by name.
    pub(crate) fn for_module(&self, wants: &Wants<'_>) -> Vec<(OsString, OsString)> {
        let mut all: BTreeMap<OsString, OsString> = BTreeMap::new();
        let named = PASSED_ON.iter().chain(&ALWAYS_READABLE).chain(&wants.names);
        for name in named {
            if let Some(value) = self.0.get(&OsString::from(name)) {
                all.insert(name.into(), value.clone());
            }
        }
        let family = self.0.iter().filter(|(name, _)| name.to_string_lossy().starts_with(PASSED_ON_PREFIX));
        all.extend(family.map(|(name, value)| (name.clone(), value.clone())));
        all.entry("PATH".into()).or_insert_with(|| SEARCH_PATH_DEFAULT.into());
        all.insert("PONS_HOME".into(), wants.home.into());
        let temporary = wants.temporary.map(OsString::from);
        if let Some(folder) = temporary.or_else(|| self.0.get(&OsString::from("TMPDIR")).cloned()) {
            all.insert("TMPDIR".into(), folder);
        }
        let fixed = [("DENO_DIR", wants.deno_dir), ("NOTIFY_SOCKET", wants.notify)];
        all.extend(fixed.into_iter().filter_map(|(name, path)| Some((name.into(), path?.into()))));
        all.extend(wants.values.iter().map(|(name, value)| (name.into(), value.into())));
        all.into_iter().collect()
    }
}
