//! Plans: what changes, who notices, what a person is asked, and what is not done.

use serde_json::json;

use super::*;

fn id(name: &str) -> ModuleId {
    ModuleId::parse(name).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn facts(version: &str) -> Facts {
    Facts {
        version: Version::parse(version).unwrap(),
        door: (1, 0),
        permissions: Permissions::default(),
        provides: BTreeMap::new(),
        calls: BTreeSet::new(),
        needs: BTreeMap::new(),
        files: files(&[("module.json", version)]),
    }
}

fn files(files: &[(&str, &str)]) -> BTreeMap<PackedPath, Digests> {
    let file = |(path, text): &(&str, &str)| (PackedPath::parse(path).unwrap(), Digests::of(text.as_bytes()));
    files.iter().map(file).collect()
}

fn provides(params: serde_json::Value) -> BTreeMap<Name, Contract> {
    let contract = serde_json::from_value(json!({ "send": { "params": params } })).unwrap();
    [(name("mail"), contract)].into()
}

/// `mail` 1.0.0 answers the service `mail`; `web` 1.0.0 calls it and needs `mail` 1.
fn present() -> BTreeMap<ModuleId, Facts> {
    let mail = Facts { provides: provides(json!({ "type": ["string", "null"] })), ..facts("1.0.0") };
    let needs = [(id("mail"), VersionReq::parse("^1").unwrap())].into();
    let web = Facts { calls: [name("mail")].into(), needs, ..facts("1.0.0") };
    [(id("mail"), mail), (id("web"), web)].into()
}

fn wish(facts: Facts) -> Wish {
    let state = BTreeSet::from(["drafts".to_owned()]);
    Wish { facts, strategy: Strategy::Hot, stored_bytes: 7, pause: Duration::from_millis(9), state }
}

/// The plan for new versions of some modules.
fn plan_of(wished: &[(&str, Facts)], seen: &[(&str, &str)]) -> Plan {
    let wished = wished.iter().map(|(module, facts)| (id(module), wish(facts.clone()))).collect();
    let mut observed: BTreeMap<Name, BTreeSet<ModuleId>> = BTreeMap::new();
    for (service, module) in seen {
        observed.entry(name(service)).or_default().insert(id(module));
    }
    let present = present();
    plan(&Question { present: &present, wished: &wished, door: (1, 2), seen: &observed })
}

/// A next version of `mail` that keeps its promises.
fn next_mail(version: &str) -> Facts {
    Facts { version: Version::parse(version).unwrap(), ..present()[&id("mail")].clone() }
}

#[test]
fn an_update_that_keeps_everything_has_no_doubts_and_no_obstacles() {
    let files = files(&[("module.json", "1.1.0"), ("run", "new")]);
    let plan = plan_of(&[("mail", Facts { files, ..next_mail("1.1.0") })], &[("mail", "cron")]);
    assert_eq!((&plan.doubts[..], &plan.obstacles[..]), (&[][..], &[][..]));
    let mail = &plan.modules[&id("mail")];
    assert_eq!((mail.from.as_ref(), &mail.to), (Some(&Version::new(1, 0, 0)), &Version::new(1, 1, 0)));
    let path = |text| PackedPath::parse(text).unwrap();
    assert_eq!(
        (&mail.files.added[..], &mail.files.changed[..]),
        (&[path("run")][..], &[path("module.json")][..])
    );
    assert_eq!((mail.files.bytes, mail.files.same, mail.stored_bytes), (8, 0, 7));
    let callers: Vec<(String, Source)> = mail
        .affected
        .iter()
        .map(|affected| (affected.module.to_string(), affected.services[&name("mail")]))
        .collect();
    assert_eq!(callers, [("cron".to_owned(), Source::Seen), ("web".to_owned(), Source::Declared)]);
    assert_eq!(mail.pause, Duration::from_millis(9));
}

#[test]
fn a_broken_promise_is_an_obstacle_where_somebody_relies_on_it() {
    let narrow = Facts { provides: provides(json!({ "type": "string" })), ..next_mail("1.1.0") };
    let plan = plan_of(&[("mail", narrow.clone())], &[]);
    let [Obstacle::Contract { breach, callers, .. }] = &plan.obstacles[..] else { panic!("{plan:?}") };
    assert_eq!(breach.to_string(), "method `send` takes less: no null");
    assert_eq!(callers[..], [id("web")]);
    // With a new caller that does not call it any more, nobody relies on it: a person is told.
    let plan = plan_of(&[("mail", narrow), ("web", facts("2.0.0"))], &[]);
    assert!(plan.obstacles.is_empty());
    assert!(matches!(&plan.doubts[..], [Doubt::Contract(..)]));
}

#[test]
fn what_can_t_be_compared_is_a_doubt() {
    let strange = Facts { provides: provides(json!({ "not": { "type": "number" } })), ..next_mail("1.1.0") };
    let plan = plan_of(&[("mail", strange)], &[]);
    assert!(plan.obstacles.is_empty());
    assert!(matches!(&plan.doubts[..], [Doubt::Contract(_, _, Breach::Unclear { .. })]), "{plan:?}");
}

#[test]
fn a_service_that_goes_is_an_obstacle_unless_it_is_answered_elsewhere() {
    let silent = Facts { provides: BTreeMap::new(), ..next_mail("1.1.0") };
    let plan = plan_of(&[("mail", silent.clone())], &[]);
    assert!(
        matches!(&plan.obstacles[..], [Obstacle::ServiceLost { callers, .. }] if callers[..] == [id("web")])
    );
    let other = Facts { provides: provides(json!(true)), ..facts("1.0.0") };
    assert!(plan_of(&[("mail", silent), ("post", other)], &[]).obstacles.is_empty());
}

#[test]
fn versions_that_do_not_fit_are_obstacles_for_both_sides() {
    let plan = plan_of(&[("mail", next_mail("2.0.0"))], &[]);
    let found = Some(Version::new(2, 0, 0));
    assert!(
        matches!(&plan.obstacles[..], [Obstacle::Version { module, found: is, .. }] if *module == id("web") && *is == found)
    );
    let needs = |range: &str| BTreeMap::from([(id("mail"), VersionReq::parse(range).unwrap())]);
    let web = |range| Facts { needs: needs(range), calls: [name("mail")].into(), ..facts("2.0.0") };
    assert_eq!(plan_of(&[("web", web("^2"))], &[]).obstacles.len(), 1);
    // Both in one transaction fit each other.
    assert!(plan_of(&[("mail", next_mail("2.0.0")), ("web", web("^2"))], &[]).obstacles.is_empty());
    let absent = Facts { needs: [(id("nobody"), VersionReq::STAR)].into(), ..facts("2.0.0") };
    let plan = plan_of(&[("web", absent)], &[]);
    assert!(matches!(&plan.obstacles[..], [Obstacle::Version { found: None, .. }]));
    // A new module that has nothing to do with it is not stopped by what did not fit before.
    assert!(plan_of(&[("new", facts("1.0.0"))], &[]).obstacles.is_empty());
}

#[test]
fn a_door_that_is_too_new_or_another_one_is_an_obstacle() {
    for (door, fits) in [((1, 2), true), ((1, 0), true), ((1, 3), false), ((2, 0), false), ((0, 9), false)] {
        let plan = plan_of(&[("mail", Facts { door, ..next_mail("1.1.0") })], &[]);
        assert_eq!(plan.obstacles.is_empty(), fits, "{door:?}");
    }
}

#[test]
fn more_permissions_older_versions_and_other_files_are_doubts() {
    let mut permissions = Permissions::default();
    permissions.net.insert("api.example:443".to_owned());
    let plan = plan_of(&[("mail", Facts { permissions: permissions.clone(), ..next_mail("1.1.0") })], &[]);
    assert_eq!(plan.doubts, [Doubt::Permissions(id("mail"))]);
    assert_eq!(plan.modules[&id("mail")].asks, permissions);
    let plan = plan_of(
        &[("mail", next_mail("0.9.0")), ("web", Facts { calls: BTreeSet::new(), ..facts("2.0.0") })],
        &[],
    );
    assert_eq!(plan.doubts, [Doubt::Downgrade(id("mail"))]);
    let plan =
        plan_of(&[("mail", Facts { files: files(&[("module.json", "x")]), ..next_mail("1.0.0") })], &[]);
    assert_eq!(plan.doubts, [Doubt::SameVersion(id("mail"))]);
    assert!(plan_of(&[("mail", next_mail("1.0.0"))], &[]).doubts.is_empty());
}
