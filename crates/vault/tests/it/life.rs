//! A vault from its first secret on: key files, passphrases, credentials, and rotation killed at every step.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use abi::Explain;
use vault::{
    Cost, Key, Lock, Opener, Places, Secret, SecretName, VaultError, header, list, read, remove, rotate, set,
};

/// What tests pay for a passphrase's key.
const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

pub(crate) struct Ground {
    folder: tempfile::TempDir,
    pub(crate) places: Places,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("home/state")).expect("a folder");
        let places = Places {
            home: folder.path().join("home"),
            named: None,
            folder: Some(folder.path().join("keys")),
            credentials: None,
        };
        Self { folder, places }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("home/state/vault")
    }

    pub(crate) fn set(&self, name_of: &str, value: &str) -> Result<(), VaultError> {
        set(&self.path(), &self.places, Opener::Files, (name(name_of), secret(value)), 7)
    }

    pub(crate) fn read(&self, name_of: &str) -> Result<String, VaultError> {
        read(&self.path(), &self.places, Opener::Files, &name(name_of)).map(|found| found.expose().to_owned())
    }

    fn key_file(&self) -> PathBuf {
        let mut files = fs::read_dir(self.folder.path().join("keys")).expect("the folder of keys");
        files.next().expect("a key file").expect("an entry").path()
    }
}

pub(crate) fn name(text: &str) -> SecretName {
    SecretName::parse(text).expect("a name")
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned()).expect("it fits")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn a_secret_is_kept_read_listed_and_removed() {
    let ground = Ground::new();
    ground.set("db.password", "hunter2 ąę").expect("it is kept");
    ground.set("token", "1").expect("it is kept");
    ground.set("token", "22").expect("it is kept");
    assert_eq!(ground.read("db.password").expect("it is there"), "hunter2 ąę");
    let rows = list(&ground.path(), &ground.places, Opener::Files).expect("it opens");
    let told: Vec<_> =
        rows.iter().map(|row| (row.name.as_str(), row.version, row.set_at_ms, row.bytes)).collect();
    assert_eq!(told, [("db.password", 1, 7, 12), ("token", 2, 7, 2)]);
    remove(&ground.path(), &ground.places, Opener::Files, &name("token")).expect("it was there");
    assert!(matches!(ground.read("token"), Err(VaultError::NotFound { .. })));
    let again = remove(&ground.path(), &ground.places, Opener::Files, &name("token"));
    assert!(matches!(again, Err(VaultError::NotFound { .. })));
}

#[test]
fn nothing_of_a_secret_is_in_the_home_in_clear_and_nobody_else_may_read() {
    let ground = Ground::new();
    ground.set("very.secret.name", "very-secret-value").expect("it is kept");
    let file = fs::read(ground.path()).expect("the vault");
    for text in ["very-secret-value", "very.secret.name"] {
        assert!(!file.windows(text.len()).any(|part| part == text.as_bytes()), "{text}");
    }
    assert_eq!((mode(&ground.path()), mode(&ground.key_file())), (0o600, 0o600));
    assert_eq!(mode(ground.key_file().parent().expect("a folder")), 0o700);
    assert!(!format!("{:?} {:?}", secret("value"), Key::fresh().expect("chance")).contains("value"));
}

#[test]
fn two_sealings_of_the_same_secrets_share_nothing_but_the_header() {
    let ground = Ground::new();
    ground.set("a", "1").expect("it is kept");
    let first = fs::read(ground.path()).expect("the vault");
    ground.set("a", "1").expect("it is kept");
    let second = fs::read(ground.path()).expect("the vault");
    let same = first.iter().rev().zip(second.iter().rev()).take(40).filter(|(a, b)| a == b).count();
    assert!(same < 10, "{same} of the last 40 bytes are the same");
}

#[test]
fn a_key_file_that_is_open_to_others_is_refused() {
    let ground = Ground::new();
    ground.set("a", "1").expect("it is kept");
    fs::set_permissions(ground.key_file(), fs::Permissions::from_mode(0o640)).expect("ours");
    let error = ground.read("a").expect_err("it is open");
    assert_eq!(error.code(), "vault::key::rights");
    assert!(error.help().expect("what to type").starts_with("chmod 600 "));
}

