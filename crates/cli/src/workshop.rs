//! The maker's own folder, `keys` in the home: private keys, and what was published so far.
//!
//! It is locked while something is signed: two packages that were made at once could have one version otherwise.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use abi::Wall;
use host::Home;
use store::write_whole;
use update::trust::{PublicKey, RoleDraft, SigningKey, Terms, TrustRole, Workshop};
use update::{Head, Slice};

use crate::amount::now_ms;
use crate::failure::{Failure, Outcome};

/// The owner's alone: whoever reads a key signs in its name.
const MODE: u32 = 0o600;

/// What ends the name of a private key's file.
const KEY: &str = "key";

/// The file of what was published.
const PUBLISHED: &str = "workshop.json";

/// 32 bytes of chance make a key.
const SEED_BYTES: usize = 32;

/// A maker's folder, locked.
#[derive(Debug)]
pub(crate) struct Bench {
    folder: PathBuf,
    /// Holds the lock for as long as it is open.
    _lock: File,
    /// Private keys by their names here.
    pub(crate) keys: BTreeMap<String, SigningKey>,
    /// What was published; nothing before the first key.
    pub(crate) workshop: Option<Workshop>,
}

impl Bench {
    /// Opens the folder, which is made if it is missing, and waits for whoever uses it now.
    ///
    /// # Errors
    /// A file that can't be read, or is not what was written there.
    pub(crate) fn open(home: &Home) -> Outcome<Self> {
        let folder = home.keys();
        make_private(&folder).map_err(|error| Failure::io("create", &folder, &error))?;
        let lock = File::open(&folder).map_err(|error| Failure::io("read", &folder, &error))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)
            .map_err(|error| Failure::io("lock", &folder, &error.into()))?;
        let path = folder.join(PUBLISHED);
        let workshop = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            text => {
                let text = text.map_err(|error| Failure::io("read", &path, &error))?;
                Some(Workshop::parse(&text).map_err(|error| damaged(&path).caused_by(error.to_string()))?)
            }
        };
        let keys = read_keys(&folder)?;
        Ok(Self { folder, _lock: lock, keys, workshop })
    }

    /// Makes a key under a name that is free.
    ///
    /// # Errors
    /// `cli::key::present`, `cli::key::bad_argument`, or what the disk says.
    pub(crate) fn make_key(&mut self, name: &str) -> Outcome<PublicKey> {
        let plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-';
        if name.is_empty() || name.len() > 60 || !name.chars().all(plain) {
            let failure = Failure::new("cli::key::bad_argument", format!("`{name}` is no name for a key"));
            return Err(failure.help("small letters, digits and dashes").into());
        }
        if self.keys.contains_key(name) {
            return Err(Failure::new("cli::key::present", format!("there is a key `{name}` already")).into());
        }
        let no_key = |why: String| Failure::new("cli::key::no_chance", "no key could be made").caused_by(why);
        let mut seed = [0; SEED_BYTES];
        let mut filled = 0;
        while filled < SEED_BYTES {
            let got = rustix::rand::getrandom(&mut seed[filled..], rustix::rand::GetRandomFlags::empty());
            filled += got.map_err(|error| no_key(error.to_string()))?;
        }
        let key = SigningKey::from_seed(seed).map_err(|flaw| no_key(flaw.to_string()))?;
        write_whole(&self.folder.join(name).with_extension(KEY), &key.to_secret_json(), MODE)?;
        let public = key.public();
        self.keys.insert(name.to_owned(), key);
        Ok(public)
    }

    /// Changes who holds which role; the first time, all roles go to these keys.
    ///
    /// # Errors
    /// Too few keys are at hand, or what the disk says.
    pub(crate) fn give(
        &mut self,
        key: PublicKey,
        roles: &[TrustRole],
        threshold: Option<u64>,
    ) -> Outcome<()> {
        let now = Wall(now_ms());
        let next = match &self.workshop {
            None => {
                let held = RoleDraft { keys: vec![key], threshold: threshold.unwrap_or(1) };
                let all = TrustRole::ALL.into_iter().map(|role| (role, held.clone())).collect();
                Workshop::open(all, now, Terms::default(), &self.at_hand())?
            }
            Some(workshop) => {
                let mut drafts = workshop.draft()?.roles;
                for role in roles {
                    let draft = drafts.entry(*role).or_default();
                    draft.keys.push(key);
                    draft.threshold = threshold.unwrap_or(draft.threshold);
                }
                let mut next = workshop.clone();
                next.give(drafts, now, Terms::default(), &self.at_hand())?;
                next
            }
        };
        self.keep(next)
    }

    /// Gives every role of one key to another one, or to nobody.
    ///
    /// # Errors
    /// As [`Self::give`].
    pub(crate) fn replace(&mut self, old: PublicKey, new: Option<PublicKey>) -> Outcome<()> {
        let mut next = self.published()?.clone();
        let (now, keys) = (Wall(now_ms()), self.at_hand());
        match new {
            Some(new) => next.rotate(old, new, now, Terms::default(), &keys)?,
            None => next.revoke(old, now, Terms::default(), &keys)?,
        }
        self.keep(next)
    }

    /// Vouches for a package. What was published is on the disk before the slice is given.
    ///
    /// # Errors
    /// As [`Self::give`]; also when this version was published with other files.
    pub(crate) fn vouch(&mut self, head: &Head) -> Outcome<Slice> {
        let mut next = self.published()?.clone();
        let slice = next.vouch(head, Wall(now_ms()), Terms::default(), &self.at_hand())?;
        self.keep(next)?;
        Ok(slice)
    }

    /// What was published.
    ///
    /// # Errors
    /// `cli::key::missing` before the first key.
    pub(crate) fn published(&self) -> Outcome<&Workshop> {
        let missing = || {
            let failure = Failure::new("cli::key::missing", "there is no key here to sign with");
            failure.help("ostoja key generate NAME")
        };
        Ok(self.workshop.as_ref().ok_or_else(missing)?)
    }

    /// The key that a name or its 64 digits mean.
    ///
    /// # Errors
    /// `cli::key::not_found`.
    pub(crate) fn find(&self, text: &str) -> Outcome<PublicKey> {
        let named = self.keys.get(text).map(SigningKey::public);
        let missing = || Failure::new("cli::key::not_found", format!("no key is called `{text}`"));
        Ok(named.or_else(|| PublicKey::parse(text).ok()).ok_or_else(|| missing().help("ostoja key list"))?)
    }

    fn at_hand(&self) -> Vec<&SigningKey> {
        self.keys.values().collect()
    }

    fn keep(&mut self, workshop: Workshop) -> Outcome<()> {
        write_whole(&self.folder.join(PUBLISHED), &workshop.to_json(), MODE)?;
        self.workshop = Some(workshop);
        Ok(())
    }
}

fn read_keys(folder: &Path) -> Outcome<BTreeMap<String, SigningKey>> {
    let mut keys = BTreeMap::new();
    let entries = fs::read_dir(folder).map_err(|error| Failure::io("read", folder, &error))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_key = path.extension().is_some_and(|ending| ending == KEY);
        let Some(name) = path.file_stem().and_then(|name| name.to_str()).filter(|_| is_key) else { continue };
        let text = fs::read(&path).map_err(|error| Failure::io("read", &path, &error))?;
        let key = SigningKey::parse(&text).map_err(|flaw| damaged(&path).caused_by(flaw.to_string()))?;
        keys.insert(name.to_owned(), key);
    }
    Ok(keys)
}

fn damaged(path: &Path) -> Failure {
    let message = format!("`{}` is not what was written there", path.display());
    Failure::new("cli::key::broken", message).help("bring it back from a copy")
}

fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A role by its name.
pub(crate) fn role(text: &str) -> Result<TrustRole, String> {
    let found = TrustRole::ALL.into_iter().find(|role| role.as_str() == text);
    found.ok_or_else(|| "a role is root, targets, snapshot or timestamp".to_owned())
}
