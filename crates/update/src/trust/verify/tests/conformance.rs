//! The cases of the framework's own conformance suite that apply to a client, read from `conformance/tuf/cases.json`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::super::issue::{
    DelegationDraft, RootDraft, TargetsDraft, issue_root, issue_snapshot, issue_targets, issue_timestamp,
    sign,
};
use super::super::*;
use super::{LATER, NOW, edit, forge, held, root_draft, with};

/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;

fn cases(kind: &str) -> Vec<Value> {
    let text = include_str!("../../../../../../conformance/tuf/cases.json");
    let all: Value = serde_json::from_str(text).unwrap();
    match &all[kind] {
        Value::Array(cases) => cases.clone(),
        one => vec![one.clone()],
    }
}

fn numbers(value: &Value) -> Vec<u8> {
    value.as_array().unwrap().iter().map(|number| u8::try_from(number.as_u64().unwrap()).unwrap()).collect()
}

fn day(value: &Value) -> Wall {
    let days = value.as_i64().unwrap();
    Wall(u64::try_from(i64::try_from(NOW.0).unwrap() + days * DAY_MS).unwrap())
}

/// A key of its own for each number: those of the suite begin with 0.
fn spread(numbers: &[u8]) -> Vec<u8> {
    numbers.iter().map(|number| number + 100).collect()
}

/// Version 1 of everything, signed by the usual keys.
fn plain() -> Slice {
    Repository::new().slice(&json!({ "targets": 1, "snapshot": 1, "timestamp": 1 }))
}

#[test]
fn roots_follow_each_other_only_by_keys_of_both() {
    for case in cases("roots") {
        let roots: Vec<Vec<u8>> = case["roots"]
            .as_array()
            .unwrap()
            .iter()
            .zip(1..)
            .map(|(root, version)| {
                let mut draft = root_draft(version);
                let keys = spread(&numbers(&root["keys"]));
                draft.roles.insert(TrustRole::Root, held(&keys, root["threshold"].as_u64().unwrap()));
                with(&spread(&numbers(&root["signers"])), |keys| issue_root(&draft, keys)).unwrap()
            })
            .collect();
        let trust = Trust::begin(&roots[0]).unwrap();
        let mut slice = plain();
        for (root, version) in roots.iter().zip(1..).skip(1) {
            slice.insert(format!("{version}.root.json"), root.clone());
        }
        match trust.verify(NOW, &slice) {
            Ok(vouched) => {
                assert_eq!(case["ok"], true, "{case}");
                assert_eq!(vouched.trust().root_version(), roots.len() as u64, "{case}");
            }
            Err(error) => {
                assert_eq!(case["ok"], false, "{case}: {error}");
                assert!(matches!(error, TrustError::Signature { .. }), "{case}: {error}");
            }
        }
    }
}

#[test]
fn each_other_role_needs_its_threshold_of_its_own_keys() {
    for case in cases("others") {
        let (keys, signers) = (spread(&numbers(&case["keys"])), spread(&numbers(&case["signers"])));
        for role in [TrustRole::Timestamp, TrustRole::Snapshot, TrustRole::Targets] {
            let mut repository = Repository::new();
            let threshold = case["threshold"].as_u64().unwrap();
            repository.draft.roles.insert(role, held(&keys, threshold));
            let first = with(&[1, 2], |keys| issue_root(&repository.draft, keys)).unwrap();
            repository.signers.insert(role.as_str(), signers.clone());
            let slice = repository.slice(&json!({ "targets": 1, "snapshot": 1, "timestamp": 1 }));
            let found = Trust::begin(&first).unwrap().verify(NOW, &slice);
            assert_eq!(found.is_ok(), case["ok"] == true, "{case} for {role:?}");
        }
    }
}

