//! What of a state is kept when only some members are declared.

use super::selected;

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

#[test]
fn declared_members_are_kept_as_they_stand_and_nothing_else() {
    let state = br#"{"kept": [1, 2.50, "\u00e9"], "cache": {"kept": 1}, "n":1e3}"#;
    let kept = selected(state, &keys(&["kept", "n", "absent"])).expect("an object");
    assert_eq!(String::from_utf8(kept).expect("text"), r#"{"kept":[1, 2.50, "\u00e9"],"n":1e3}"#);
    assert_eq!(selected(state, &keys(&["absent"])).expect("an object"), b"{}");
}

#[test]
fn a_state_that_has_no_members_is_refused() {
    for state in [&b"[1]"[..], b"7", b"\x00\xff", b"{\"a\":", b"null"] {
        let why = selected(state, &keys(&["a"])).expect_err("it is no object");
        assert!(why.contains("no JSON object"), "{why}");
    }
}
