//! The sentences are read as they stand, and what can't be read is said.

use super::json;

#[test]
fn each_entry_becomes_a_line() {
    let source = r#"
const fn says(code: &'static str) -> Meaning {}
    says("a.b", "it \"is\" {x}", "jest {x}", "ostoja ps"),
    says(
        "c.d",
        "two",
        "dwa",
        "",
    ),
"#;
    let text = json(source).expect("the table is right");
    assert_eq!(
        text,
        "{\n\"a.b\": {\"en\":\"it \\\"is\\\" {x}\",\"pl\":\"jest {x}\",\"remedy\":\"ostoja ps\"},\n\
         \"c.d\": {\"en\":\"two\",\"pl\":\"dwa\",\"remedy\":\"\"}\n}\n"
    );
}

#[test]
fn a_code_that_stands_twice_is_refused() {
    let source = r#"says("a", "b", "c", ""), says("a", "b", "c", "")"#;
    assert!(json(source).is_err());
}

#[test]
fn a_table_without_entries_or_with_a_short_one_is_refused() {
    assert!(json("").is_err());
    assert!(json(r#"says("a", "b", "c")"#).is_err());
}
