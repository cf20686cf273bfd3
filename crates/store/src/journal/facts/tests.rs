//! Facts keep their order, their doubles and their limits.

use super::*;

fn text(value: &str) -> Fact {
    Fact::Text(value.to_owned())
}

#[test]
fn facts_come_back_in_their_order_with_doubles() {
    let facts =
        [("zeta", Fact::Number(u64::MAX)), ("alpha", text("zażółć \"gęślą\"\n\u{1}")), ("zeta", text(""))];
    let written = to_text(&facts);
    assert_eq!(written, r#"{"zeta":18446744073709551615,"alpha":"zażółć \"gęślą\"\n\u0001","zeta":""}"#);
    let expected: Vec<_> = facts.iter().map(|(name, fact)| ((*name).to_owned(), fact.clone())).collect();
    assert_eq!(from_text(&written), Some(expected));
}

#[test]
fn no_facts_are_an_empty_object() {
    assert_eq!(to_text(&[]), "{}");
    assert_eq!(from_text("{}"), Some(Vec::new()));
}

#[test]
fn a_text_is_cut_only_past_the_limit_and_between_letters() {
    for (length, is_cut) in [(TEXT_BYTES_MAX - 1, false), (TEXT_BYTES_MAX, false), (TEXT_BYTES_MAX + 1, true)]
    {
        let facts = from_text(&to_text(&[("a", text(&"x".repeat(length)))])).unwrap();
        let Fact::Text(found) = &facts[0].1 else { panic!("it was a text") };
        assert_eq!(found.ends_with(CUT), is_cut, "at {length}");
        assert!(found.len() <= TEXT_BYTES_MAX);
    }
    let facts = from_text(&to_text(&[("a", text(&"ż".repeat(TEXT_BYTES_MAX)))])).unwrap();
    let Fact::Text(found) = &facts[0].1 else { panic!("it was a text") };
    assert!(found.starts_with("żż") && found.ends_with(CUT) && found.len() <= TEXT_BYTES_MAX);
}

#[test]
fn facts_past_the_limit_are_left_out_and_counted() {
    let full: Vec<_> = (0..FACTS_MAX as u64).map(|number| ("n", Fact::Number(number))).collect();
    assert_eq!(from_text(&to_text(&full)).unwrap().len(), FACTS_MAX);
    let more: Vec<_> = (0..FACTS_MAX as u64 + 2).map(|number| ("n", Fact::Number(number))).collect();
    let read = from_text(&to_text(&more)).unwrap();
    assert_eq!(read.len(), FACTS_MAX + 1);
    assert_eq!(read.last(), Some(&(LEFT_OUT.to_owned(), Fact::Number(2))));
}

#[test]
fn what_is_no_object_of_texts_and_numbers_is_nothing() {
    for text in ["", "[]", "{", r#"{"a":-1}"#, r#"{"a":1.5}"#, r#"{"a":null}"#, r#"{"a":{}}"#, "{} {}"] {
        assert_eq!(from_text(text), None, "{text}");
    }
}

#[test]
fn a_trimmed_record_is_written_as_it_would_be_untrimmed() {
    let record = Record::new("a.b").text("long", "ż".repeat(9000)).text("short", "x").number("n", 1);
    let mut trimmed = record.clone();
    trim(&mut trimmed);
    assert_ne!(trimmed, record);
    assert_eq!(to_text(&trimmed.facts), to_text(&record.facts));
}
