//! Secrets on their way from the vault to a module that was granted them.
//!
//! The kernel has decided and journaled before anything here happens. The vault is read on a thread of its own, one
//! secret at a time, and afresh each time: what `ostoja secret` changes counts at once, and no value stays in memory.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::Rc;

use abi::{Explain, Generation, Record, Slot};
use kernel::Word;
use vault::{Key, Lock, Opener, Places, Secret, SecretName, VaultError};

use crate::home::Home;
use crate::shell::Shell;

/// 64 asks wait for the vault; the next is answered `overloaded`, so that no module can fill the memory.
const ASKS_MAX: usize = 64;

/// The variable that names the key file of the vault; the file, never the key itself.
pub const VAULT_KEY_VARIABLE: &str = "OSTOJA_VAULT_KEY";

/// A module waits for a secret.
#[derive(Debug)]
struct Ask {
    slot: Slot,
    generation: Generation,
    id: Word,
    name: Word,
}

/// Where the vault is, and who waits for it.
#[derive(Debug)]
pub(crate) struct Secrets {
    vault: PathBuf,
    places: Places,
    /// The key of a vault that is locked by a passphrase, once an operator has brought it.
    key: Option<Rc<Key>>,
    asks: VecDeque<Ask>,
}

impl Secrets {
    pub(crate) fn of(home: &Home) -> Self {
        Self { vault: home.vault(), places: places(home), key: None, asks: VecDeque::new() }
    }

    /// Whether somebody waits for one.
    pub(crate) fn is_asked(&self) -> bool {
        !self.asks.is_empty()
    }

    /// Takes the key of a vault that is locked by a passphrase.
    ///
    /// # Errors
    /// `WrongKey`, and those of reading the vault's header.
    pub(crate) fn unlock(&mut self, key: Key) -> Result<(), VaultError> {
        if !vault::header(&self.vault)?.fits(&key) {
            return Err(VaultError::WrongKey);
        }
        self.key = Some(Rc::new(key));
        Ok(())
    }
}

/// Where the keys of a home's vault may lie, as this process's surroundings say.
pub fn places(home: &Home) -> Places {
    let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The XDG base directory specification: a relative path there is to be ignored.
    let xdg = var("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let folder = xdg.or_else(|| var("HOME").map(|home| home.join(".config")));
    Places {
        home: home.root().to_owned(),
        named: var(VAULT_KEY_VARIABLE),
        folder: folder.map(|folder| folder.join("ostoja").join("keys")),
        credentials: var("CREDENTIALS_DIRECTORY"),
    }
}

impl Shell {
    /// The kernel allowed it: the module is answered when the vault has been read.
    pub(crate) fn ask_for_secret(&mut self, slot: Slot, generation: Generation, id: &Word, name: Word) {
        let ask = Ask { slot, generation, id: id.clone(), name };
        if self.secrets.asks.len() >= ASKS_MAX {
            return self.refuse_secret(&ask, "overloaded", "overloaded");
        }
        self.secrets.asks.push_back(ask);
        self.bells.secrets.notify_one();
    }

    fn refuse_secret(&mut self, ask: &Ask, answer: &str, code: &str) {
        let module = self.kernel.spec(ask.slot).map(|spec| spec.id.clone());
        if let Some(module) = module {
            let record = Record::new("secret.not_handed_over").of(&module, Some(ask.generation));
            self.record(record.text("secret", ask.name.as_str()).text("error", code));
        }
        self.answer_plainly(ask.slot, ask.generation, &ask.id, Err(answer.to_owned()));
    }

    /// Says at the start that nobody gets a secret before somebody unlocks the vault.
    pub(crate) fn tell_locked_vault(&mut self) {
        let Ok(header) = vault::header(&self.secrets.vault) else { return };
        if header.lock == Lock::Passphrase && self.secrets.places.key(&header, Opener::Files).is_err() {
            self.trouble(format!("{LOCKED}; ostoja secret unlock"));
        }
    }

    pub(crate) fn vault_unlocked(&mut self) {
        self.no_trouble(LOCKED);
        self.record(Record::new("secret.unlocked"));
    }
}

/// How the trouble of a locked vault begins.
const LOCKED: &str = "the vault is locked by a passphrase";

/// There is no such secret, or no vault.
pub(crate) const NOT_FOUND: &str = "secret_not_found";

/// What a module is answered when it does not get a secret that it was granted: short and stable words.
fn answer_of(error: &VaultError) -> &'static str {
    match error {
        VaultError::Missing { .. } | VaultError::NotFound { .. } | VaultError::Name { .. } => NOT_FOUND,
        VaultError::Locked => "vault_locked",
        _ => "vault_unavailable",
    }
}

/// Reads the vault for those who wait, one after the other.
pub(crate) async fn hand_over(shell: Rc<RefCell<Shell>>) {
    let bells = shell.borrow().bells.clone();
    loop {
        bells.secrets.notified().await;
        loop {
            let Some((ask, vault, places, key)) = shell.borrow_mut().next_ask() else { break };
            let name = ask.name.as_str().to_owned();
            let reading = tokio::task::spawn_blocking(move || {
                let opener = key.as_ref().map_or(Opener::Files, Opener::Key);
                vault::read(&vault, &places, opener, &SecretName::parse(&name)?)
            });
            let read = reading.await;
            let mut shell = shell.borrow_mut();
            match read {
                Ok(Ok(secret)) => shell.answer_secret(&ask, &secret),
                Ok(Err(error)) => {
                    tracing::warn!(%error, secret = ask.name.as_str(), "a secret could not be handed over");
                    shell.refuse_secret(&ask, answer_of(&error), error.code());
                }
                Err(_) => shell.refuse_secret(&ask, "vault_unavailable", "host::secrets::thread"),
            }
            shell.end_turn();
        }
    }
}

impl Shell {
    fn next_ask(&mut self) -> Option<(Ask, PathBuf, Places, Option<Key>)> {
        let ask = self.secrets.asks.pop_front()?;
        let key = self.secrets.key.as_deref().cloned();
        Some((ask, self.secrets.vault.clone(), self.secrets.places.clone(), key))
    }

    fn answer_secret(&mut self, ask: &Ask, secret: &Secret) {
        // Escaping makes a text six times as long at the most, so that the buffer never moves and leaves a copy behind.
        let mut json = Vec::with_capacity(6 * secret.expose().len() + 2);
        // A text is always JSON, and a buffer takes every write.
        if serde_json::to_writer(&mut json, secret.expose()).is_ok() {
            self.answer_wiped(ask.slot, ask.generation, &ask.id, &json);
        }
        vault::wipe(&mut json);
    }
}
