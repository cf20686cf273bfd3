//! The user's files as a running kernel needs them: what is there, what changed, what may be written.
//!
//! - [`config`]: `config.yaml`, `config.d/`, the project's settings, laid over each other.
//! - [`approvals`]: `permissions.yaml`, read, changed and saved whole.
//! - [`folder`]: one module's folder with its `module.json`; [`discovery`]: all of them.
//! - [`project`]: the modules of an `ostoja.yaml`.
//! - [`blueprint`]: what all of these end in: everything that is needed to start one module.
//! - [`seal`]: the hashes that bind an approval to what was approved.
//! - [`section`]: a module's section with its schema's defaults, and `config.set`.
//! - [`install`]: copying, linking and removing module folders.
//! - [`versions`]: the folders of releases that modules run from, and the links to them.
//! - [`lives`]: the numbers of lives over all runs of a kernel.

pub(crate) mod approvals;
pub(crate) mod blueprint;
pub(crate) mod config;
pub(crate) mod discovery;
pub(crate) mod folder;
pub(crate) mod install;
pub(crate) mod lives;
pub(crate) mod project;
pub(crate) mod seal;
pub(crate) mod section;
pub(crate) mod versions;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use protocol::files::FILE_BYTES_MAX;

/// Reads a text file of the user's, at most one byte more than a reader takes, so that a reader can refuse a longer one.
///
/// # Errors
/// The system's own; `InvalidData` when it is not UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = File::open(path)?;
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}
