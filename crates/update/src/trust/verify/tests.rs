//! Verifying: what is signed as it should be is believed, and each known attack is refused by its check.

use serde_json::{Value, json};

use super::super::issue::{
    DelegationDraft, RoleDraft, RootDraft, TargetsDraft, issue_root, issue_snapshot, issue_targets,
    issue_timestamp, sign,
};
use super::super::keys::SigningKey;
use super::*;

mod conformance;
mod lives;

/// The time of these tests, and when what they sign expires.
const NOW: Wall = Wall(1_800_000_000_000);
const LATER: Wall = Wall(1_900_000_000_000);

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32]).unwrap()
}

fn held(numbers: &[u8], threshold: u64) -> RoleDraft {
    RoleDraft { keys: numbers.iter().map(|number| key(*number).public()).collect(), threshold }
}

/// Root keys 1, 2, 3, two of which have to sign; targets 4, snapshot 5, timestamp 6.
fn root_draft(version: u64) -> RootDraft {
    let roles = [
        (TrustRole::Root, held(&[1, 2, 3], 2)),
        (TrustRole::Targets, held(&[4], 1)),
        (TrustRole::Snapshot, held(&[5], 1)),
        (TrustRole::Timestamp, held(&[6], 1)),
    ];
    RootDraft { version, expires: LATER, roles: roles.into() }
}

fn root(draft: &RootDraft, signers: &[u8]) -> Vec<u8> {
    with(signers, |signers| issue_root(draft, signers)).unwrap()
}

fn with<T>(numbers: &[u8], act: impl FnOnce(&[&SigningKey]) -> T) -> T {
    let keys: Vec<SigningKey> = numbers.iter().map(|number| key(*number)).collect();
    act(&keys.iter().collect::<Vec<_>>())
}

fn targets_draft(version: u64) -> TargetsDraft {
    let targets = [("web/1.0.0.json".to_owned(), Digests::of(b"web head"))];
    TargetsDraft { version, expires: LATER, targets: targets.into(), delegations: Vec::new() }
}

/// All files of a repository whose roles count up together.
fn slice(version: u64) -> Slice {
    slice_of(version, targets_draft(version), &[])
}

fn slice_of(version: u64, targets: TargetsDraft, delegated: &[(&str, Vec<u8>)]) -> Slice {
    let mut files = Slice::new();
    files.insert(TARGETS.to_owned(), with(&[4], |keys| issue_targets(&targets, keys)).unwrap());
    for (name, text) in delegated {
        files.insert(format!("{name}.json"), text.clone());
    }
    seal(version, files)
}

/// Adds snapshot and timestamp to files.
fn seal(version: u64, mut files: Slice) -> Slice {
    let snapshot = with(&[5], |keys| issue_snapshot(version, LATER, &files, keys)).unwrap();
    let timestamp = with(&[6], |keys| issue_timestamp(version, LATER, &snapshot, keys)).unwrap();
    files.insert(SNAPSHOT.to_owned(), snapshot);
    files.insert(TIMESTAMP.to_owned(), timestamp);
    files
}

fn begin() -> Trust {
    Trust::begin(&root(&root_draft(1), &[1, 2])).unwrap()
}

/// Trust after version 5 of everything was believed.
fn at_five() -> Trust {
    begin().verify(NOW, &slice(5)).unwrap().trust().clone()
}

/// Changes a signed file as whoever holds its key could.
fn forge<T: Role + DeserializeOwned>(slice: &mut Slice, file: &str, signer: u8, change: impl FnOnce(&mut T)) {
    let mut role: Signed<T> = parse(&slice[file], file).unwrap();
    change(&mut role.signed);
    slice.insert(file.to_owned(), with(&[signer], |keys| sign(role.signed, keys, file)).unwrap());
}

/// Changes the text of a file, as whoever carries it could.
fn edit(slice: &mut Slice, file: &str, change: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(&slice[file]).unwrap();
    change(&mut value);
    slice.insert(file.to_owned(), serde_json::to_vec(&value).unwrap());
}

