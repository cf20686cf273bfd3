//! Codes are found where they are, with what their variants say.

use super::{codes, page};
use crate::tree::Tree;

const ERRORS: &str = r#"//! Errors.
/// Why not.
pub enum OpenError {
    /// The folder is
    /// not there.
    #[error("`{0}` is missing")]
    Missing(String),
    /// It is locked.
    #[error("held by {pid}")]
    Locked {
        pid: u32,
    },
}
impl Explain for OpenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "store::open::missing",
            Self::Locked { .. } => "store::open::locked",
        }
    }
}
fn f() { fail("store::other::thing", format!("went {wrong}")); also("not::a code"); }
enum Other {
    /// Not the one that is meant.
    Missing,
}
#[cfg(test)]
mod tests { const X: &str = "not::for::us"; }
"#;

#[test]
fn codes_have_the_words_of_their_variants() {
    let codes = codes(&Tree::of(&[("crates/store/src/error.rs", ERRORS)]));
    assert_eq!(
        codes.keys().collect::<Vec<_>>(),
        ["store::open::locked", "store::open::missing", "store::other::thing"]
    );
    assert_eq!(codes["store::open::missing"].doc, "The folder is not there.");
    assert_eq!(codes["store::open::missing"].message, "`{0}` is missing");
    assert_eq!(codes["store::open::locked"].doc, "It is locked.");
    assert_eq!(
        (&*codes["store::other::thing"].doc, &*codes["store::other::thing"].message),
        ("", "went {wrong}")
    );
}

#[test]
fn codes_made_by_a_macro_are_spelled_out() {
    let text = "//! A.\nmatch a { A => concat!(\"files::config::\", $w), B => concat!(\"files::project::\", $w) }\n\
        enum Fault {\n    /// Not there.\n    Gone,\n}\nmatch f { Fault::Gone => codes!(area, \"gone\"), }\n";
    let codes = codes(&Tree::of(&[("crates/protocol/src/fault.rs", text)]));
    assert_eq!(codes.keys().collect::<Vec<_>>(), ["files::config::gone", "files::project::gone"]);
    assert_eq!(codes["files::config::gone"].doc, "Not there.");
}

#[test]
fn tests_and_other_folders_add_no_codes() {
    let tree = Tree::of(&[("crates/store/src/x/tests.rs", ERRORS), ("xtask/src/x.rs", ERRORS)]);
    assert!(codes(&tree).is_empty());
    assert!(page(&tree).ends_with("\n0 codes.\n"));
}

#[test]
fn every_code_has_a_meaning_and_no_meaning_is_left_over() {
    let tree = Tree::read(&crate::shell::root()).expect("the sources can be read");
    let codes = codes(&tree);
    let mute: Vec<&String> =
        codes.iter().filter(|(_, meaning)| meaning.doc.is_empty()).map(|(code, _)| code).collect();
    assert!(mute.is_empty(), "document the variant, or add a line to codes/meanings.rs: {mute:?}");
    for (code, _) in super::meanings::MEANINGS {
        assert!(codes.contains_key(*code), "`{code}` is no code any more");
    }
}
