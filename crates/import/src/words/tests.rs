//! Splitting as other programs do, and writing what our own reader splits the same way.

use super::*;

fn shell_words(text: &str) -> Vec<String> {
    split(text, Escapes::Shell).expect("it is a line")
}

#[test]
fn quotes_and_backslashes_are_read_as_a_shell_reads_them() {
    assert_eq!(shell_words(r#"a 'b c' "d e" f\ g"#), ["a", "b c", "d e", "f g"]);
    assert_eq!(shell_words(r#"a'b'"c" '' "\"\\\x""#), ["abc", "", r#""\\x"#]);
    assert_eq!(split("a 'b", Escapes::Shell), Err(("a `'` is not closed", 2)));
    assert_eq!(split("a \"b", Escapes::Shell), Err(("a `\"` is not closed", 2)));
    assert_eq!(split("a \\", Escapes::Shell), Err(("a lone `\\` ends the line", 2)));
}

#[test]
fn systemd_has_escapes_of_its_own() {
    let words = split(r#"a\sb "c\td" '\x41\xzz'"#, Escapes::Systemd).expect("it is a line");
    assert_eq!(words, ["a b", "c\td", "A\\xzz"]);
}

#[test]
fn a_command_is_a_text_where_that_reads_the_same_and_else_a_list() {
    let words = |words: &[&str]| program(words.iter().map(|word| (*word).to_owned()).collect());
    assert_eq!(words(&["node", "a.js"]), Program::Text("node a.js".to_owned()));
    assert_eq!(words(&["sh", "-c", "a && b"]), Program::Text("sh -c 'a && b'".to_owned()));
    assert_eq!(words(&["echo", "it's"]), Program::Text("echo \"it's\"".to_owned()));
    assert_eq!(words(&["echo", "it's $5"]), Program::Text(r"echo 'it'\''s $5'".to_owned()));
    // These a shell would take for itself.
    assert_eq!(words(&["A=b", "c"]), Program::Words(vec!["A=b".to_owned(), "c".to_owned()]));
    assert_eq!(words(&["read", "c"]), Program::Words(vec!["read".to_owned(), "c".to_owned()]));
}

#[test]
fn variables_are_left_to_a_shell_and_everything_else_is_kept_from_it() {
    let text = |text: &str| Piece::Text(text.to_owned());
    let variable = Piece::Variable { name: "A".to_owned(), default: None, raw: "${A:-1}".to_owned() };
    let made = shell(&[vec![text("a")], vec![text("x=\"$"), variable], vec![text("*")]]);
    assert_eq!(made, Program::Text(r#"exec a "x=\"\$${A:-1}" '*'"#.to_owned()));
}

#[test]
fn variables_that_a_command_leaves_to_its_shell_are_found() {
    let found = variables("FOO=1 x $FOO ${BAR:-2} \"$BAZ_1\" $HOME $PORT $lower $Mixed $BAR $1 $$");
    assert_eq!(found, ["BAR", "BAZ_1"]);
}