#[track_caller]
fn refused(trust: &Trust, slice: &Slice, code: &str) -> TrustError {
    use abi::Explain as _;
    let error = trust.verify(NOW, slice).unwrap_err();
    assert_eq!(error.code(), format!("update::trust::{code}"), "{error}");
    error
}

#[test]
fn what_is_signed_as_it_should_be_is_believed() {
    let vouched = begin().verify(NOW, &slice(1)).unwrap();
    vouched.check("web/1.0.0.json", b"web head").unwrap();
    assert!(matches!(vouched.check("web/2.0.0.json", b"web head"), Err(TrustError::Unvouched { .. })));
    assert!(matches!(vouched.check("x/../web/1.0.0.json", b"web head"), Err(TrustError::Unvouched { .. })));
    let content = |bytes: &[u8], wanted| {
        let error = vouched.check("web/1.0.0.json", bytes).unwrap_err();
        assert!(matches!(error, TrustError::Content { what, .. } if what == wanted), "{error}");
    };
    content(b"web evil", "SHA-256");
    content(b"web head and more", "length");
    vouched.trust().verify(NOW, &slice(1)).unwrap();
    vouched.trust().verify(NOW, &slice(2)).unwrap();
}

#[test]
fn trust_is_kept_as_it_was() {
    let trust = at_five();
    assert_eq!(Trust::parse(&trust.to_json()).unwrap(), trust);
    assert_eq!(trust.holders(TrustRole::Root).1, 2);
    assert!(Trust::parse(b"{}").is_err());
}

#[test]
fn rollback_is_refused_for_each_file() {
    let trust = at_five();
    assert!(
        matches!(refused(&trust, &slice(4), "rollback"), TrustError::Rollback { file, .. } if file == TIMESTAMP)
    );
    // A new timestamp over an old snapshot.
    let mut files = slice(4);
    let snapshot = files[SNAPSHOT].clone();
    files
        .insert(TIMESTAMP.to_owned(), with(&[6], |keys| issue_timestamp(6, LATER, &snapshot, keys)).unwrap());
    assert!(
        matches!(refused(&trust, &files, "rollback"), TrustError::Rollback { file, .. } if file == SNAPSHOT)
    );
    // A new timestamp and snapshot over old targets.
    let files = slice_of(6, targets_draft(4), &[]);
    assert!(
        matches!(refused(&trust, &files, "rollback"), TrustError::Rollback { file, .. } if file == TARGETS)
    );
}

#[test]
fn a_file_that_was_there_can_t_vanish() {
    let delegation = DelegationDraft {
        name: "team".into(),
        held: held(&[7], 1),
        paths: vec!["x/*".into()],
        terminating: false,
    };
    let team = with(&[7], |keys| issue_targets(&targets_draft(1), keys)).unwrap();
    let draft = TargetsDraft { delegations: vec![delegation], ..targets_draft(1) };
    let trust = begin().verify(NOW, &slice_of(1, draft, &[("team", team)])).unwrap().trust().clone();
    refused(&trust, &slice(2), "missing");
}

#[test]
fn a_freeze_ends_when_the_timestamp_expires() {
    let mut old = slice(1);
    let snapshot = old[SNAPSHOT].clone();
    let soon = Wall(NOW.0 + 60_000);
    old.insert(TIMESTAMP.to_owned(), with(&[6], |keys| issue_timestamp(1, soon, &snapshot, keys)).unwrap());
    begin().verify(NOW, &old).unwrap();
    let error = begin().verify(soon, &old).unwrap_err();
    assert!(matches!(&error, TrustError::Expired { file, .. } if file == TIMESTAMP), "{error}");
    // A clock that is turned back makes nothing young again.
    let trust = begin().verify(Wall(soon.0 + 1), &slice(1)).unwrap().trust().clone();
    assert!(matches!(trust.verify(NOW, &old), Err(TrustError::Expired { .. })));
}