/// A graph of roles, each of them held by a key of its own, of which those in `targets` vouch for something.
fn graph(delegations: &Value, targets: &[(&str, &str, &[u8])]) -> Slice {
    let rows = delegations.as_array().unwrap();
    let mut names = vec!["targets"];
    names.extend(rows.iter().map(|row| row["to"].as_str().unwrap()));
    names.sort_unstable();
    names.dedup();
    let key = |name: &str| 50 + u8::try_from(names.iter().position(|one| *one == name).unwrap()).unwrap();
    let mut files = Slice::new();
    for name in &names {
        let delegations = rows.iter().filter(|row| row["from"] == *name).map(|row| DelegationDraft {
            name: row["to"].as_str().unwrap().to_owned(),
            held: held(&[key(row["to"].as_str().unwrap())], 1),
            paths: row["paths"].as_array().map_or(vec!["*".to_owned()], |paths| {
                paths.iter().map(|path| path.as_str().unwrap().to_owned()).collect()
            }),
            terminating: row["terminating"] == true,
        });
        let own = targets.iter().filter(|(role, ..)| role == name);
        let targets = own.map(|(_, path, bytes)| ((*path).to_owned(), Digests::of(bytes))).collect();
        let draft = TargetsDraft { version: 1, expires: LATER, targets, delegations: delegations.collect() };
        let signer = if *name == "targets" { 4 } else { key(name) };
        files.insert(format!("{name}.json"), with(&[signer], |keys| issue_targets(&draft, keys)).unwrap());
    }
    super::seal(1, files)
}