#[test]
fn a_key_file_in_the_home_is_refused_also_by_way_of_a_link() {
    let mut ground = Ground::new();
    ground.places.named = Some(ground.path().with_file_name("vault.key"));
    assert!(matches!(ground.set("a", "1"), Err(VaultError::InsideHome { .. })));
    let link = ground.folder.path().join("link");
    std::os::unix::fs::symlink(ground.folder.path().join("home"), &link).expect("a link");
    ground.places.named = Some(link.join("deep/vault.key"));
    assert!(matches!(ground.set("a", "1"), Err(VaultError::InsideHome { .. })));
    assert!(!ground.path().exists());
}

#[test]
fn a_key_file_of_another_vault_is_never_overwritten() {
    let (mut one, mut two) = (Ground::new(), Ground::new());
    let named = one.folder.path().join("shared.key");
    (one.places.named, two.places.named) = (Some(named.clone()), Some(named.clone()));
    one.set("a", "1").expect("it is kept");
    assert!(matches!(two.set("b", "2"), Err(VaultError::KeyFileTaken { .. })));
    two.places.named = None;
    two.set("b", "2").expect("it is kept");
    two.places.credentials = Some(two.folder.path().join("credentials"));
    fs::create_dir(two.folder.path().join("credentials")).expect("a folder");
    fs::copy(two.key_file(), two.folder.path().join("credentials/ostoja-vault-key")).expect("a copy");
    two.places.named = Some(named);
    let rotated = rotate(&two.path(), &two.places, Opener::Files, None);
    assert!(matches!(rotated, Err(VaultError::KeyFileTaken { .. })));
    assert_eq!(one.read("a").expect("its key is still there"), "1");
}

#[test]
fn a_lost_a_foreign_and_a_broken_key_file_are_told_apart() {
    let ground = Ground::new();
    ground.set("a", "1").expect("it is kept");
    let file = ground.key_file();
    let own = fs::read(&file).expect("the key");
    fs::write(&file, "no key\n").expect("written");
    assert_eq!(ground.read("a").expect_err("no key").code(), "vault::key::malformed");
    fs::write(&file, format!("{}\n", *Key::fresh().expect("chance").to_hex())).expect("written");
    assert_eq!(ground.read("a").expect_err("another key").code(), "vault::open::wrong_key");
    fs::remove_file(&file).expect("ours");
    assert_eq!(ground.read("a").expect_err("no file").code(), "vault::key::missing");
    fs::write(&file, own).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    assert_eq!(ground.read("a").expect("it is back"), "1");
}

#[test]
fn a_credential_opens_a_vault_whose_key_file_is_elsewhere() {
    let mut ground = Ground::new();
    ground.set("a", "1").expect("it is kept");
    let credentials = ground.folder.path().join("credentials");
    fs::create_dir(&credentials).expect("a folder");
    fs::rename(ground.key_file(), credentials.join("ostoja-vault-key")).expect("moved");
    assert!(ground.read("a").is_err());
    ground.places.credentials = Some(credentials);
    assert_eq!(ground.read("a").expect("it opens"), "1");
}

#[test]
fn a_passphrase_locks_a_vault_and_a_wrong_one_does_not_open_it() {
    let mut ground = Ground::new();
    ground.set("a", "1").expect("it is kept");
    let (path, places) = (ground.path(), ground.places.clone());
    let passphrase = secret("correct horse");
    let rotated =
        rotate(&path, &places, Opener::Files, Some((&passphrase, CHEAP))).expect("it is sealed anew");
    assert_eq!(rotated.key_file, None);
    assert_eq!(header(&path).expect("it is whole").lock, Lock::Passphrase);
    assert!(
        !ground.folder.path().join("keys").read_dir().expect("a folder").any(|_| true),
        "the key is gone"
    );
    assert_eq!(ground.read("a").expect_err("it is locked").code(), "vault::open::locked");
    let with = |opener| read(&path, &places, opener, &name("a")).map(|found| found.expose().to_owned());
    assert_eq!(with(Opener::Passphrase(&passphrase)).expect("it opens"), "1");
    assert_eq!(with(Opener::Key(&rotated.key)).expect("it opens"), "1");
    let (wrong, other) = (secret("wrong"), Key::fresh().expect("chance"));
    assert!(matches!(with(Opener::Passphrase(&wrong)), Err(VaultError::WrongKey)));
    assert!(with(Opener::Key(&other)).is_err());
    let credentials = ground.folder.path().join("credentials");
    fs::create_dir(&credentials).expect("a folder");
    fs::write(credentials.join("ostoja-vault-passphrase"), "correct horse\n").expect("written");
    ground.places.credentials = Some(credentials);
    assert_eq!(ground.read("a").expect("it opens"), "1");
    // And back to a key file.
    let back = rotate(&path, &places, Opener::Passphrase(&passphrase), None).expect("it is sealed anew");
    assert!(back.key_file.expect("a file").is_file());
    ground.places.credentials = None;
    assert_eq!(ground.read("a").expect("it opens"), "1");
}

