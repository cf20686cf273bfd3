//! Cases that policies are tested by: who asks what about what, and what is expected.

use protocol::operator::Role;
use serde::{Deserialize, Serialize};

use crate::engine::{Decision, Policies, Question, Resource};
use crate::verbs::{knows_verb, nearest_verb};

#[cfg(test)]
mod tests;

/// 10,000 cases of one file: more are made by a program, which can ask case by case.
const CASES_MAX: usize = 10_000;

/// A file of cases.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// One after the other.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// By name, as the journal has it; anybody when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// As what; without a role when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// As the door has it.
    pub verb: String,
    /// About this module; about the kernel, or `zone`, when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// In this zone, or about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Whether it only asks what would happen.
    #[serde(default, rename = "dryRun", skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// What should come of it.
    pub expect: Expected,
}

/// What is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// It may be asked.
    Allow,
    /// It may not.
    Deny,
}

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// The case.
    pub case: Case,
    /// What the policies say.
    pub decision: Decision,
}

impl Tested {
    /// Whether it is as expected.
    pub fn is_met(&self) -> bool {
        self.decision.is_allowed == (self.case.expect == Expected::Allow)
    }
}

/// Cases that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    /// It is no file of cases.
    #[error("the cases can't be read: {0}")]
    Form(String),
    /// There are too many.
    #[error("there are {0} cases; a file may have {CASES_MAX}")]
    TooMany(usize),
    /// A verb is none: the policies would deny it, and a case that expects that would hold for the wrong reason.
    #[error("case {number}: `{verb}` is no verb{}", meant(*.near))]
    Verb {
        /// From 1.
        number: usize,
        /// What was written.
        verb: String,
        /// What may have been meant.
        near: Option<&'static str>,
    },
}

fn meant(near: Option<&'static str>) -> String {
    near.map(|verb| format!("; did you mean `{verb}`?")).unwrap_or_default()
}

impl Cases {
    /// Reads a file of cases.
    ///
    /// # Errors
    /// Every kind of [`CasesError`].
    pub fn parse(text: &str) -> Result<Self, CasesError> {
        let cases: Self =
            serde_saphyr::from_str(text).map_err(|error| CasesError::Form(first_line(&error)))?;
        if cases.cases.len() > CASES_MAX {
            return Err(CasesError::TooMany(cases.cases.len()));
        }
        for (index, case) in cases.cases.iter().enumerate() {
            if !knows_verb(&case.verb) {
                let near = nearest_verb(&case.verb);
                return Err(CasesError::Verb { number: index + 1, verb: case.verb.clone(), near });
            }
        }
        Ok(cases)
    }
}

fn first_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}

/// What the policies say to each case.
pub fn run(policies: &Policies, cases: Cases) -> Vec<Tested> {
    let test = |case: Case| {
        let resource = match (&case.module, &case.zone) {
            (Some(id), zone) => Resource::Module { id, zone: zone.as_deref() },
            (None, Some(zone)) => Resource::Zone(zone),
            (None, None) => Resource::Kernel,
        };
        let question = Question {
            user: case.user.as_deref(),
            role: case.role,
            verb: &case.verb,
            resource,
            dry_run: case.dry_run,
        };
        let decision = policies.decide(&question);
        Tested { case, decision }
    };
    cases.cases.into_iter().map(test).collect()
}