#[test]
fn delegated_roles_are_asked_in_their_order_and_no_others() {
    for case in cases("graphs") {
        let order: Vec<&str> =
            case["order"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect();
        if let Some(code) = case["ours"].as_str() {
            super::refused(&super::begin(), &graph(&case["delegations"], &[]), code);
            continue;
        }
        let found = |targets: &[(&str, &str, &[u8])], bytes: &[u8]| {
            let slice = graph(&case["delegations"], targets);
            super::begin().verify(NOW, &slice).unwrap().check("missingpath", bytes).is_ok()
        };
        for role in ["A", "B", "C", "D"] {
            let is_known = case["delegations"].as_array().unwrap().iter().any(|row| row["to"] == role);
            if is_known {
                let is_asked = found(&[(role, "missingpath", b"x")], b"x");
                assert_eq!(is_asked, order.contains(&role), "{role} in {case}");
            }
        }
        for pair in order.windows(2) {
            let both: &[(&str, &str, &[u8])] =
                &[(pair[0], "missingpath", b"first"), (pair[1], "missingpath", b"second")];
            assert!(found(both, b"first") && !found(both, b"second"), "{pair:?} in {case}");
        }
    }
}

#[test]
fn a_target_is_found_where_every_role_on_the_way_may_vouch_for_it() {
    let case = cases("lookups").remove(0);
    let rows = case["targets"].as_array().unwrap();
    let pair = |row: &'_ Value| (row[0].as_str().unwrap().to_owned(), row[1].as_str().unwrap().to_owned());
    let named: Vec<(String, String)> = rows.iter().map(pair).collect();
    let targets: Vec<(&str, &str, &[u8])> =
        named.iter().map(|(role, path)| (role.as_str(), path.as_str(), path.as_bytes())).collect();
    let vouched = super::begin().verify(NOW, &graph(&case["delegations"], &targets)).unwrap();
    let mut differing = Vec::new();
    for row in case["cases"].as_array().unwrap() {
        let path = row[0].as_str().unwrap();
        if vouched.check(path, path.as_bytes()).is_ok() != (row[1] == true) {
            differing.push(path);
        }
    }
    assert!(differing.is_empty(), "{differing:?}");
}

/// A repository that is published step by step.
struct Repository {
    draft: RootDraft,
    /// Roots after the first.
    roots: Slice,
    /// Who signs each role, if not the usual keys.
    signers: BTreeMap<&'static str, Vec<u8>>,
    published: BTreeMap<u64, Slice>,
    slice: Slice,
}

impl Repository {
    fn new() -> Self {
        Self {
            draft: root_draft(1),
            roots: Slice::new(),
            signers: BTreeMap::new(),
            published: BTreeMap::new(),
            slice: Slice::new(),
        }
    }

    fn signers(&self, role: TrustRole, wanted: &Value) -> Vec<u8> {
        if !wanted[role.as_str()].is_null() {
            return numbers(&wanted[role.as_str()]);
        }
        let usual = match role {
            TrustRole::Root => vec![1, 2],
            TrustRole::Targets => vec![4],
            TrustRole::Snapshot => vec![5],
            TrustRole::Timestamp => vec![6],
        };
        self.signers.get(role.as_str()).cloned().unwrap_or(usual)
    }

    /// The next root, with what a step changes in it.
    fn next_root(&mut self, step: &Value) {
        self.draft.version += 1;
        self.draft.expires = if step["expiresDay"].is_null() { LATER } else { day(&step["expiresDay"]) };
        let roles = TrustRole::ALL.into_iter().filter(|role| !step["root"][role.as_str()].is_null());
        for role in roles {
            let keys = numbers(&step["root"][role.as_str()]);
            self.signers.insert(role.as_str(), keys.clone());
            let threshold = step["threshold"][role.as_str()].as_u64().unwrap_or(1);
            // What can't be meant is forged below; a draft of it is refused.
            let threshold = if step["forged"] == true { 1 } else { threshold };
            self.draft.roles.insert(role, held(&keys, threshold));
        }
        let name = format!("{}.root.json", self.draft.version);
        let text = with(&[1, 2], |keys| issue_root(&self.draft, keys)).unwrap();
        self.roots.insert(name.clone(), text);
        if step["forged"] == true {
            self.forge_root(&name, step);
        }
    }

    /// A root as no draft allows it, signed as it should be.
    fn forge_root(&mut self, name: &str, step: &Value) {
        let mut whole: Value = serde_json::from_slice(&self.roots[name]).unwrap();
        let root = &mut whole["signed"];
        if let Some(threshold) = step["threshold"]["snapshot"].as_u64() {
            root["roles"]["snapshot"]["threshold"] = json!(threshold);
        }
        if step["extra"] == true {
            root["custom-field"] = json!("value");
            let id = root["roles"]["root"]["keyids"][0].as_str().unwrap().to_owned();
            root["roles"]["root"]["another-field"] = json!("value");
            root["keys"][&id]["keyid_hash_algorithms"] = json!(["md5"]);
            // A key's name covers these fields.
            rename_key(root, &id);
        }
        if !step["alias"].is_null() {
            let id = root["roles"]["snapshot"]["keyids"][0].as_str().unwrap().to_owned();
            let mut alias = root["keys"][&id].clone();
            alias["extra-field"] = json!(1);
            root["keys"]["00"] = alias;
            rename_key(root, "00");
            let taken: Vec<String> = root["keys"].as_object().unwrap().keys().cloned().collect();
            let known = TrustRole::ALL.map(|role| root["roles"][role.as_str()]["keyids"].clone());
            let is_known = |id: &String| known.iter().any(|ids| ids.as_array().unwrap().contains(&json!(id)));
            let new = taken.iter().find(|id| !is_known(id)).unwrap();
            root["roles"]["snapshot"]["keyids"].as_array_mut().unwrap().push(json!(new));
        }
        let role: Root = serde_json::from_value(root.clone()).unwrap();
        self.roots.insert(name.to_owned(), with(&[1, 2, 3], |keys| sign(role, keys, name)).unwrap());
    }

    fn slice(&mut self, said: &Value) -> Slice {
        let number = |name: &str| said[name].as_u64().unwrap();
        let expires = |role: &str| match &said["expiresDay"][role] {
            Value::Null => LATER,
            days => day(days),
        };
        let team = DelegationDraft {
            name: "team".into(),
            held: held(&[7], 1),
            paths: vec!["x/*".into()],
            terminating: false,
        };
        let targets = TargetsDraft {
            version: number("targets"),
            expires: expires("targets"),
            targets: [("web/1.0.0.json".to_owned(), Digests::of(b"web head"))].into(),
            delegations: if said["team"] == true { vec![team] } else { Vec::new() },
        };
        let sign_as = |role| self.signers(role, &said["signers"]);
        let mut files = Slice::new();
        let text = with(&sign_as(TrustRole::Targets), |keys| issue_targets(&targets, keys)).unwrap();
        files.insert(TARGETS.to_owned(), text);
        if said["team"] == true {
            let draft = TargetsDraft { delegations: Vec::new(), ..targets };
            files.insert("team.json".to_owned(), with(&[7], |keys| issue_targets(&draft, keys)).unwrap());
        }
        let snapshot = with(&sign_as(TrustRole::Snapshot), |keys| {
            issue_snapshot(number("snapshot"), expires("snapshot"), &files, keys)
        });
        let snapshot = snapshot.unwrap();
        files.insert(SNAPSHOT.to_owned(), snapshot.clone());
        let timestamp = with(&sign_as(TrustRole::Timestamp), |keys| {
            issue_timestamp(number("timestamp"), expires("timestamp"), &snapshot, keys)
        });
        files.insert(TIMESTAMP.to_owned(), timestamp.unwrap());
        self.bend(&mut files, said);
        files.extend(self.roots.clone());
        self.published.insert(number("timestamp"), files.clone());
        files
    }

    /// What an attacker, or a repository without hashes, makes of the files.
    fn bend(&self, files: &mut Slice, said: &Value) {
        let signer = |role| self.signers(role, &said["signers"])[0];
        if said["hashes"] == false || !said["saidTargets"].is_null() {
            forge(files, SNAPSHOT, signer(TrustRole::Snapshot), |snapshot: &mut Snapshot| {
                let meta = snapshot.meta.get_mut(TARGETS).unwrap();
                (meta.length, meta.hashes) = (None, None);
                if let Some(version) = said["saidTargets"].as_u64() {
                    meta.version = version.try_into().unwrap();
                }
            });
        }
        if said["hashes"] == false || !said["saidSnapshot"].is_null() {
            forge(files, TIMESTAMP, signer(TrustRole::Timestamp), |timestamp: &mut Timestamp| {
                let meta = timestamp.meta.get_mut(SNAPSHOT).unwrap();
                if said["hashes"] == false {
                    (meta.length, meta.hashes) = (None, None);
                }
                if let Some(version) = said["saidSnapshot"].as_u64() {
                    meta.version = version.try_into().unwrap();
                    if let Some(hashes) = &mut meta.hashes {
                        hashes.sha256 = vec![0; 32].into();
                    }
                }
            });
        }
        if let Some(file) = said["spoil"].as_str() {
            edit(files, file, |value| value["signed"]["version"] = json!(9));
        }
        if let Some(file) = said["pad"].as_str() {
            files.get_mut(file).unwrap().push(b' ');
        }
        if let Some(file) = said["extraFile"].as_str() {
            files.insert(file.to_owned(), b"{}".to_vec());
        }
        if let Some(other) = said["snapshotOf"].as_u64() {
            files.insert(SNAPSHOT.to_owned(), self.published[&other][SNAPSHOT].clone());
        }
    }
}

/// Gives a key the name that belongs to its fields, everywhere.
fn rename_key(root: &mut Value, id: &str) {
    let key = root["keys"].as_object_mut().unwrap().remove(id).unwrap();
    let read: Key = serde_json::from_value(key.clone()).unwrap();
    let name = KeyId::of(&read.key_id().unwrap()).to_string();
    root["keys"][&name] = key;
    for role in TrustRole::ALL {
        for one in root["roles"][role.as_str()]["keyids"].as_array_mut().unwrap() {
            if *one == id {
                *one = json!(name);
            }
        }
    }
}

/// What a home has seen, by the names of the cases.
fn seen(trust: &Trust, what: &str) -> u64 {
    match what {
        "root" => trust.root_version(),
        "timestamp" => trust.timestamp,
        "snapshot" => trust.snapshot,
        "targets" => trust.targets.get(TARGETS).copied().unwrap_or_default(),
        other => panic!("no such role: {other}"),
    }
}

fn begin_spoiled(what: &str) -> TrustError {
    let mut files =
        Slice::from([("root".to_owned(), with(&[1, 2], |keys| issue_root(&root_draft(1), keys)).unwrap())]);
    edit(&mut files, "root", |value| match what {
        "version" => drop(value["signed"].as_object_mut().unwrap().remove("version")),
        _ => value["signatures"][0]["sig"] = json!("00".repeat(64)),
    });
    Trust::begin(&files["root"]).unwrap_err()
}

#[test]
fn a_home_that_looks_again_and_again_keeps_what_it_has_seen() {
    use abi::Explain as _;
    for case in cases("sequences") {
        let (mut repository, mut trust) = (Repository::new(), super::begin());
        for step in case["steps"].as_array().unwrap() {
            if !step["publish"].is_null() {
                repository.slice = repository.slice(&step["publish"]);
            } else if !step["root"].is_null() {
                repository.next_root(step);
                repository.slice.extend(repository.roots.clone());
            } else if let Some(what) = step["begin"].as_str() {
                let error = begin_spoiled(what);
                assert_eq!(
                    json!(error.code()),
                    format!("update::trust::{}", step["refused"].as_str().unwrap())
                );
            } else {
                let now = if step["day"].is_null() { NOW } else { day(&step["day"]) };
                let code = match trust.verify(now, &repository.slice) {
                    Ok(vouched) => {
                        trust = Trust::parse(&vouched.trust().to_json()).unwrap();
                        "ok"
                    }
                    Err(error) => error.code().trim_start_matches("update::trust::"),
                };
                assert_eq!(step["refresh"], code, "{step} in {case}");
                for (what, version) in step["seen"].as_object().into_iter().flatten() {
                    assert_eq!(
                        seen(&trust, what),
                        version.as_u64().unwrap(),
                        "{what} after {step} in {case}"
                    );
                }
            }
        }
    }
}
