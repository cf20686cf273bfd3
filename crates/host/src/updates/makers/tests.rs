//! Whose word holds, for which module, and what is kept of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use abi::{Explain, ModuleId, Wall};
use semver::Version;
use update::trust::{RoleDraft, SigningKey, Terms, TrustRole, Workshop};
use update::{Digests, Head, PackageReader, PackedFile, PackedPath, Rights, write_package};

use super::Makers;
use crate::home::Home;

const NOW: Wall = Wall(1_800_000_000_000);

fn workshop(seed: u8) -> (SigningKey, Workshop) {
    let key = SigningKey::from_seed([seed; 32]).unwrap();
    let held = RoleDraft { keys: vec![key.public()], threshold: 1 };
    let roles = TrustRole::ALL.into_iter().map(|role| (role, held.clone())).collect::<BTreeMap<_, _>>();
    let workshop = Workshop::open(roles, NOW, Terms::default(), &[&key]).unwrap();
    (key, workshop)
}

fn package(key: &SigningKey, workshop: &mut Workshop, module: &str, version: u64) -> Vec<u8> {
    let text = b"{}".to_vec();
    let path = PackedPath::parse("module.json").unwrap();
    let file = PackedFile { path, rights: Rights::Plain, digests: Digests::of(&text) };
    let id = ModuleId::parse(module).unwrap();
    let head = Head::try_new(id, Version::new(version, 0, 0), vec![file]).unwrap();
    let slice = workshop.vouch(&head, NOW, Terms::default(), &[key]).unwrap();
    let mut bytes = Vec::new();
    write_package(&head, &slice, &mut |_| Ok(Box::new(Cursor::new(text.clone()))), &mut bytes).unwrap();
    bytes
}

fn vouch(makers: &Makers, bytes: &[u8]) -> Result<super::Vouch, super::MakersError> {
    makers.vouch(NOW, &PackageReader::open(bytes).unwrap())
}

#[test]
fn a_maker_vouches_for_its_modules_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut makers = Makers::load(&Home::at(folder.path())).unwrap();
    let (key, mut anna) = workshop(1);
    let mine = package(&key, &mut anna, "greeter", 1);
    let other = package(&key, &mut anna, "adder", 1);
    assert_eq!(vouch(&makers, &mine).unwrap_err().code(), "update::makers::nobody");

    let only = BTreeSet::from([ModuleId::parse("greeter").unwrap()]);
    makers.trust("anna", anna.first_root(), only).unwrap();
    assert_eq!(vouch(&makers, &mine).unwrap().maker, "anna");
    assert_eq!(vouch(&makers, &other).unwrap_err().code(), "update::makers::nobody");
}

#[test]
fn a_stranger_is_refused_with_the_keys_that_may() {
    let folder = tempfile::tempdir().unwrap();
    let mut makers = Makers::load(&Home::at(folder.path())).unwrap();
    let (key, anna) = workshop(1);
    makers.trust("anna", anna.first_root(), BTreeSet::new()).unwrap();
    let (stranger, mut eve) = workshop(2);
    let refused = vouch(&makers, &package(&stranger, &mut eve, "greeter", 1)).unwrap_err();
    assert_eq!(refused.code(), "update::trust::signature");
    let first = &key.public().to_string()[..16];
    assert!(refused.to_string().contains(first), "{refused}");
}

#[test]
fn what_was_seen_is_kept_and_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let (key, mut anna) = workshop(1);
    let (old, new) = (package(&key, &mut anna, "greeter", 1), package(&key, &mut anna, "greeter", 2));
    let mut makers = Makers::load(&home).unwrap();
    makers.trust("anna", anna.first_root(), BTreeSet::new()).unwrap();
    assert!(vouch(&makers, &old).is_ok());
    let word = vouch(&makers, &new).unwrap();
    makers.keep(&word).unwrap();

    let again = Makers::load(&home).unwrap();
    assert_eq!(vouch(&again, &old).unwrap_err().code(), "update::trust::rollback");
    assert!(vouch(&again, &new).is_ok());
}

#[test]
fn a_damaged_file_of_a_maker_is_named_and_nobody_is_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let (_, anna) = workshop(1);
    Makers::load(&home).unwrap().trust("anna", anna.first_root(), BTreeSet::new()).unwrap();
    let path = home.makers().join("anna.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &text[..text.len() / 2]).unwrap();
    assert_eq!(Makers::load(&home).unwrap_err().code(), "update::makers::damaged");
}

#[test]
fn a_name_that_leads_elsewhere_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut makers = Makers::load(&Home::at(folder.path())).unwrap();
    let (_, anna) = workshop(1);
    let refused = makers.trust("../anna", anna.first_root(), BTreeSet::new()).unwrap_err();
    assert_eq!(refused.code(), "update::makers::bad_argument");
}
