//! What the stored approvals mean; how the file is read and written stands in `conformance/vectors/permissions.jsonl`.

use std::fmt::Write as _;

use super::*;

fn net(values: &[&str]) -> Permissions {
    let net = values.iter().map(|value| (*value).to_owned()).collect();
    Permissions { net, ..Permissions::default() }
}

#[test]
fn effective_is_what_was_approved_and_granted_since() {
    let grant = Grant { permissions: net(&["b"]), reason: None, granted_at: None };
    let entry = Entry { base: Some(net(&["a"])), dynamic: vec![grant], ..Entry::default() };
    assert_eq!(entry.effective(), net(&["a", "b"]));
}

#[test]
fn a_request_that_holds_any_denied_value_is_denied() {
    let denial = Denial { permissions: net(&["a", "b"]), reason: None, denied_at: None };
    let entry = Entry { denied: vec![denial], ..Entry::default() };
    assert!(entry.is_denied(&net(&["b", "c"])));
    assert!(!entry.is_denied(&net(&["c"])));
    assert!(!entry.is_denied(&Permissions::default()));
}

#[test]
fn of_more_malformed_entries_than_are_told_none_is_approved() {
    let mut text = "modules:\n".to_owned();
    for number in 0..120 {
        writeln!(text, "  m{number}: {{base: {{net: a}}}}").expect("a String takes it");
    }
    let (store, warnings) = Store::parse("f", &text).expect("the file as a whole is fine");
    assert_eq!((store.modules.len(), store.unreadable.len(), warnings.len()), (0, 120, 100));
}

#[test]
fn a_new_approval_takes_the_place_of_an_unreadable_entry() {
    let (mut store, _) = Store::parse("f", "modules: {m: 7}").expect("the file as a whole is fine");
    let id = ModuleId::parse("m").expect("a slug");
    store.modules.insert(id.clone(), Entry { base: Some(net(&["a"])), ..Entry::default() });
    let (again, warnings) = Store::parse("f", &store.to_yaml()).expect("it was just written");
    assert!(warnings.is_empty() && again.unreadable.is_empty());
    assert_eq!(again.modules[&id].effective(), net(&["a"]));
}

#[test]
fn a_time_that_no_calendar_names_is_left_out() {
    let id = ModuleId::parse("m").expect("a slug");
    let entry = Entry { base_granted_at: Some(Wall(u64::MAX)), ..Entry::default() };
    let store = Store { modules: BTreeMap::from([(id.clone(), entry)]), ..Store::default() };
    let (again, _) = Store::parse("f", &store.to_yaml()).expect("it was just written");
    assert_eq!(again.modules[&id].base_granted_at, None);
}

#[test]
fn values_that_look_like_something_else_survive_being_written() {
    let awkward = [
        "*", "no", "1", "1e3", "null", "~", "a: b", "#x", " x ", "'", "\"", "0x1F", "@x", "- a", "ł", "a\nb",
        "{x}",
    ];
    let id = ModuleId::parse("m").expect("a slug");
    let entry = Entry { base: Some(net(&awkward)), ..Entry::default() };
    let store = Store { modules: BTreeMap::from([(id, entry)]), ..Store::default() };
    assert_eq!(Store::parse("f", &store.to_yaml()), Ok((store, Vec::new())));
}
