//! What is code, what is a comment, what is a literal.

use super::{Function, Source};

#[test]
fn words_in_literals_and_comments_are_not_code() {
    let source =
        Source::parse("let a = \"x // unwrap\"; // unwrap here\nb('\"', r#\"un\"wrap\"#, '\\'', b\"q\");");
    assert!(!source.code.contains("unwrap"), "{}", source.code);
    assert!(source.code.contains("let a = "));
    assert!(source.code.contains("b("));
    assert!(source.comments.contains("// unwrap here"));
    assert!(!source.comments.contains("let"));
}

#[test]
fn lifetimes_are_code_and_characters_are_not() {
    let source = Source::parse("fn f<'a>(x: &'a str) -> char { '{' } // }");
    assert_eq!(source.functions(), [Function { name: "f".into(), line: 1, lines: 1 }]);
    assert!(source.code.contains("<'a>"));
}

#[test]
fn nested_block_comments_end_where_they_should() {
    let source = Source::parse("/* a /* b */ c */ let d = 1;");
    assert!(source.code.trim() == "let d = 1;", "{}", source.code);
}

#[test]
fn lines_stay_where_they_were() {
    let text = "a\n/* b\nc */\n\"d\ne\"\nf\n";
    let source = Source::parse(text);
    assert_eq!(source.code.matches('\n').count(), text.matches('\n').count());
    assert_eq!(source.comments.matches('\n').count(), text.matches('\n').count());
}

#[test]
fn functions_are_measured_from_their_word_to_their_brace() {
    let source =
        Source::parse("trait T {\n  fn none(&self);\n  fn some(&self) -> [u8; 2]\n  {\n    x\n  }\n}\n");
    assert_eq!(source.functions(), [Function { name: "some".into(), line: 3, lines: 4 }]);
}

#[test]
fn long_texts_in_a_function_do_not_count() {
    let source = Source::parse("fn f() {\n  check(r\"a\nb\nc\");\n}\n");
    assert_eq!(source.functions(), [Function { name: "f".into(), line: 1, lines: 3 }]);
}

#[test]
fn test_modules_are_found_and_test_files_are_not_mistaken_for_them() {
    let inside = Source::parse("fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n");
    let ranges = inside.test_ranges();
    assert_eq!(ranges.len(), 1);
    assert!(inside.code[ranges[0].clone()].contains("fn b"));
    assert!(!inside.code[ranges[0].clone()].contains("fn c"));
    assert!(Source::parse("#[cfg(test)]\nmod tests;\nfn a() { x }\n").test_ranges().is_empty());
}

#[test]
fn unfinished_text_is_no_panic() {
    for text in ["\"abc", "r#\"abc", "/* abc", "'", "'\\", "fn x(", "b'", "'é"] {
        let source = Source::parse(text);
        assert_eq!(source.code.len(), text.len(), "{text}");
    }
}
