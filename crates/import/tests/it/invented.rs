//! Nothing is invented: every word of every command, value, need and folder that comes out stands in the source, or
//! follows from it by a rule that is named here.

use import::draft::Program;
use protocol::files::project::{Project, Source};

use crate::cases;

/// Words that the other programs themselves put in: a shell where the text needs one, interpreters that pm2 chooses by
/// a script's ending, and what joins the commands of a unit.
const BY_RULE: [&str; 15] = [
    "/bin/sh", "-c", "exec", "&&", "||", "{", "}", "true;", "node", "bun", "python3", "bash", "ruby", "php",
    "perl",
];

/// Without what quoting, joining and escaping put in or take away.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[test]
fn every_word_of_every_command_stems_from_its_source() {
    for (name, source, imported) in cases::imported() {
        // Values that the source's own variables stand for are filled in.
        let mut known = bare(&source);
        for draft in imported.draft.modules() {
            known.push_str(&bare(&draft.id));
        }
        known.push_str(&bare(&name));
        let project = Project::parse("ostoja.yaml", &imported.yaml).expect("it was read before");
        for (module, draft) in project.modules.iter().zip(imported.draft.modules()) {
            let Source::Run(words) = &module.source else { panic!("{name}: a folder") };
            let words = words.iter().flat_map(|word| word.split_whitespace());
            for word in words.filter(|word| !BY_RULE.contains(word)) {
                assert!(is_known(&known, word), "{name}: `{word}` of `{}` is invented", draft.id);
            }
            assert!(!matches!(&draft.program, Program::Folder(_)), "{name}");
            for (variable, value) in module.env.iter().filter(|(variable, _)| *variable != "PORT") {
                assert!(is_known(&known, variable), "{name}: variable {variable}");
                assert!(
                    value.split_whitespace().all(|word| is_known(&known, word)),
                    "{name}: value of {variable}"
                );
            }
        }
    }
}

/// Whether the source has it, but for what templates and numbered processes fill in.
fn is_known(source: &str, word: &str) -> bool {
    let word = bare(word);
    source.contains(&word) || {
        let without_numbers: String = word.chars().filter(|c| !c.is_ascii_digit()).collect();
        source.contains(&without_numbers)
    }
}