#[test]
fn every_expired_file_is_refused_by_its_name() {
    let past = Wall(NOW.0 - 1000);
    let targets = slice_of(1, TargetsDraft { expires: past, ..targets_draft(1) }, &[]);
    let expired = |files: &Slice, wanted: &str| {
        let error = refused(&begin(), files, "expired");
        assert!(matches!(&error, TrustError::Expired { file, .. } if file == wanted), "{error}");
    };
    expired(&targets, TARGETS);
    let mut files = slice(1);
    let inner: Slice = [(TARGETS.to_owned(), files[TARGETS].clone())].into();
    let snapshot = with(&[5], |keys| issue_snapshot(1, past, &inner, keys)).unwrap();
    files
        .insert(TIMESTAMP.to_owned(), with(&[6], |keys| issue_timestamp(1, LATER, &snapshot, keys)).unwrap());
    files.insert(SNAPSHOT.to_owned(), snapshot);
    expired(&files, SNAPSHOT);
    let old_root = RootDraft { expires: past, ..root_draft(1) };
    let trust = Trust::begin(&root(&old_root, &[1, 2])).unwrap();
    refused(&trust, &slice(1), "expired");
    // A new root in the slice makes an old trust usable again; only the last one must be young.
    let mut files = slice(1);
    files.insert("2.root.json".to_owned(), root(&root_draft(2), &[1, 2]));
    trust.verify(NOW, &files).unwrap();
}

#[test]
fn parts_of_two_versions_are_not_mixed() {
    let (one, two) = (slice(1), slice(2));
    for file in [TARGETS, SNAPSHOT] {
        let mut mixed = two.clone();
        mixed.insert(file.to_owned(), one[file].clone());
        refused(&begin(), &mixed, "content");
    }
    // Also where lengths and hashes are not signed for, as the specification allows.
    let mut mixed = two;
    forge(&mut mixed, SNAPSHOT, 5, |snapshot: &mut Snapshot| {
        let meta = snapshot.meta.get_mut(TARGETS).unwrap();
        (meta.length, meta.hashes) = (None, None);
    });
    forge(&mut mixed, TIMESTAMP, 6, |timestamp: &mut Timestamp| {
        let meta = timestamp.meta.get_mut(SNAPSHOT).unwrap();
        (meta.length, meta.hashes) = (None, None);
    });
    begin().verify(NOW, &mixed).unwrap();
    mixed.insert(TARGETS.to_owned(), one[TARGETS].clone());
    refused(&begin(), &mixed, "mixed");
}

#[test]
fn who_counts_far_ahead_is_overcome_by_a_new_key() {
    let ahead = seal(u64::MAX, [(TARGETS.to_owned(), slice(1)[TARGETS].clone())].into());
    let trust = begin().verify(NOW, &ahead).unwrap().trust().clone();
    refused(&trust, &slice(2), "rollback");
    let mut draft = root_draft(2);
    draft.roles.insert(TrustRole::Timestamp, held(&[16], 1));
    let mut files = slice(2);
    let snapshot = files[SNAPSHOT].clone();
    files.insert(
        TIMESTAMP.to_owned(),
        with(&[16], |keys| issue_timestamp(1, LATER, &snapshot, keys)).unwrap(),
    );
    files.insert("2.root.json".to_owned(), root(&draft, &[1, 2]));
    assert_eq!(trust.verify(NOW, &files).unwrap().trust().root_version(), 2);
}

#[test]
fn wrong_lengths_and_longer_files_are_refused() {
    for file in [TARGETS, SNAPSHOT] {
        let mut files = slice(1);
        files.get_mut(file).unwrap().extend_from_slice(b" ");
        let error = refused(&begin(), &files, "content");
        assert!(matches!(error, TrustError::Content { what: "length", .. }), "{error}");
    }
}

