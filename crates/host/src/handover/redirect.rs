//! The first thing that a kernel process does: whether it takes over from an earlier program, and whether it is the binary
//! that should run at all.
//!
//! | started | active | then |
//! |---|---|---|
//! | the installed file, as it was | another one | that one is executed |
//! | the installed file, as it was | one that was tried too often without coming to rest | the earlier one is executed |
//! | the active one | itself | it runs |
//! | another file than the installed one was | any | somebody has installed it since: it runs, and the others are forgotten |

use std::env::current_exe;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::form::{Left, Renewal, bytes_of};
use super::image;
use super::versions::{Installed, TRIES_MAX, Versions};
use crate::clock::wall_now;
use crate::error::HostError;
use crate::home::Home;
use crate::midwife::Replacement;

/// How a kernel process begins.
#[derive(Debug)]
pub(crate) enum Begin {
    /// As always.
    Fresh,
    /// It goes on with what an earlier program left.
    TakeOver(Box<Left>),
}

/// Finds out. Does not come back where another binary is to run instead.
///
/// # Errors
/// `Handover`: what was handed over can't be understood, and there is nobody to take it back.
pub(crate) fn begin(home: &Home, renewal: Option<&Renewal>) -> Result<Begin, HostError> {
    let Some(renewal) = renewal else { return Ok(Begin::Fresh) };
    if let Some(number) = renewal.inherited {
        return match read(number) {
            Ok(left) => Ok(Begin::TakeOver(Box::new(left))),
            Err(why) => {
                let fallback = Versions::of(home).fallback;
                let back = fallback.and_then(|binary| back_to(renewal, &binary.path, renewal.words.clone()));
                let error = back.map(|back| back.act().to_string()).unwrap_or_default();
                Err(HostError::Handover { why: format!("{why} {error}").trim_end().to_owned() })
            }
        };
    }
    if let Some(instead) = choose(home) {
        let replacement = Replacement { program: instead, words: renewal.words.clone() };
        let error = replacement.act();
        let program = replacement.program.display();
        tracing::error!(%error, %program, "the active binary could not be started, so the installed one runs");
    }
    Ok(Begin::Fresh)
}

fn read(number: RawFd) -> Result<Left, String> {
    let mut file = File::from(sandbox::inherited::copy(number).map_err(|error| error.to_string())?);
    file.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
    image::read(file).map_err(|error| crate::launch::text_of_causes(&error))
}

/// How what was handed over is given to the earlier binary, with the words of that one's own start; nothing when that is this
/// one.
pub(crate) fn way_back(renewal: &Renewal, left: &Left) -> Option<Replacement> {
    let words = left.words.iter().filter_map(|word| bytes_of(word)).map(OsString::from_vec);
    back_to(renewal, Path::new(&left.back), words.collect())
}

fn back_to(renewal: &Renewal, back: &Path, mut words: Vec<OsString>) -> Option<Replacement> {
    let number = renewal.inherited?;
    let is_own = current_exe().is_ok_and(|own| own == back);
    words.extend([renewal.flag.into(), number.to_string().into()]);
    (!is_own).then(|| Replacement { program: back.to_owned(), words })
}

/// The binary that should run instead of this one, if there is one.
fn choose(home: &Home) -> Option<PathBuf> {
    let mut versions = Versions::of(home);
    let active = versions.active.clone()?;
    let own = current_exe().ok()?;
    if own == active.path {
        return None;
    }
    if Installed::of(&own).ok() != versions.installed {
        // One that is kept may be started by its own path too.
        if versions.fallback.as_ref().is_none_or(|fallback| fallback.path != own) {
            keep(&Versions { last: versions.last, ..Versions::default() }, home);
        }
        return None;
    }
    if let Some(tries) = versions.tries {
        // Counted here, before the new one runs: it may fall before it could count by itself.
        if tries >= TRIES_MAX {
            let why = format!("it was started {TRIES_MAX} times without coming to rest");
            versions.fall_back(&why, wall_now().0);
        } else {
            versions.tries = Some(tries + 1);
        }
        keep(&versions, home);
    }
    versions.active.map(|active| active.path).filter(|path| path.is_file())
}

fn keep(versions: &Versions, home: &Home) {
    if let Err(error) = versions.keep(home) {
        tracing::warn!(%error, "the list of the kernel's own binaries could not be kept");
    }
}
