//! A run of the program whose dashboard is on, for chores that ask it over HTTP: its address, and tokens for it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::bench::home::Home;
use crate::shell;

/// A home with a kernel and `ostoja-web`. It ends with [`Served::end`].
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) home: Home,
    folder: PathBuf,
    /// Where `ostoja-web` listens.
    pub(crate) address: String,
}

impl Served {
    /// Starts it in a folder of the system's for such things. The project has to turn `ostoja-web` on.
    ///
    /// # Errors
    /// When no kernel comes up, or nothing listens.
    pub(crate) fn start(binary: &Path, name: &str, project: &str) -> Result<Self> {
        let folder = Self::folder_of(name);
        std::fs::create_dir_all(&folder).context("making a folder")?;
        let home = Home::create(binary, &folder, project)?;
        let mut served = Self { home, folder, address: String::new() };
        // A module may be down on purpose, which `up` says by its exit code; whether a kernel runs is seen next.
        let _degraded = shell::read(&mut served.home.up());
        match served.find_address() {
            Ok(address) => {
                served.address = address;
                Ok(served)
            }
            Err(error) => {
                // The first failure is the one to be told.
                let _ended = served.end();
                Err(error)
            }
        }
    }

    /// The folder of the run of this name, for a project that names places in it.
    pub(crate) fn folder_of(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("ostoja-{name}-{}", std::process::id()))
    }

    fn find_address(&self) -> Result<String> {
        let link = self.home.json(&["dashboard"])?;
        let url = link["data"]["url"].as_str().context("`dashboard` gave no link")?;
        url.split('/').nth(2).map(str::to_owned).context("the link has no address")
    }

    /// A token of this role.
    ///
    /// # Errors
    /// When none is made.
    pub(crate) fn token(&self, role: &str) -> Result<String> {
        let made = self.home.json(&["token", "create", "chore", "--role", role])?;
        made["data"]["token"].as_str().map(str::to_owned).context("`token create` gave none")
    }

    /// Its folder, for files of the chore's own.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends everything and removes the folder.
    ///
    /// # Errors
    /// When the kernel does not end.
    pub(crate) fn end(self) -> Result<()> {
        let ended = shell::read(&mut self.home.verb(&["down", "--timeout", "5s"]));
        // What a failed removal leaves is in the system's folder for such things.
        let _ = std::fs::remove_dir_all(&self.folder);
        ended.map(drop).context("ending the run")
    }
}