#[test]
fn one_key_is_counted_once() {
    // Twice in the list of signatures.
    let mut twice: Value = serde_json::from_slice(&root(&root_draft(1), &[1])).unwrap();
    let signature = twice["signatures"][0].clone();
    twice["signatures"].as_array_mut().unwrap().push(signature);
    let error = Trust::begin(&serde_json::to_vec(&twice).unwrap()).unwrap_err();
    assert!(matches!(error, TrustError::Signature { .. }), "{error}");
    // In capitals, which is the same name.
    twice["signatures"][1]["keyid"] = json!(twice["signatures"][0]["keyid"].as_str().unwrap().to_uppercase());
    assert!(matches!(Trust::begin(&serde_json::to_vec(&twice).unwrap()), Err(TrustError::Signature { .. })));
    // Under two names, since a name also covers fields without meaning.
    let mut signed: Signed<Root> = parse(&root(&root_draft(1), &[1]), "root.json").unwrap();
    let mut alias = key(1).public().tuf();
    if let Key::Ed25519 { _extra, .. } = &mut alias {
        _extra.insert("x".to_owned(), json!(1));
    }
    let alias_id = alias.key_id().unwrap();
    signed.signed.keys.insert(alias_id.clone(), alias);
    signed.signed.roles.get_mut(&RoleType::Root).unwrap().keyids.push(alias_id.clone());
    let text = with(&[1], |keys| sign(signed.signed, keys, "root.json")).unwrap();
    let mut value: Value = serde_json::from_slice(&text).unwrap();
    let mut second = value["signatures"][0].clone();
    second["keyid"] = json!(KeyId::of(&alias_id).to_string());
    value["signatures"].as_array_mut().unwrap().push(second);
    let text = serde_json::to_vec(&value).unwrap();
    // The library alone would count it twice.
    let read: Signed<Root> = parse(&text, "root.json").unwrap();
    read.signed.verify_role(&read).unwrap();
    let error = Trust::begin(&text).unwrap_err();
    assert!(matches!(&error, TrustError::Key { flaw: "is there under two names", .. }), "{error}");
}

#[test]
fn too_few_or_wrong_signatures_are_refused() {
    assert!(matches!(Trust::begin(&root(&root_draft(1), &[1])), Err(TrustError::Signature { .. })));
    assert!(matches!(Trust::begin(&root(&root_draft(1), &[1, 9])), Err(TrustError::Signature { .. })));
    assert!(matches!(Trust::begin(&root(&root_draft(1), &[])), Err(TrustError::Signature { .. })));
    // The key of another role.
    let mut files = slice(1);
    let targets = with(&[5], |keys| issue_targets(&targets_draft(1), keys)).unwrap();
    files.insert(TARGETS.to_owned(), targets);
    refused(&begin(), &seal(1, [(TARGETS.to_owned(), files[TARGETS].clone())].into()), "signature");
    // A file of another kind, though the same key holds both roles.
    let mut draft = root_draft(1);
    draft.roles.insert(TrustRole::Timestamp, held(&[5], 1));
    let both = Trust::begin(&root(&draft, &[1, 2])).unwrap();
    let mut files = slice(1);
    let snapshot = files[SNAPSHOT].clone();
    files
        .insert(TIMESTAMP.to_owned(), with(&[5], |keys| issue_timestamp(1, LATER, &snapshot, keys)).unwrap());
    both.verify(NOW, &files).unwrap();
    files.insert(TIMESTAMP.to_owned(), snapshot);
    refused(&both, &files, "signature");
    // A changed content under an old signature.
    let mut files = slice(1);
    edit(&mut files, TIMESTAMP, |value| value["signed"]["version"] = json!(2));
    refused(&begin(), &files, "signature");
}

