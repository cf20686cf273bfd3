//! Putting back: laid out aside first, made durable, then exchanged piece by piece under a note that says what is meant,
//! so that whoever comes after a power cut can finish it.
//!
//! ```text
//! state/restoring/files/…  what is to be put in place; after the exchange, what was there
//! state/restoring/intent   which pieces, each with the inode of what is new; once it is there, the restore happens
//! ```
//! A piece is done when the new inode stands in its place, which needs no further note and holds in any mixture of
//! renames that reached the disk.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};
use update::ChunkId;

use super::catalogue::{Content, Listed, bytes_of, escaped, stays_inside, unescaped};
use super::error::BackupError;
use super::record::{Backup, Part};
use super::shelf::Backups;
use crate::files::write_whole;

/// 4 MiB: some ten thousand pieces.
const INTENT_BYTES_MAX: u64 = 4 << 20;

/// For the owner alone.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// What is to be put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Everything in the backup.
    All,
    /// One component.
    Component(&'a str),
    /// One file or folder, from the home's root.
    Path(&'a Path),
}

/// One place that is exchanged as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// From the home's root.
    path: PathBuf,
    /// The inode of what comes there; nothing when nothing was there at the time of the backup.
    inode: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireIntent {
    backup: u64,
    pieces: Vec<(String, Option<u64>)>,
}

/// Laid out beside what it is to replace, and durable; nothing is changed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    backup: u64,
    pieces: Vec<Piece>,
    /// How many files.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Of which backup.
    pub backup: u64,
    /// Which places, from the home's root.
    pub places: Vec<PathBuf>,
    /// Where lies what was there.
    pub before: PathBuf,
}

impl Backups {
    /// Lays out what is wanted in `folder`, which is not there yet or empty; the folder appears as a whole.
    ///
    /// # Errors
    /// `Occupied`, `Unknown`, `List`, `Depot`, `Disk`; `folder` is as it was then.
    pub fn restore_to(
        &mut self,
        backup: &Backup,
        wanted: Wanted<'_>,
        folder: &Path,
    ) -> Result<Staged, BackupError> {
        let is_taken = match fs::read_dir(folder) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        if is_taken {
            return Err(BackupError::Occupied { path: folder.to_owned() });
        }
        let (files, _) = self.wanted_files(backup, wanted)?;
        let mut aside = folder.as_os_str().to_owned();
        aside.push(".restoring");
        let aside = PathBuf::from(aside);
        remove_tree(&aside)?;
        let staged = self.lay_out(backup.number, &files, &aside)?;
        make_durable(&aside)?;
        fs::rename(&aside, folder).map_err(BackupError::disk("put in place", folder))?;
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_durable(above)?;
        Ok(staged)
    }

    /// Lays out what is wanted beside the home's own files, durable, for [`put_in_place`].
    ///
    /// # Errors
    /// As [`Self::restore_to`]; an earlier restore has to be finished before ([`finish_restore`]).
    pub fn stage(&mut self, backup: &Backup, wanted: Wanted<'_>) -> Result<Staged, BackupError> {
        let (files, places) = self.wanted_files(backup, wanted)?;
        let folder = folder_of(&self.state);
        remove_tree(&folder)?;
        let stage = folder.join("files");
        let staged = self.lay_out(backup.number, &files, &stage)?;
        make_durable(&stage)?;
        let inode = |path: &Path| fs::symlink_metadata(stage.join(path)).ok().map(|found| found.ino());
        let pieces = places.into_iter().map(|path| Piece { inode: inode(&path), path }).collect();
        Ok(Staged { pieces, ..staged })
    }

    /// What [`Self::stage`] would lay out, counted; nothing is written.
    ///
    /// # Errors
    /// `Unknown`, `List`, `Depot`, `Disk`.
    pub fn preview(&mut self, backup: &Backup, wanted: Wanted<'_>) -> Result<Staged, BackupError> {
        let (files, _) = self.wanted_files(backup, wanted)?;
        let mut staged = Staged { backup: backup.number, pieces: Vec::new(), files: 0, bytes: 0 };
        for file in &files {
            if let Content::File(content) = &file.content {
                staged.files += 1;
                staged.bytes += content.bytes;
            }
        }
        Ok(staged)
    }

