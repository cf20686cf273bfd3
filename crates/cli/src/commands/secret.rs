//! `secret`: what modules may be handed by grant, sealed in the home's vault.
//!
//! The command changes the vault itself, with or without a running kernel; a kernel that runs is told what was done, for
//! its journal, and reads the vault afresh for every module that asks. A value is typed without an echo or comes from
//! stdin; it is never an argument, which every process of the machine could read.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use host::vault_places;
use protocol::operator::{Request, SecretsChange, VaultKey};
use vault::{Cost, Lock, Opener, Places, Secret, SecretName, VaultError};

use crate::amount::now_ms;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::hidden::{self, Source};
use crate::output::{SecretChanged, SecretRow, SecretRows};
use crate::render;
use crate::target::Target;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja secret set db.password             asks for the value
  pass show db | ostoja secret set db.password
  ostoja permissions grant web secrets=db.password
  ostoja secret rotate                      a new key for the whole vault";

/// 10 s for a kernel to take a note: the vault is changed already.
const NOTE_TIMEOUT: Duration = Duration::from_secs(10);

/// What can be typed behind `secret`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SecretArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Keep a secret; its value is asked for, or read from stdin
    #[command(
        after_help = "Examples:\n  ostoja secret set db.password\n  cat token.txt | ostoja secret set token"
    )]
    Set {
        /// Which secret
        name: String,
        /// Make the vault under a passphrase instead of a key file
        #[arg(long)]
        passphrase: bool,
    },
    /// List secrets, without their values
    #[command(after_help = "Examples:\n  ostoja secret list")]
    List,
    /// Forget a secret
    #[command(after_help = "Examples:\n  ostoja secret rm db.password")]
    Rm {
        /// Which secret
        name: String,
    },
    /// Seal the vault with a new key, in the key file or from a passphrase
    #[command(after_help = "Examples:\n  ostoja secret rotate\n  ostoja secret rotate --passphrase")]
    Rotate {
        /// With the key of a passphrase
        #[arg(long, conflicts_with = "key_file")]
        passphrase: bool,
        /// With a key in a file
        #[arg(long)]
        key_file: bool,
    },
    /// Let the running kernel open a vault that a passphrase locks, until it stops
    #[command(after_help = "Examples:\n  ostoja secret unlock")]
    Unlock,
}

pub(super) fn run(ctx: &Ctx, args: &SecretArgs) -> Outcome {
    let target = Target::of(ctx)?;
    let vault = Vault { path: target.home.vault(), places: vault_places(&target.home), target };
    match &args.verb {
        Verb::Set { name, passphrase } => {
            let kind = if *passphrase { Lock::Passphrase } else { Lock::KeyFile };
            vault.set(ctx, name, kind)
        }
        Verb::List => vault.list(ctx),
        Verb::Rm { name } => vault.remove(ctx, name),
        Verb::Rotate { passphrase, key_file } => vault.rotate(
            ctx,
            match (*passphrase, *key_file) {
                (true, _) => Some(Lock::Passphrase),
                (false, true) => Some(Lock::KeyFile),
                (false, false) => None,
            },
        ),
        Verb::Unlock => vault.unlock(ctx),
    }
}

/// The vault of one home.
struct Vault {
    path: PathBuf,
    places: Places,
    target: Target,
}

impl Vault {
    fn set(&self, ctx: &Ctx, name: &str, kind: Lock) -> Outcome {
        let name = SecretName::parse(name)?;
        self.target.home.create().map_err(host::HostError::Home)?;
        let passphrase = match vault::header(&self.path) {
            Err(VaultError::Missing { .. }) if kind == Lock::Passphrase => Some(new_passphrase(ctx)?),
            Err(VaultError::Missing { .. }) => None,
            other => self.passphrase_of(ctx, other?.lock)?,
        };
        let value = hidden::read(ctx, Source::StdinFirst, &ctx.phrase(Phrase::AskSecret, &[name.as_str()]))?;
        let told = name.as_str().to_owned();
        vault::set(&self.path, &self.places, opener(passphrase.as_ref()), (name, value), now_ms())?;
        self.tell(ctx, "set", Some(&told), Phrase::SecretSet, None)
    }

    fn list(&self, ctx: &Ctx) -> Outcome {
        let rows = match vault::header(&self.path) {
            Err(VaultError::Missing { .. }) => Vec::new(),
            header => {
                let passphrase = self.passphrase_of(ctx, header?.lock)?;
                vault::list(&self.path, &self.places, opener(passphrase.as_ref()))?
            }
        };
        let secrets = rows.into_iter().map(|row| SecretRow {
            name: row.name.as_str().to_owned(),
            version: row.version,
            set_at_ms: row.set_at_ms,
            bytes: row.bytes as u64,
        });
        let all = SecretRows { secrets: secrets.collect() };
        ctx.show(&all, |all| render::context::secrets(&ctx.theme, &all.secrets, now_ms()))?;
        if all.secrets.is_empty() && !ctx.is_json() {
            ctx.say_phrase(Phrase::NoSecrets, &[]);
        }
        Ok(Exit::Done)
    }

