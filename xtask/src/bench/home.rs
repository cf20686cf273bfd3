//! A home and a project of Ostoja's for one measurement, driven through the CLI as a stranger would.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::shell;

/// One kernel's places.
#[derive(Debug)]
pub(crate) struct Home {
    binary: PathBuf,
    home: PathBuf,
    project: PathBuf,
}

impl Home {
    /// An empty home and a project with this `ostoja.yaml`.
    ///
    /// # Errors
    /// When the folders can't be made.
    pub(crate) fn create(binary: &Path, folder: &Path, yaml: &str) -> Result<Self> {
        let (home, project) = (folder.join("home"), folder.join("project"));
        std::fs::create_dir_all(&project)?;
        std::fs::write(project.join("ostoja.yaml"), yaml).context("writing ostoja.yaml")?;
        Ok(Self { binary: binary.to_path_buf(), home, project })
    }

    /// Starts everything in the background. With a home that was named, the project's file has to be named too.
    pub(crate) fn up(&self) -> Command {
        self.verb(&["up", "-d", "-f", "ostoja.yaml"])
    }

    /// A verb of the CLI, in the project's folder.
    pub(crate) fn verb(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(words)
            .arg("--home")
            .arg(&self.home)
            .current_dir(&self.project)
            .env_remove("OSTOJA_HOME");
        command
    }

    /// Runs a verb to its end and gives what it wrote.
    ///
    /// # Errors
    /// When it does not end well, with the end of what it said.
    pub(crate) fn run(&self, words: &[&str]) -> Result<String> {
        shell::read(&mut self.verb(words))
    }

    /// Runs a verb with `--json` and reads its answer.
    ///
    /// # Errors
    /// When it does not end well or writes no JSON.
    pub(crate) fn json(&self, words: &[&str]) -> Result<Value> {
        let text = self.run(&[words, &["--json"]].concat())?;
        serde_json::from_str(&text).with_context(|| format!("`{}` wrote no JSON", words.join(" ")))
    }

    /// The kernel's process.
    ///
    /// # Errors
    /// When no kernel answers.
    pub(crate) fn pid(&self) -> Result<u32> {
        let status = self.json(&["kernel", "status"])?;
        let kernel = found(&status, "kernel").unwrap_or(&status);
        let pid = kernel["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        pid.context("`kernel status` names no pid")
    }

    /// Every module's row of `ps`.
    ///
    /// # Errors
    /// When no kernel answers.
    pub(crate) fn rows(&self) -> Result<Vec<Value>> {
        let table = self.json(&["ps"])?;
        let rows = found(&table, "modules").and_then(Value::as_array);
        Ok(rows.context("`ps` gave no rows")?.clone())
    }
}

/// A member of an answer, whether it is wrapped in `data` or not.
fn found<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).or_else(|| value.get("data").and_then(|data| data.get(name)))
}
