//! The difference as it is shown.

use std::collections::BTreeMap;

use expect_test::expect;
use protocol::operator::{Held, Profiled};

use super::profile;
use crate::theme::{Glyphs, Theme};

fn by_kind(values: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    values.iter().map(|(kind, values)| ((*kind).to_owned(), owned(values))).collect()
}

#[test]
fn what_is_missing_and_what_is_not_used_stand_beside_what_stays() {
    let profiled = Profiled {
        module_id: "web".to_owned(),
        held: Held::Closed,
        observed_ms: 10_000,
        granted: by_kind(&[("net", &["api.example:443"]), ("read", &["/data"])]),
        needed: by_kind(&[("net", &["api.example:443"]), ("run", &["git"])]),
        refused_calls: vec!["io_uring_setup".to_owned()],
        left_out: 0,
        status: "ready".to_owned(),
        file: None,
    };
    expect![[r#"
        observed web for 10s, ready; what it was not granted was refused
          net   api.example:443
        - read  /data   not used meanwhile
        + run   git
        system calls that no permission allows, refused: io_uring_setup
    "#]]
    .assert_eq(&profile(&Theme::plain(Glyphs::Ascii), &profiled));
}

#[test]
fn who_needs_nothing_is_told_so() {
    let profiled = Profiled {
        module_id: "web".to_owned(),
        held: Held::Open,
        observed_ms: 1_000,
        granted: BTreeMap::new(),
        needed: BTreeMap::new(),
        refused_calls: Vec::new(),
        left_out: 0,
        status: "completed".to_owned(),
        file: None,
    };
    expect![[r#"
        observed web for 1s, completed; nothing was refused
          it needs no permission
    "#]]
    .assert_eq(&profile(&Theme::plain(Glyphs::Ascii), &profiled));
}
