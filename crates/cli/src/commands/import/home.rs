//! The texts of a pons home.

use std::path::Path;

use import::Imported;
use import::pons::{self, Texts};

use crate::configuration::read_if_there;
use crate::failure::{Failure, Outcome, of_files};

/// 4,096 folders: as many modules as a kernel holds.
const MODULES_MAX: usize = 4096;

pub(super) fn read(folder: &Path) -> Outcome<Imported> {
    let shown = folder.display().to_string();
    let modules = folder.join("modules");
    let mut texts = Texts {
        manifests: Vec::new(),
        config: read_if_there(&folder.join("config.yaml"))?,
        permissions: read_if_there(&folder.join("permissions.yaml"))?,
    };
    if !modules.is_dir() && texts.config.is_none() && texts.permissions.is_none() {
        let message = format!("`{shown}` is a folder, and no home of pons: it holds no `modules`");
        let failure = Failure::new("cli::import::no_home", message);
        return Err(failure.help("name a file; `ostoja init` proposes a project for a folder").into());
    }
    for entry in std::fs::read_dir(&modules).into_iter().flatten().flatten().take(MODULES_MAX) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(text) =
            read_if_there(&entry.path().join("module.json"))?.filter(|_| !name.starts_with('.'))
        {
            texts.manifests.push((name, text));
        }
    }
    texts.manifests.sort();
    Ok(pons::import(&shown, &texts).map_err(|errors| of_files(&errors))?)
}
