//! The home that a command means, and how a person would name it on a command line.

use std::path::{Path, PathBuf};

use host::{Home, HomeError, Place, Surroundings};

use crate::ctx::Ctx;
use crate::environment::Variable;
use crate::failure::Outcome;

/// A home with its project and its name on a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The home.
    pub(crate) home: Home,
    /// The project file whose home it is.
    pub(crate) project: Option<PathBuf>,
    command: String,
}

impl Target {
    /// The home that the options, the environment and the working folder mean.
    ///
    /// # Errors
    /// As `host` says, when nothing tells where it could be.
    pub(crate) fn of(ctx: &Ctx) -> Outcome<Self> {
        let typed = ctx.global.home.clone();
        let place = Place::choose(&Surroundings::look(typed.clone())?)?;
        let command = match typed {
            None => "ostoja".to_owned(),
            Some(_) => command_for(&place.home),
        };
        Ok(Self { home: place.home, project: place.project, command })
    }

    /// The home of this project file, or the one that was named.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(crate) fn of_project(ctx: &Ctx, file: &Path) -> Outcome<Self> {
        let named = Self::of(ctx)?;
        if ctx.global.home.is_some() || Variable::OstojaHome.value().is_some() {
            let folder = std::env::current_dir().map_err(HomeError::NoFolder)?;
            return Ok(Self { project: Some(folder.join(file)), ..named });
        }
        let place = Place::of_project(file, &Surroundings::look(None)?)?;
        let command = if place == (Place { home: named.home, project: named.project }) {
            named.command
        } else {
            command_for(&place.home)
        };
        Ok(Self { home: place.home, project: place.project, command })
    }

    /// A home that has to be named.
    pub(crate) fn at(path: &Path) -> Self {
        let home = Home::at(path);
        let command = command_for(&home);
        Self { home, project: None, command }
    }

    /// The same home with this project.
    pub(crate) fn with_project(self, project: Option<PathBuf>) -> Self {
        Self { project, ..self }
    }

    /// The beginning of a command line that means this home, from here: `ostoja`, with `--home` where it is needed.
    pub(crate) fn command(&self) -> &str {
        &self.command
    }

    /// What a kernel in the background says. Not below `logs`, where every name is a module's.
    pub(crate) fn kernel_log(&self) -> PathBuf {
        self.home.root().join("kernel.log")
    }
}

fn command_for(home: &Home) -> String {
    format!("ostoja --home {}", shell_word(&home.root().to_string_lossy()))
}

/// A word as a shell needs it.
pub(crate) fn shell_word(text: &str) -> String {
    let is_plain = |found: char| found.is_ascii_alphanumeric() || "/._-+=:,@%".contains(found);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