#[test]
fn a_root_follows_the_one_before() {
    let trust = begin();
    let next = |draft: &RootDraft, signers: &[u8], code: &str| {
        let mut files = slice(1);
        files.insert("2.root.json".to_owned(), root(draft, signers));
        refused(&trust, &files, code);
    };
    let stolen = RootDraft {
        roles: {
            let mut roles = root_draft(2).roles;
            roles.insert(TrustRole::Root, held(&[21, 22], 2));
            roles
        },
        ..root_draft(2)
    };
    next(&stolen, &[21, 22], "signature");
    next(&stolen, &[1, 2], "signature");
    next(&root_draft(3), &[1, 2], "mixed");
    next(&root_draft(1), &[1, 2], "mixed");
    let mut files = slice(1);
    files.insert("2.root.json".to_owned(), root(&stolen, &[1, 2, 21, 22]));
    files.insert("3.root.json".to_owned(), root(&RootDraft { version: 3, ..stolen }, &[21, 22]));
    let trust = trust.verify(NOW, &files).unwrap().trust().clone();
    assert_eq!(trust.root_version(), 3);
    assert_eq!(trust.holders(TrustRole::Root).0, [21, 22].map(|number| key(number).public()));
    // A slice that still carries the way from the first root is fine for who went it already.
    trust.verify(NOW, &files).unwrap();
}

#[test]
fn a_key_that_was_revoked_signs_no_more() {
    let mut draft = root_draft(2);
    draft.roles.insert(TrustRole::Targets, held(&[14], 1));
    let mut files = slice(1);
    files.insert("2.root.json".to_owned(), root(&draft, &[2, 3]));
    refused(&begin(), &files, "signature");
}

#[test]
fn keys_and_roles_that_can_t_be_meant_are_refused() {
    let parse = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_slice(&root(&root_draft(1), &[1, 2])).unwrap();
        change(&mut value["signed"]);
        parse_root(&serde_json::to_vec(&value).unwrap(), "root.json").unwrap_err()
    };
    let role = |error: TrustError| assert!(matches!(error, TrustError::Role { .. }), "{error}");
    role(parse(&|signed| signed["roles"]["targets"]["threshold"] = json!(2)));
    role(parse(&|signed| {
        signed["roles"]["root"]["keyids"][1] = signed["roles"]["root"]["keyids"][0].clone()
    }));
    role(parse(&|signed| signed["roles"]["root"]["keyids"][1] = json!("00")));
    role(parse(&|signed| drop(signed["roles"].as_object_mut().unwrap().remove("snapshot"))));
    let unreadable = |error: TrustError| assert!(matches!(error, TrustError::Unreadable { .. }), "{error}");
    unreadable(parse(&|signed| signed["roles"]["root"]["threshold"] = json!(0)));
    unreadable(parse(&|signed| signed["version"] = json!(0)));
    unreadable(parse(&|signed| {
        let keys = signed["keys"].as_object_mut().unwrap();
        let (id, _) = keys.iter().next().map(|(id, key)| (id.clone(), key.clone())).unwrap();
        keys.get_mut(&id).unwrap()["keyval"]["public"] = json!("00".repeat(32));
    }));
    let draft = RootDraft { roles: [(TrustRole::Root, held(&[1, 1], 1))].into(), ..root_draft(1) };
    assert!(matches!(with(&[1], |keys| issue_root(&draft, keys)), Err(TrustError::Draft { .. })));
}

#[test]
fn what_nobody_signed_does_not_travel_along() {
    for file in ["extra.json", "9.root.json", "01.root.json", "root.json", "x"] {
        let mut files = slice(1);
        files.insert(file.to_owned(), b"{}".to_vec());
        refused(&begin(), &files, "unsigned");
    }
    for file in [TIMESTAMP, SNAPSHOT, TARGETS] {
        let mut files = slice(1);
        files.remove(file);
        refused(&begin(), &files, "missing");
    }
}

