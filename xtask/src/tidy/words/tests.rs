//! Good and bad words.

use super::check;
use crate::tree::Tree;

fn complaints(path: &str, text: &str) -> usize {
    check(&Tree::of(&[(path, text)])).len()
}

#[test]
fn paths_of_one_machine_are_told() {
    let [work, root] = ["work", "root"].map(|folder| format!("cd /{folder}/main\n"));
    assert_eq!(complaints("README.md", &work), 1);
    assert_eq!(complaints("crates/a/src/x.rs", &format!("let a = \"{}\";\n", root.trim())), 1);
    assert_eq!(complaints("README.md", "cd crates/work/main and $HOME/root/x, ../work/y\n"), 0);
}

#[test]
fn hosts_of_registries_are_told() {
    let host = format!("{}{}", "registry.", "npmjs.org");
    assert_eq!(complaints("README.md", &format!("see {host}\n")), 1);
    assert_eq!(complaints("Cargo.lock", &format!("see {host}\n")), 0);
    assert_eq!(complaints("README.md", "from npm\n"), 0);
}

#[test]
fn promises_name_their_issue() {
    let word = "TODO";
    assert_eq!(complaints("crates/a/src/x.rs", &format!("// {word}: later\n")), 1);
    assert_eq!(complaints("crates/a/src/x.rs", &format!("// {word}(#12): later\n")), 0);
    assert_eq!(complaints("crates/a/src/x.rs", &format!("let {word}_LIST = 1;\n")), 0);
    assert_eq!(complaints("sdk/x.py", &format!("# {}\n", "FIXME")), 1);
}
