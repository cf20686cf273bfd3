//! Who loses what, by what modules declare.

use super::*;

fn module(id: &str, provides: &[&str], requires: &[&str], needs: &[&str], may_call: &[&str]) -> Declared {
    let texts = |these: &[&str]| these.iter().map(ToString::to_string).collect();
    Declared {
        id: id.to_owned(),
        provides: texts(provides),
        requires: texts(requires),
        needs: texts(needs),
        may_call: texts(may_call),
    }
}

#[test]
fn those_who_require_it_come_first_then_those_behind_them_then_those_who_may_call_it() {
    let db = module("db", &["sql"], &[], &[], &[]);
    let all = [
        db.clone(),
        module("cron", &[], &[], &[], &["s*"]),
        module("web", &["http"], &["sql"], &[], &[]),
        module("job", &[], &[], &["db"], &[]),
        module("edge", &[], &["http"], &[], &[]),
        module("other", &[], &[], &[], &["mail"]),
    ];
    let found: Vec<String> = affected(&db, &all)
        .into_iter()
        .map(|one| format!("{} {} {}", one.module_id, one.how, one.what.join(",")))
        .collect();
    assert_eq!(found, ["web requires sql", "job needs sql", "edge through web", "cron may_call sql"]);
}

#[test]
fn a_circle_comes_to_an_end() {
    let one = module("one", &["a"], &["b"], &[], &[]);
    let two = module("two", &["b"], &["a"], &[], &[]);
    assert_eq!(affected(&one, &[one.clone(), two]).len(), 1);
}
