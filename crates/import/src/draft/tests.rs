//! Settling: names, needs, limits, remarks.

use super::*;

fn draft(names: &[(&str, &[&str])]) -> Draft {
    let mut draft = Draft::new("a");
    for (name, needs) in names {
        let mut module = Module::new(name, Program::Text("true".to_owned()));
        module.needs = needs.iter().map(|need| (*need).to_owned()).collect();
        draft.push(module);
    }
    draft.settle()
}

fn ids(draft: &Draft) -> Vec<(&str, Vec<&str>)> {
    draft
        .modules()
        .map(|module| (module.id.as_str(), module.needs.iter().map(String::as_str).collect()))
        .collect()
}

#[test]
fn names_become_ids_that_differ_and_needs_follow_them() {
    let settled = draft(&[("a b", &[]), ("a-b", &["a b"]), ("", &["a-b"]), ("ł", &[])]);
    let expected = [("a-b-2", vec![]), ("a-b", vec!["a-b-2"]), ("module", vec!["a-b"]), ("module-2", vec![])];
    assert_eq!(ids(&settled), expected);
    assert!(settled.modules().next().expect("there").remarks.iter().any(|remark| remark.contains("`a b`")));
}

#[test]
fn needs_of_nobody_of_itself_and_in_a_circle_are_dropped_with_a_remark() {
    let settled = draft(&[("a", &["b", "gone"]), ("b", &["c"]), ("c", &["a", "c", "b"])]);
    assert_eq!(ids(&settled), [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec![])]);
    let remarks: usize = settled.modules().map(|module| module.remarks.iter().count()).sum();
    assert_eq!(remarks, 4);
}

#[test]
fn a_program_that_is_none_is_left_out() {
    for program in [
        Program::Text("  ".to_owned()),
        Program::Text("a 'b".to_owned()),
        Program::Text("x".repeat(4097)),
        Program::Words(vec![]),
        Program::Words(vec!["a".to_owned(), "b\0".to_owned()]),
        Program::Words(vec!["a".to_owned(); 1025]),
    ] {
        let mut draft = Draft::new("a");
        draft.push(Module::new("a", program.clone()));
        assert_eq!(draft.settle().left_out().count(), 1, "{program:?}");
    }
    let mut draft = Draft::new("a");
    draft.push(Module::new("a", Program::Text("x".repeat(4096))));
    draft.push(Module::new("b", Program::Words(vec!["a".to_owned(); 1024])));
    assert_eq!(draft.settle().left_out().count(), 0);
}

#[test]
fn remarks_are_bounded_and_stay_on_one_line() {
    let mut remarks = Remarks::default();
    for number in 0..100 {
        remarks.add(format!("remark\n{number}"));
        remarks.add("remark\n0");
    }
    let all: Vec<String> = remarks.iter().collect();
    assert_eq!(all.len(), REMARKS_MAX + 1);
    assert_eq!(all[0], "remark 0");
    assert_eq!(all[REMARKS_MAX], "and 40 remarks more");
    remarks = Remarks::default();
    remarks.add("x".repeat(REMARK_CHARS_MAX * 2));
    assert!(remarks.iter().all(|remark| remark.chars().count() == REMARK_CHARS_MAX + 1));
}

#[test]
fn a_draft_shows_no_values_of_environments() {
    let mut module = Module::new("a", Program::Text("b".to_owned()));
    module.set_env("KEY", "hidden-value");
    assert!(!format!("{module:?}").contains("hidden-value"));
    module.set_env("KEY", "other");
    assert_eq!(module.env, [("KEY".to_owned(), "other".to_owned())]);
}