    /// The files that are wanted and the places that they make up.
    fn wanted_files(
        &mut self,
        backup: &Backup,
        wanted: Wanted<'_>,
    ) -> Result<(Vec<Listed>, Vec<PathBuf>), BackupError> {
        let unknown = |what: String| BackupError::Unknown { number: backup.number, what };
        let (mut files, mut places) = (Vec::new(), Vec::new());
        for part in &backup.parts {
            match wanted {
                Wanted::Component(component) if part.component != component => continue,
                Wanted::All | Wanted::Component(_) => {
                    files.extend(self.files(backup, part)?);
                    places.extend(part.places.iter().cloned());
                }
                Wanted::Path(path) => files.extend(self.below(backup, part, path)?),
            }
        }
        match wanted {
            Wanted::Component(component) if places.is_empty() => return Err(unknown(component.to_owned())),
            Wanted::Path(path) if files.is_empty() => return Err(unknown(path.display().to_string())),
            Wanted::Path(path) => places.push(path.to_owned()),
            Wanted::All | Wanted::Component(_) => {}
        }
        files.sort_unstable_by(|one, other| one.path.as_os_str().cmp(other.path.as_os_str()));
        Ok((files, places))
    }

    fn below(&mut self, backup: &Backup, part: &Part, path: &Path) -> Result<Vec<Listed>, BackupError> {
        let files = self.files(backup, part)?;
        Ok(files.into_iter().filter(|file| file.path.starts_with(path)).collect())
    }

    /// Writes files below a folder that is made for them, with their rights and times.
    fn lay_out(&mut self, number: u64, files: &[Listed], folder: &Path) -> Result<Staged, BackupError> {
        make_folder(folder)?;
        self.meter.expect(files.iter().map(bytes_of).sum());
        let (mut links, mut folders) = (BTreeSet::new(), Vec::new());
        let mut staged = Staged { backup: number, pieces: Vec::new(), files: 0, bytes: 0 };
        for file in files {
            // A link in the middle would lead the files below it out of the folder.
            if file.path.ancestors().skip(1).any(|above| links.contains(above)) {
                return Err(BackupError::Unknown { number, what: file.path.display().to_string() });
            }
            let place = folder.join(&file.path);
            make_folder(place.parent().unwrap_or(folder))?;
            match &file.content {
                Content::Folder => {
                    make_folder(&place)?;
                    folders.push((place, file.mode));
                }
                Content::Link(to) => {
                    symlink(to, &place).map_err(BackupError::disk("make the link", &place))?;
                    links.insert(file.path.clone());
                }
                Content::File(content) => {
                    let mut out = create(&place).map_err(BackupError::disk("write", &place))?;
                    self.depot()?.read(content, &mut out)?;
                    finish(&mut out, file).map_err(BackupError::disk("write", &place))?;
                    staged.files += 1;
                    staged.bytes += content.bytes;
                    self.meter.add(content.bytes);
                }
            }
        }
        // The deepest first: one that may not be written to would take nothing more.
        for (place, mode) in folders.into_iter().rev() {
            let set = fs::set_permissions(&place, Permissions::from_mode(mode));
            set.map_err(BackupError::disk("set the rights of", &place))?;
        }
        Ok(staged)
    }
}

/// Puts what was staged in its place, in the home at `root` with this `state`. Once the note of it is durable it happens,
/// whenever the power goes: [`finish_restore`] goes on where this ended.
///
/// The caller sees to it that nobody uses these places.
///
/// # Errors
/// `Disk`; before the note is written nothing is changed.
pub fn put_in_place(root: &Path, state: &Path, staged: &Staged) -> Result<Restored, BackupError> {
    write_intent(state, staged)?;
    let done = finish_restore(root, state)?;
    done.ok_or_else(|| BackupError::Record { path: intent_of(state) })
}

fn write_intent(state: &Path, staged: &Staged) -> Result<(), BackupError> {
    let pieces = staged.pieces.iter().map(|piece| (escaped(piece.path.as_os_str()), piece.inode));
    let wire = WireIntent { backup: staged.backup, pieces: pieces.collect() };
    let mut bytes = serde_json::to_vec(&wire).expect("plain texts and numbers are always JSON");
    let hash = ChunkId::of(&bytes);
    bytes.extend_from_slice(format!("\n{hash}\n").as_bytes());
    let path = intent_of(state);
    write_whole(&path, &bytes, FILE_MODE).map_err(|error| BackupError::Disk {
        doing: "write",
        path,
        source: error.source,
    })
}

/// Whether a restore was cut short, so that [`finish_restore`] has something to do before anything else is staged.
pub fn is_cut_short(state: &Path) -> bool {
    intent_of(state).exists()
}

/// Removes what a restore that was cut short before its note left behind; says whether there was anything.
///
/// The caller holds the depot's lock: a restore that goes on has it.
///
/// # Errors
/// `Disk`.
pub fn sweep_restore(state: &Path) -> Result<bool, BackupError> {
    let folder = folder_of(state);
    if is_cut_short(state) || !folder.is_dir() {
        return Ok(false);
    }
    remove_tree(&folder)?;
    Ok(true)
}

