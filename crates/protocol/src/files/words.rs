//! The nearest valid word for a mistyped one.

#[cfg(test)]
mod tests;

/// 3 letters: a shorter word is near to too many others to count as the start of one.
const STEM_CHARS_MIN: usize = 3;

/// The valid word that `typed` most likely stands for; `None` when nothing is near.
///
/// Near is: equal but for case and separators, or at most a third of its characters changed, swapped, added or lost, or
/// one the beginning of the other. Among equals the first of `valid` wins.
pub fn nearest<'w>(typed: &str, valid: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let typed = plain(typed);
    let changes_max = (typed.chars().count() / 3).max(1);
    let mut best: Option<(usize, &'w str)> = None;
    for word in valid {
        let valid = plain(word);
        let changes = strsim::damerau_levenshtein(&typed, &valid);
        let shorter = typed.chars().count().min(valid.chars().count());
        // A word of one or two letters is near to everything; then only its own other spelling counts.
        let near = changes == 0 || (changes <= changes_max && changes < shorter);
        let stem = shorter >= STEM_CHARS_MIN && (typed.starts_with(&valid) || valid.starts_with(&typed));
        if (near || stem) && best.is_none_or(|(fewest, _)| changes < fewest) {
            best = Some((changes, word));
        }
    }
    best.map(|(_, word)| word)
}

/// 64 characters: longer texts are no mistyped words, and comparing them costs their length squared.
const WORD_CHARS_MAX: usize = 64;

fn plain(word: &str) -> String {
    let letters = word.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' '));
    letters.take(WORD_CHARS_MAX).flat_map(char::to_lowercase).collect()
}
