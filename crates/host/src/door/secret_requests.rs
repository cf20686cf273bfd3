//! Requests about secrets: values never come here. `ostoja secret` changes the vault itself and tells what it did.

use abi::Record;
use protocol::operator::{SecretsChange, VaultKey};
use serde_json::json;
use vault::{Key, SecretName};

use super::connection::Caller;
use super::reply::{Done, Refusal};

/// Keeps the key of a vault that is locked by a passphrase, until the kernel ends.
pub(super) fn unlock(caller: &Caller, key: VaultKey) -> Done {
    let mut hex = key.0.into_bytes();
    let read = std::str::from_utf8(&hex).ok().and_then(Key::from_hex);
    vault::wipe(&mut hex);
    let key = read.ok_or_else(|| Refusal::new("host::door::bad_request", "the key is not 64 hex digits"))?;
    let mut shell = caller.shell.borrow_mut();
    shell.secrets.unlock(key).map_err(|error| Refusal::of(&error))?;
    shell.vault_unlocked();
    Ok(Some(json!({})))
}

/// Journals a change of the vault.
pub(super) fn changed(caller: &Caller, change: &SecretsChange) -> Done {
    let code = match change.what.as_str() {
        "set" => "secret.set",
        "removed" => "secret.removed",
        "rotated" => "secret.rotated",
        _ => return Err(Refusal::new("host::door::bad_request", "what is none of: set, removed, rotated")),
    };
    let mut record = Record::new(code);
    if let Some(name) = &change.name {
        let name = SecretName::parse(name).map_err(|error| Refusal::of(&error))?;
        record = record.text("secret", name.as_str());
    }
    let mut shell = caller.shell.borrow_mut();
    shell.record(record);
    shell.tell_locked_vault();
    Ok(Some(json!({})))
}