/// Finishes a restore that was cut short; nothing when there is none. A kernel does this before it reads its home.
///
/// # Errors
/// `Record` when the note is damaged; `Disk`, and the same call goes on later.
pub fn finish_restore(root: &Path, state: &Path) -> Result<Option<Restored>, BackupError> {
    let path = intent_of(state);
    let bytes = match fs::metadata(&path) {
        Ok(found) if found.len() > INTENT_BYTES_MAX => return Err(BackupError::Record { path }),
        Ok(_) => fs::read(&path).map_err(BackupError::disk("read", &path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(BackupError::disk("read", &path)(error)),
    };
    let (backup, pieces) = parse_intent(&bytes).ok_or_else(|| BackupError::Record { path: path.clone() })?;
    let stage = folder_of(state).join("files");
    for piece in &pieces {
        exchange(piece, root, &stage)?;
    }
    // One call for all folders that were touched.
    make_durable(state)?;
    let before = state.join("before-restore").join(format!("backup-{backup}"));
    // The note goes last: without it nobody would know that the stage holds what was there before.
    if stage.exists() {
        remove_tree(&before)?;
        make_folder(before.parent().unwrap_or(state))?;
        fs::rename(&stage, &before).map_err(BackupError::disk("keep what was there in", &before))?;
        make_durable(state)?;
    }
    fs::remove_file(&path).map_err(BackupError::disk("remove", &path))?;
    make_durable(state)?;
    Ok(Some(Restored { backup, places: pieces.into_iter().map(|piece| piece.path).collect(), before }))
}

fn parse_intent(bytes: &[u8]) -> Option<(u64, Vec<Piece>)> {
    let (line, hash) = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?.split_once('\n')?;
    if ChunkId::parse(hash)? != ChunkId::of(line.as_bytes()) {
        return None;
    }
    let wire: WireIntent = serde_json::from_str(line).ok()?;
    let pieces = wire.pieces.into_iter().map(|(path, inode)| {
        let path = PathBuf::from(unescaped(&path)?);
        stays_inside(&path).then_some(Piece { path, inode })
    });
    Some((wire.backup, pieces.collect::<Option<_>>()?))
}

/// Brings one piece into its place, if it is not there, and what was there to the stage.
fn exchange(piece: &Piece, root: &Path, stage: &Path) -> Result<(), BackupError> {
    let (place, new) = (root.join(&piece.path), stage.join(&piece.path));
    let failed = BackupError::disk("put in place", &place);
    let found = inode_of(&place).map_err(BackupError::disk("look at", &place))?;
    if found == piece.inode {
        return Ok(());
    }
    make_folder(place.parent().unwrap_or(root))?;
    make_folder(new.parent().unwrap_or(stage))?;
    match (found, piece.inode) {
        (Some(_), Some(_)) => match renameat_with(CWD, &new, CWD, &place, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(()),
            // A file system without exchanges: there is an instant with neither, which the next try ends.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                let mut old = new.clone().into_os_string();
                old.push(".old");
                fs::rename(&place, &old).and_then(|()| fs::rename(&new, &place)).map_err(failed)
            }
            Err(error) => Err(failed(error.into())),
        },
        (None, Some(_)) => fs::rename(&new, &place).map_err(failed),
        (_, None) => fs::rename(&place, &new).map_err(failed),
    }
}

fn inode_of(place: &Path) -> io::Result<Option<u64>> {
    match fs::symlink_metadata(place) {
        Ok(found) => Ok(Some(found.ino())),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn folder_of(state: &Path) -> PathBuf {
    state.join("restoring")
}

fn intent_of(state: &Path) -> PathBuf {
    folder_of(state).join("intent")
}

fn make_folder(folder: &Path) -> Result<(), BackupError> {
    let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
    made.map_err(BackupError::disk("make the folder", folder))
}

fn remove_tree(folder: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BackupError::disk("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

/// Everything on the file system of a folder, in one call: cheaper than a sync for each of many files.
fn make_durable(folder: &Path) -> Result<(), BackupError> {
    let synced = File::open(folder).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
    synced.map_err(BackupError::disk("make durable", folder))
}

fn create(place: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(place)
}

/// Its time before its rights, which may take away the right to set it.
fn finish(out: &mut File, file: &Listed) -> io::Result<()> {
    out.flush()?;
    let since = Duration::from_nanos(file.modified_ns.unsigned_abs());
    let modified: Option<SystemTime> =
        if file.modified_ns < 0 { UNIX_EPOCH.checked_sub(since) } else { UNIX_EPOCH.checked_add(since) };
    if let Some(modified) = modified {
        out.set_modified(modified)?;
    }
    out.set_permissions(Permissions::from_mode(file.mode))
}

#[cfg(test)]
mod tests;
