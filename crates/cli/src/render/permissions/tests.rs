//! Permissions are shown value by value.

use expect_test::expect;

use super::*;
use crate::theme::Glyphs;

fn by_kind(pairs: &[(&str, &[&str])]) -> ByKind {
    pairs
        .iter()
        .map(|(kind, values)| ((*kind).to_owned(), values.iter().map(|value| (*value).to_owned()).collect()))
        .collect()
}

fn wish(id: &str) -> PendingRow {
    PendingRow {
        request_id: id.to_owned(),
        module_id: "web".to_owned(),
        permissions: by_kind(&[("net", &["api.example:443"])]),
        reason: Some(
            "to fetch the weather of the whole week for every town that was ever asked for".to_owned(),
        ),
    }
}

#[test]
fn an_approval_shows_every_value_on_a_line_of_its_own() {
    let permissions = by_kind(&[("net", &["a:1", "b:2"]), ("read", &["data"])]);
    let text = asked(&Theme::plain(Glyphs::Unicode), &permissions);
    assert_eq!(text, "  net   a:1\n  net   b:2\n  read  data\n");
}

#[test]
fn asking_for_nothing_is_said() {
    assert_eq!(asked(&Theme::plain(Glyphs::Unicode), &by_kind(&[("net", &[])])), "  nothing\n");
}

#[test]
fn the_list_shows_each_standing() {
    let rows = [
        PermissionRow {
            module_id: "web".to_owned(),
            approved: true,
            base: by_kind(&[("net", &["a:1"]), ("read", &["data", "more"])]),
            dynamic: by_kind(&[("net", &["b:2"])]),
            denied: by_kind(&[("run", &["rm"])]),
            pending: vec![wish("4f0c9a1e-1111-4222-8333-444444444444")],
        },
        PermissionRow {
            module_id: "mailer".to_owned(),
            approved: false,
            base: ByKind::new(),
            dynamic: ByKind::new(),
            denied: ByKind::new(),
            pending: Vec::new(),
        },
    ];
    expect![[r#"
        MODULE  STANDING      WHAT
        web     approved      net a:1, read data more
                granted       net b:2
                pending       net api.example:443
                denied        run rm
        mailer  not approved  nothing
    "#]]
    .assert_eq(&list(&Theme::plain(Glyphs::Unicode), &rows));
}

#[test]
fn wishes_are_named_by_the_beginning_of_their_number() {
    let rows = [wish("4f0c9a1e-1111-4222-8333-444444444444"), PendingRow { reason: None, ..wish("") }];
    expect![[r#"
        REQUEST    MODULE  WISHES               BECAUSE
        4f0c9a1e   web     net api.example:443  to fetch the weather of the whole week
                                                for every town that was ever asked for
        (install)  web     net api.example:443
    "#]]
    .assert_eq(&pending(&Theme::plain(Glyphs::Unicode), &rows));
}
