//! The two languages of sentences for people, and how one is chosen. Codes, logs and `--help` are English always.

use clap::ValueEnum;

use crate::environment::Variable;

/// A language that sentences exist in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Polish.
    Pl,
}

impl Lang {
    /// The language that a locale such as `pl_PL.UTF-8` asks for; English for everything but Polish.
    pub fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '.', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("pl") { Self::Pl } else { Self::En }
    }
}

/// The locale for sentences: the first of these variables that is set counts, as POSIX has it.
pub fn locale() -> String {
    first_of([Variable::LcAll, Variable::LcMessages, Variable::Lang])
}

/// Whether the terminal's character set, by its locale, is UTF-8.
pub fn speaks_utf8() -> bool {
    let charset = first_of([Variable::LcAll, Variable::LcCtype, Variable::Lang]).to_ascii_lowercase();
    charset.contains("utf-8") || charset.contains("utf8")
}

fn first_of(variables: [Variable; 3]) -> String {
    variables.into_iter().find_map(Variable::text).unwrap_or_default()
}

#[cfg(test)]
mod tests;
