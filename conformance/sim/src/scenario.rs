//! Stories written down: steps in the language of the kernel's tests, and what the kernel must want done after each.
//!
//! A file holds one scenario a line, as JSON: `{"name", "contract", "steps": [[step, effect, ...], ...]}`. The files
//! are for every implementation of the contract, so that each effect is a line of text and no Rust value.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::script::Driver;

/// One story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// What it shows, as a sentence.
    pub name: String,
    /// The part of the contract that it shows.
    pub contract: String,
    /// Each step, followed by the lines that it must lead to.
    pub steps: Vec<Vec<String>>,
}

/// A step that did not lead to what it must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The story.
    pub name: String,
    /// The step.
    pub step: String,
    /// What must follow.
    pub expected: Vec<String>,
    /// What followed.
    pub found: Vec<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: after `{}`", self.name, self.step)?;
        for line in &self.expected {
            writeln!(f, "  expected {line}")?;
        }
        for line in &self.found {
            writeln!(f, "  found    {line}")?;
        }
        Ok(())
    }
}

/// Reads the scenarios of a file's text.
///
/// # Errors
/// A sentence with the number of the line that can't be read.
pub fn scenarios(text: &str) -> Result<Vec<Scenario>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| serde_json::from_str(line).map_err(|error| format!("line {}: {error}", at + 1)))
        .collect()
}

impl Scenario {
    /// Lives through it.
    ///
    /// # Errors
    /// `Mismatch` at the first step that leads to something else, or that can't be understood.
    pub fn check(&self) -> Result<(), Mismatch> {
        for (expected, found) in self.steps.iter().zip(self.lived()) {
            if *expected != found {
                let step = found.first().cloned().unwrap_or_default();
                let (expected, found) = (expected.iter().skip(1), found.into_iter().skip(1));
                let (expected, found) = (expected.cloned().collect(), found.collect());
                return Err(Mismatch { name: self.name.clone(), step, expected, found });
            }
        }
        Ok(())
    }

    /// The same steps with what they do lead to.
    fn lived(&self) -> Vec<Vec<String>> {
        let mut driver = Driver::new();
        let live = |step: &Vec<String>| {
            let line = step.first().cloned().unwrap_or_default();
            let heard = driver.step(&line).unwrap_or_else(|error| vec![format!("not understood: {error}")]);
            core::iter::once(line).chain(heard).collect()
        };
        self.steps.iter().map(live).collect()
    }
}

/// Writes scenarios anew with what their steps lead to now, for a person to read the difference.
///
/// # Errors
/// A sentence when a line can't be read or written.
pub fn rewrite(text: &str) -> Result<String, String> {
    let mut lines = String::new();
    for mut scenario in scenarios(text)? {
        scenario.steps = scenario.lived();
        lines += &serde_json::to_string(&scenario).map_err(|error| error.to_string())?;
        lines.push('\n');
    }
    Ok(lines)
}