    fn remove(&self, ctx: &Ctx, name: &str) -> Outcome {
        let name = SecretName::parse(name)?;
        let passphrase = self.passphrase_of(ctx, vault::header(&self.path)?.lock)?;
        vault::remove(&self.path, &self.places, opener(passphrase.as_ref()), &name)?;
        self.tell(ctx, "removed", Some(name.as_str()), Phrase::SecretRemoved, None)
    }

    fn rotate(&self, ctx: &Ctx, kind: Option<Lock>) -> Outcome {
        let before = vault::header(&self.path)?.lock;
        let old = self.passphrase_of(ctx, before)?;
        let new = match kind.unwrap_or(before) {
            Lock::Passphrase => Some(new_passphrase(ctx)?),
            Lock::KeyFile => None,
        };
        let wanted = new.as_ref().map(|new| (new, Cost::RECOMMENDED));
        let rotated = vault::rotate(&self.path, &self.places, opener(old.as_ref()), wanted)?;
        if rotated.key_file.is_none()
            && let Some(mut door) = Door::try_open_at(&self.target, NOTE_TIMEOUT)
        {
            let key = VaultKey(rotated.key.to_hex().to_string());
            door.ask_raw(&Request::SecretsUnlock { key })?;
        }
        self.tell(ctx, "rotated", None, Phrase::SecretsRotated, rotated.key_file)
    }

    fn unlock(&self, ctx: &Ctx) -> Outcome {
        let header = vault::header(&self.path)?;
        let mut door = Door::open(ctx)?;
        if let Some(passphrase) = self.passphrase_of(ctx, header.lock)? {
            let key = header.unlock(&passphrase)?;
            door.ask_raw(&Request::SecretsUnlock { key: VaultKey(key.to_hex().to_string()) })?;
        }
        let changed = SecretChanged { what: "unlocked".to_owned(), name: None, key_file: None, noted: true };
        if ctx.is_json() {
            ctx.document(&changed)?;
        } else {
            ctx.say_phrase(Phrase::VaultUnlocked, &[]);
        }
        Ok(Exit::Done)
    }

    /// The passphrase, where the vault wants one and no credential brings it.
    fn passphrase_of(&self, ctx: &Ctx, lock: Lock) -> Outcome<Option<Secret>> {
        if lock == Lock::KeyFile {
            return Ok(None);
        }
        let header = vault::header(&self.path)?;
        match self.places.key(&header, Opener::Files) {
            Err(VaultError::Locked) => {
                let question = ctx.phrase(Phrase::AskPassphrase, &[]);
                Ok(Some(hidden::read(ctx, Source::TerminalOnly, &question)?))
            }
            found => Ok(found.map(|_| None)?),
        }
    }

    /// Tells the person, and the kernel if one runs: its journal keeps what was done with secrets.
    fn tell(
        &self,
        ctx: &Ctx,
        what: &str,
        name: Option<&str>,
        phrase: Phrase,
        key_file: Option<PathBuf>,
    ) -> Outcome {
        let change = SecretsChange { what: what.to_owned(), name: name.map(str::to_owned) };
        let noted = match Door::try_open_at(&self.target, NOTE_TIMEOUT) {
            Some(mut door) => door.ask_raw(&Request::SecretsChanged(change.clone())).is_ok(),
            None => false,
        };
        let key_file = key_file.map(|path| path.display().to_string());
        if ctx.is_json() {
            ctx.document(&SecretChanged { what: change.what, name: change.name, key_file, noted })?;
            return Ok(Exit::Done);
        }
        ctx.say_phrase(phrase, &[name.unwrap_or_default()]);
        if let Some(path) = key_file {
            ctx.say_phrase(Phrase::KeyFileAt, &[&path]);
        }
        Ok(Exit::Done)
    }
}

fn opener(passphrase: Option<&Secret>) -> Opener<'_> {
    passphrase.map_or(Opener::Files, Opener::Passphrase)
}

fn new_passphrase(ctx: &Ctx) -> Outcome<Secret> {
    let first = hidden::read(ctx, Source::TerminalOnly, &ctx.phrase(Phrase::AskNewPassphrase, &[]))?;
    let again = hidden::read(ctx, Source::TerminalOnly, &ctx.phrase(Phrase::AskAgain, &[]))?;
    if first == again { Ok(first) } else { Err(hidden::not_the_same().into()) }
}
