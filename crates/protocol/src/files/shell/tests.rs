//! Which lines need a shell, and the words of those that don't.

use super::command;

fn words(text: &str) -> Vec<String> {
    command(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

#[test]
fn plain_lines_become_words() {
    assert_eq!(words("python3 -m http.server 8000"), ["python3", "-m", "http.server", "8000"]);
    assert_eq!(words("  a\t b  "), ["a", "b"]);
    assert_eq!(
        words("a --x=y z=1 {} a~b a#b %1 @x ^ , :"),
        ["a", "--x=y", "z=1", "{}", "a~b", "a#b", "%1", "@x", "^", ",", ":"]
    );
}

#[test]
fn quotes_and_escapes_are_taken_off() {
    assert_eq!(words(r#"a 'b c' "d e" f\ g ''"#), ["a", "b c", "d e", "f g", ""]);
    assert_eq!(words(r#"a "q\"\\\x" '\' b'c'"d""#), ["a", r#"q"\\x"#, r"\", "bcd"]);
    assert_eq!(words(r"find . \*.rs \;"), ["find", ".", "*.rs", ";"]);
    assert_eq!(words("a '$x `y` | &'"), ["a", "$x `y` | &"]);
}

#[test]
fn what_only_a_shell_can_read_goes_to_one() {
    for text in [
        "a | b",
        "a && b",
        "a; b",
        "a > f",
        "a < f",
        "(a)",
        "a $HOME",
        "a \"$HOME\"",
        "a `b`",
        "a *.txt",
        "a ?",
        "a [x]",
        "cd x",
        "exec a",
        "export A=1",
        ". env",
        "A=1 b",
        "a ~/x",
        "~/bin/a",
        "# note",
        "a\nb",
        "if true",
        "! a",
        "{ a",
        "ulimit -n",
    ] {
        assert_eq!(words(text), ["/bin/sh", "-c", text], "{text}");
    }
}

#[test]
fn broken_lines_say_why() {
    assert_eq!(command(""), Err("names no program"));
    assert_eq!(command(" \t "), Err("names no program"));
    assert_eq!(command("a 'b"), Err("lacks a closing `'`"));
    assert_eq!(command("a \"b"), Err("lacks a closing `\"`"));
    assert_eq!(command("a \"b\\"), Err("lacks a closing `\"`"));
    assert_eq!(command("a \\"), Err("ends in a lone `\\`"));
}
