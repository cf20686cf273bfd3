//! A disk that forgets: it records every file operation, and gives the disks that could be found after the power went
//! at any of them, with what was synced and any part of what was not.
//!
//! The model: a name (created, renamed, removed) lasts once its folder was synced, a file's bytes once the file was.
//! What was not synced may be there or not, each name on its own, in the order of the operations; of unsynced bytes
//! there may be all, none, a part, or zeros of the right length.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use store::Disk;

/// A file without its name.
type Inode = usize;

/// One operation that changed something, or made a change durable.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Create { path: PathBuf, inode: Inode },
    Write { inode: Inode, bytes: Vec<u8> },
    Rename { from: PathBuf, to: PathBuf, inode: Inode },
    Remove { path: PathBuf },
    SyncFile { inode: Inode },
    SyncFolder { folder: PathBuf },
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, Inode>,
    files: BTreeMap<Inode, Vec<u8>>,
    next: Inode,
    /// What was durable before the first step: names and files.
    base: (BTreeMap<PathBuf, Inode>, BTreeMap<Inode, Vec<u8>>),
    steps: Vec<Step>,
    /// How many more steps succeed.
    left: Option<usize>,
    /// How many more steps succeed before one that does not.
    hiccup: Option<usize>,
}

/// Files in memory, with a memory of all that was done to them.
#[derive(Debug, Default)]
pub(crate) struct Rehearsal(Mutex<State>);

/// Which of what was not synced is there after the power went.
pub(crate) trait Luck {
    /// A number below `count`.
    fn draw(&mut self, count: usize) -> usize;
}

/// Everything that was not synced is lost.
pub(crate) struct Nothing;

/// Everything reached the disk.
pub(crate) struct Everything;

/// Any mixture, the same for the same seed.
pub(crate) struct Mixture(pub(crate) u64);

impl Luck for Nothing {
    fn draw(&mut self, _: usize) -> usize {
        0
    }
}

impl Luck for Everything {
    fn draw(&mut self, count: usize) -> usize {
        count - 1
    }
}

impl Luck for Mixture {
    fn draw(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % count
    }
}

impl Rehearsal {
    /// How many steps were done.
    pub(crate) fn steps(&self) -> usize {
        self.0.lock().unwrap().steps.len()
    }

    /// Lets `count` more steps succeed; the next ones find the disk full.
    pub(crate) fn fail_after(&self, count: usize) {
        self.0.lock().unwrap().left = Some(count);
    }

    /// Lets the step after `count` more ones fail, and no other.
    pub(crate) fn fail_once_after(&self, count: usize) {
        self.0.lock().unwrap().hiccup = Some(count);
    }

    /// Lets every step succeed again.
    pub(crate) fn heal(&self) {
        self.0.lock().unwrap().left = None;
    }

    /// What is in each file.
    pub(crate) fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.0.lock().unwrap();
        state.names.iter().map(|(path, inode)| (path.clone(), state.files[inode].clone())).collect()
    }

    /// Changes a file behind everybody's back.
    pub(crate) fn spoil(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.0.lock().unwrap();
        let inode = state.names[path];
        change(state.files.get_mut(&inode).unwrap());
    }

    /// The disk as it is found when the power went after the first `steps` steps. A test that
    /// takes the syncs away shows that it would notice a missing one.
    pub(crate) fn after_power_cut(&self, steps: usize, syncs: Syncs, luck: &mut dyn Luck) -> Rehearsal {
        let state = self.0.lock().unwrap();
        let (names, synced) = state.base.clone();
        let mut found = Found { names, synced, ..Found::default() };
        for step in &state.steps[..steps] {
            found.apply(step, syncs);
        }
        found.settle(luck)
    }
}

/// Whether a disk does what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syncs {
    Honest,
    /// Files are synced, folders are not.
    NoFolders,
    /// Folders are synced, files are not.
    NoFiles,
}

/// What is durable, and what is on its way.
#[derive(Debug, Default)]
struct Found {
    names: BTreeMap<PathBuf, Inode>,
    pending: Vec<Step>,
    synced: BTreeMap<Inode, Vec<u8>>,
    written: BTreeMap<Inode, Vec<u8>>,
}