/// Targets that give `web/*` to two teams, one after the other, and what each of them signs.
fn two_teams(terminating: bool) -> Slice {
    let team = |name: &str, number: u8, terminating| DelegationDraft {
        name: name.to_owned(),
        held: held(&[number], 1),
        paths: vec!["web/*".to_owned()],
        terminating,
    };
    let says = |number: u8, target: &str| {
        let targets = [(target.to_owned(), Digests::of(&[number]))].into();
        with(&[number], |keys| issue_targets(&TargetsDraft { targets, ..targets_draft(1) }, keys)).unwrap()
    };
    let delegations = vec![team("first", 7, terminating), team("second", 8, false)];
    let draft = TargetsDraft { delegations, targets: BTreeMap::new(), ..targets_draft(1) };
    slice_of(1, draft, &[("first", says(7, "web/1.json")), ("second", says(8, "web/2.json"))])
}

#[test]
fn delegated_roles_vouch_for_what_was_given_to_them() {
    let vouched = begin().verify(NOW, &two_teams(false)).unwrap();
    vouched.check("web/1.json", &[7]).unwrap();
    vouched.check("web/2.json", &[8]).unwrap();
    let terminating = begin().verify(NOW, &two_teams(true)).unwrap();
    terminating.check("web/1.json", &[7]).unwrap();
    assert!(matches!(terminating.check("web/2.json", &[8]), Err(TrustError::Unvouched { .. })));
}

#[test]
fn leaving_out_a_role_makes_no_other_one_speak() {
    let mut files = two_teams(true);
    files.remove("first.json");
    refused(&begin(), &files, "missing");
}

#[test]
fn a_delegated_role_signs_only_what_was_given_to_it() {
    let team = DelegationDraft {
        name: "team".into(),
        held: held(&[7], 1),
        paths: vec!["web/*".into()],
        terminating: false,
    };
    let targets = [("mail/1.json".to_owned(), Digests::of(b"m"))].into();
    let says = with(&[7], |keys| issue_targets(&TargetsDraft { targets, ..targets_draft(1) }, keys)).unwrap();
    let draft =
        TargetsDraft { delegations: vec![team.clone()], targets: BTreeMap::new(), ..targets_draft(1) };
    let vouched = begin().verify(NOW, &slice_of(1, draft.clone(), &[("team", says)])).unwrap();
    assert!(matches!(vouched.check("mail/1.json", b"m"), Err(TrustError::Unvouched { .. })));
    // Another key than the one that was named.
    let says = with(&[8], |keys| issue_targets(&targets_draft(1), keys)).unwrap();
    refused(&begin(), &slice_of(1, draft, &[("team", says)]), "signature");
}

#[test]
fn roles_that_delegate_in_a_circle_or_under_another_s_name_are_refused() {
    let circle = DelegationDraft {
        name: "team".into(),
        held: held(&[7], 1),
        paths: vec!["*".into()],
        terminating: false,
    };
    let draft = TargetsDraft { delegations: vec![circle.clone()], ..targets_draft(1) };
    let says = with(&[7], |keys| issue_targets(&draft, keys)).unwrap();
    refused(&begin(), &slice_of(1, draft.clone(), &[("team", says)]), "limit");
    for name in ["root", "timestamp", "1.root", "../x", "a/b", ""] {
        let delegations = vec![DelegationDraft { name: name.into(), ..circle.clone() }];
        refused(&begin(), &slice_of(1, TargetsDraft { delegations, ..targets_draft(1) }, &[]), "role");
    }
}

#[test]
fn every_changed_byte_is_refused_or_changes_nothing() {
    let good = slice(1);
    let vouched = begin().verify(NOW, &good).unwrap();
    for (file, text) in &good {
        for at in (0..text.len()).step_by(3) {
            let mut changed = good.clone();
            changed.get_mut(file).unwrap()[at] ^= 1;
            if let Ok(found) = begin().verify(NOW, &changed) {
                assert_eq!(found, vouched, "`{file}`, byte {at}");
            }
        }
    }
}
