//! States are told by symbol and word, in every character set.

use super::*;

#[test]
fn every_state_has_a_symbol_of_its_own() {
    for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
        let theme = Theme::plain(glyphs);
        let mut seen = std::collections::BTreeSet::new();
        for state in
            abi::State::ALL.map(abi::State::as_str).into_iter().chain([protocol::operator::COMPLETED])
        {
            let shown = theme.state(state);
            let (symbol, word) = shown.split_once(' ').expect("a symbol and a word");
            assert_eq!(word, state);
            assert_ne!(symbol, "?", "{state}");
            assert!(seen.insert(symbol.to_owned()), "{symbol} stands for two states");
            assert!(glyphs == Glyphs::Unicode || shown.is_ascii(), "{shown}");
        }
    }
}

#[test]
fn nothing_is_painted_without_colours() {
    let theme = Theme::plain(Glyphs::Unicode);
    assert_eq!(theme.paint(Paint::Bad, "text"), "text");
    let colours = Theme { colors: Colors::On, ..theme };
    assert_eq!(colours.paint(Paint::Bad, "text"), "\x1b[31mtext\x1b[0m");
}