impl Found {
    fn apply(&mut self, step: &Step, syncs: Syncs) {
        match step {
            Step::Write { inode, bytes } => drop(self.written.insert(*inode, bytes.clone())),
            Step::SyncFile { inode } => {
                if syncs != Syncs::NoFiles
                    && let Some(bytes) = self.written.remove(inode)
                {
                    self.synced.insert(*inode, bytes);
                }
            }
            Step::SyncFolder { folder } => {
                if syncs != Syncs::NoFolders {
                    let (here, elsewhere) =
                        self.pending.drain(..).partition(|step| folder_of(step) == Some(folder));
                    self.pending = elsewhere;
                    let here: Vec<Step> = here;
                    here.iter().for_each(|step| rename(&mut self.names, step));
                }
            }
            name => self.pending.push(name.clone()),
        }
    }

    /// Draws what is there of all that was not synced.
    fn settle(mut self, luck: &mut dyn Luck) -> Rehearsal {
        for step in std::mem::take(&mut self.pending) {
            if luck.draw(2) == 1 {
                rename(&mut self.names, &step);
            }
        }
        let mut files = self.synced;
        for (inode, bytes) in self.written {
            let half = bytes[..bytes.len() / 2].to_vec();
            let zeros = vec![0; bytes.len()];
            let kinds = [Vec::new(), half, zeros, bytes];
            files.insert(inode, kinds[luck.draw(kinds.len())].clone());
        }
        for inode in self.names.values() {
            files.entry(*inode).or_default();
        }
        let next = files.keys().max().map_or(0, |inode| inode + 1);
        let base = (self.names.clone(), files.clone());
        Rehearsal(Mutex::new(State { names: self.names, files, next, base, ..State::default() }))
    }
}

fn folder_of(step: &Step) -> Option<&Path> {
    match step {
        Step::Create { path, .. } | Step::Remove { path } | Step::Rename { to: path, .. } => path.parent(),
        Step::Write { .. } | Step::SyncFile { .. } | Step::SyncFolder { .. } => None,
    }
}

fn rename(names: &mut BTreeMap<PathBuf, Inode>, step: &Step) {
    match step {
        Step::Create { path, inode } => drop(names.insert(path.clone(), *inode)),
        Step::Remove { path } => drop(names.remove(path)),
        Step::Rename { from, to, inode } => {
            names.remove(from);
            names.insert(to.clone(), *inode);
        }
        Step::Write { .. } | Step::SyncFile { .. } | Step::SyncFolder { .. } => {}
    }
}

impl State {
    fn step(&mut self, step: Step) -> io::Result<()> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        }
        match self.hiccup {
            Some(0) => {
                self.hiccup = None;
                return Err(io::Error::other("the disk hiccups"));
            }
            hiccup => self.hiccup = hiccup.map(|left| left - 1),
        }
        self.steps.push(step);
        Ok(())
    }

    fn inode(&self, path: &Path) -> io::Result<Inode> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for Rehearsal {
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        // Folders are made once, by whoever makes the home; that they last is not what is rehearsed here.
        Ok(())
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.next;
        state.step(Step::Create { path: path.to_owned(), inode })?;
        state.next += 1;
        state.names.insert(path.to_owned(), inode);
        state.files.insert(inode, bytes[..bytes.len() / 2].to_vec());
        state.step(Step::Write { inode, bytes: bytes[..bytes.len() / 2].to_vec() })?;
        state.step(Step::Write { inode, bytes: bytes.to_vec() })?;
        state.files.insert(inode, bytes.to_vec());
        Ok(())
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let inode = state.inode(path)?;
        state.step(Step::SyncFile { inode })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.lock().unwrap().step(Step::SyncFolder { folder: folder.to_owned() })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        assert_eq!(from.parent(), to.parent(), "a rename across folders is not one step");
        let mut state = self.0.lock().unwrap();
        let inode = state.inode(from)?;
        let step = Step::Rename { from: from.to_owned(), to: to.to_owned(), inode };
        state.step(step.clone())?;
        rename(&mut state.names, &step);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.inode(path)?;
        state.step(Step::Remove { path: path.to_owned() })?;
        state.names.remove(path);
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, u64)>> {
        let contents = self.contents();
        let here = contents.iter().filter(|(path, _)| path.parent() == Some(folder));
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        Ok(here.map(|(path, bytes)| (name(path), bytes.len() as u64)).collect())
    }

    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
        let state = self.0.lock().unwrap();
        let bytes = &state.files[&state.inode(path)?];
        if bytes.len() as u64 > bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes.clone())
    }

    fn read_at(&self, path: &Path, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let state = self.0.lock().unwrap();
        let at = usize::try_from(at).unwrap();
        let bytes = state.files[&state.inode(path)?].get(at..at + length);
        bytes.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
