//! What can be typed, checked against clap's own rules and against 80 columns.

use clap::{CommandFactory, Parser};

use super::*;

#[test]
fn the_registry_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn durations_take_their_units_and_nothing_else() {
    let ms = |text: &str| parse_duration(text).map(|found| found.as_millis());
    assert_eq!(ms("500ms"), Ok(500));
    assert_eq!(ms("10"), Ok(10_000));
    assert_eq!(ms("10s"), Ok(10_000));
    assert_eq!(ms("2m"), Ok(120_000));
    assert_eq!(ms("1h"), Ok(3_600_000));
    assert_eq!(ms("3d"), Ok(259_200_000));
    for wrong in ["", "s", "-1s", "1.5s", "10 s", "10y", "99999999999999999999s", "18446744073709551615d"] {
        assert!(parse_duration(wrong).is_err(), "{wrong}");
    }
}

/// Every verb, with those below it.
fn verbs(command: &clap::Command, found: &mut Vec<clap::Command>) {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        found.push(sub.clone());
        verbs(sub, found);
    }
}

fn all_verbs() -> Vec<clap::Command> {
    let mut command = Cli::command();
    command.build();
    let mut found = Vec::new();
    verbs(&command, &mut found);
    found
}

#[test]
fn every_help_fits_80_columns() {
    for mut verb in all_verbs() {
        let help = verb.render_long_help().to_string();
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{}: {line}", verb.get_name());
        }
    }
}

#[test]
fn every_verb_has_examples_that_parse() {
    for verb in all_verbs() {
        let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.starts_with("Examples:\n"), "{} has no examples", verb.get_name());
        let examples = help.lines().filter_map(|line| line.strip_prefix("  ostoja "));
        let mut count = 0;
        for example in examples {
            count += 1;
            let words = shell_words(example);
            let parsed = Cli::try_parse_from(["ostoja".to_owned()].into_iter().chain(words));
            assert!(parsed.is_ok(), "`ostoja {example}`: {}", parsed.expect_err("it was refused"));
        }
        assert!(count > 0, "{} has no example that begins with its name", verb.get_name());
    }
}

/// The words of an example up to its remark, which stands behind two blanks, a pipe or a redirection.
fn shell_words(example: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut has_word = false;
    for found in example.split("  ").next().unwrap_or_default().chars() {
        match found {
            '\'' => {
                quoted = !quoted;
                has_word = true;
            }
            ' ' if !quoted && has_word => {
                words.push(std::mem::take(&mut word));
                has_word = false;
            }
            ' ' if !quoted => {}
            '|' | '>' | ';' if !quoted => break,
            _ => {
                word.push(found);
                has_word = true;
            }
        }
    }
    if has_word {
        words.push(word);
    }
    words
}

#[test]
fn a_mistyped_verb_gets_the_nearest_ones() {
    let error = Cli::try_parse_from(["ostoja", "restrat", "web"]).expect_err("there is no such verb");
    assert!(error.to_string().contains("'restart'"), "{error}");
}