#[test]
fn rotation_changes_the_key_and_the_old_one_opens_nothing_any_more() {
    let ground = Ground::new();
    ground.set("a", "1").expect("it is kept");
    let old = fs::read_to_string(ground.key_file()).expect("the key");
    rotate(&ground.path(), &ground.places, Opener::Files, None).expect("it is sealed anew");
    assert_eq!(ground.read("a").expect("it opens"), "1");
    let new = fs::read_to_string(ground.key_file()).expect("the key");
    assert_ne!(old, new);
    assert_eq!(new.lines().count(), 1);
    fs::write(ground.key_file(), old).expect("written");
    assert!(matches!(ground.read("a"), Err(VaultError::WrongKey)));
}

/// The states that the disk can be in when a rotation is killed: old or new vault, with the key file of before, of
/// between, of after.
#[test]
fn a_rotation_that_is_killed_at_any_step_leaves_a_vault_that_opens() {
    let ground = Ground::new();
    ground.set("a", "1").expect("it is kept");
    let file = ground.key_file();
    let (old_vault, old_key) = (fs::read(ground.path()).expect("it"), fs::read_to_string(&file).expect("it"));
    rotate(&ground.path(), &ground.places, Opener::Files, None).expect("it is sealed anew");
    let (new_vault, new_key) = (fs::read(ground.path()).expect("it"), fs::read_to_string(&file).expect("it"));
    let both = format!("{new_key}{old_key}");
    for (vault, key) in
        [(&old_vault, &old_key), (&old_vault, &both), (&new_vault, &both), (&new_vault, &new_key)]
    {
        fs::write(ground.path(), vault).expect("written");
        fs::write(&file, key).expect("written");
        assert_eq!(ground.read("a").expect("it opens"), "1");
        rotate(&ground.path(), &ground.places, Opener::Files, None).expect("it goes on from there");
        assert_eq!(ground.read("a").expect("it opens"), "1");
        assert_eq!(fs::read_to_string(&file).expect("it").lines().count(), 1);
    }
}

#[test]
fn what_can_not_be_written_changes_nothing() {
    let ground = Ground::new();
    ground.set("a", "1").expect("it is kept");
    let keys = ground.key_file().parent().expect("a folder").to_owned();
    let before = fs::read(ground.path()).expect("the vault");
    // A folder where the new key file is to be put aside: the first step fails.
    let file = ground.key_file();
    let kept = fs::read(&file).expect("the key");
    fs::remove_file(&file).expect("ours");
    fs::create_dir(&file).expect("a folder");
    assert!(rotate(&ground.path(), &ground.places, Opener::Files, None).is_err());
    assert_eq!(fs::read(ground.path()).expect("the vault"), before);
    fs::remove_dir(&file).expect("ours");
    fs::write(&file, kept).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    assert_eq!(ground.read("a").expect("it opens"), "1");
    assert_eq!(fs::read_dir(keys).expect("a folder").count(), 1);
}

#[test]
fn changes_at_once_are_all_kept() {
    let ground = Ground::new();
    ground.set("first", "0").expect("it is kept");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let ground = &ground;
            scope.spawn(move || ground.set(&format!("s{number}"), "1").expect("it is kept"));
        }
    });
    assert_eq!(list(&ground.path(), &ground.places, Opener::Files).expect("it opens").len(), 9);
}
