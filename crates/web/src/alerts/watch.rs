//! What fires: rules, a sample and the time in, notifications out. Nothing here asks, waits or sends.
//!
//! # States of one rule and one subject
//! ```text
//!          reaches a level                 for `for_ms`
//! quiet ──────────────────► rising ───────────────────────► told(level)
//!   ▲ falls below                │ falls below                 │   ▲ other level for `for_ms`: told again
//!   └────────────────────────────┘         below for `for_ms`  │
//!   └───────────────────────────────────── resolved ◄──────────┘
//! ```
//! The same thing is told once: again only when its level changes, and once more when it is over. What is silenced is not
//! told; when the silence ends before the thing does, it is told then. What was never told is not resolved either.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rules::{Measure, Rule};

#[cfg(test)]
mod tests;

/// 2,000 things that fire at once; of more nobody reads.
const STANDING_MAX: usize = 2_000;

/// 500 of them are shown, the worst: an answer stays below 256 KiB.
const SHOWN_MAX: usize = 500;

/// 64 silences; the one that ends first gives way.
const SILENCES_MAX: usize = 64;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// It is well again.
    Resolved,
    Warning,
    Critical,
}

/// One measurement of one thing: a module, or the kernel where it has no name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Value {
    pub(crate) what: Measure,
    pub(crate) subject: String,
    pub(crate) value: f64,
}

/// What somebody is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
    pub(crate) rule: String,
    /// Which module; empty for the kernel.
    pub(crate) subject: String,
    pub(crate) level: Level,
    pub(crate) value: f64,
    /// Since when it is so.
    pub(crate) since_ms: u64,
    pub(crate) at_ms: u64,
}

/// For whom nobody is told, until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Silence {
    pub(crate) id: u64,
    /// Only this rule; none for all.
    pub(crate) rule: Option<String>,
    /// Only this module; none for all.
    pub(crate) module: Option<String>,
    pub(crate) until_ms: u64,
    pub(crate) why: String,
}

impl Silence {
    fn covers(&self, rule: &str, subject: &str, now_ms: u64) -> bool {
        let fits =
            |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        now_ms < self.until_ms && fits(&self.rule, rule) && fits(&self.module, subject)
    }
}

/// How one rule stands with one subject.
#[derive(Debug, Clone, PartialEq)]
struct Standing {
    /// Where it is now; none when it is below all levels.
    level: Option<Level>,
    /// Since when it is there.
    level_since_ms: u64,
    /// Since when it is anywhere above.
    since_ms: u64,
    value: f64,
    told: Option<Level>,
}

/// What fires, for those who look.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Firing {
    pub(crate) rule: String,
    pub(crate) subject: String,
    pub(crate) level: Level,
    pub(crate) value: f64,
    pub(crate) since_ms: u64,
    /// Whether somebody was told of it.
    pub(crate) told: bool,
    pub(crate) silenced: bool,
}

/// Everything that stands.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    standing: BTreeMap<(String, String), Standing>,
    silences: Vec<Silence>,
    next_silence: u64,
}

impl Watch {
    /// Holds a sample against the rules. A subject that the sample does not name any more is below all levels.
    pub(crate) fn step(&mut self, now_ms: u64, rules: &[Rule], sample: &[Value]) -> Vec<Notification> {
        self.silences.retain(|silence| now_ms < silence.until_ms);
        let mut notifications = Vec::new();
        for rule in rules {
            let mut seen: BTreeMap<&str, f64> = BTreeMap::new();
            for one in sample.iter().filter(|one| one.what == rule.what && meant(rule, &one.subject)) {
                seen.insert(&one.subject, one.value);
            }
            let known = self.standing.keys().filter(|(name, _)| *name == rule.name);
            let gone: Vec<String> = known
                .map(|(_, subject)| subject.clone())
                .filter(|subject| !seen.contains_key(subject.as_str()))
                .collect();
            let all = seen.into_iter().map(|(subject, value)| (subject.to_owned(), value));
            for (subject, value) in all.chain(gone.into_iter().map(|subject| (subject, f64::NEG_INFINITY))) {
                notifications.extend(self.one(now_ms, rule, subject, value));
            }
        }
        // A rule that is no more is no reason to tell anybody anything.
        self.standing.retain(|(name, _), _| rules.iter().any(|rule| rule.name == *name));
        notifications
    }

    fn one(&mut self, now_ms: u64, rule: &Rule, subject: String, value: f64) -> Option<Notification> {
        let level = level_of(rule, value);
        let key = (rule.name.clone(), subject);
        let silenced = self.is_silenced(&key.0, &key.1, now_ms);
        if !self.standing.contains_key(&key) {
            if level.is_none() || self.standing.len() >= STANDING_MAX {
                return None;
            }
            let fresh = Standing { level, level_since_ms: now_ms, since_ms: now_ms, value, told: None };
            self.standing.insert(key.clone(), fresh);
        }
        let standing = self.standing.get_mut(&key)?;
        if standing.level != level {
            if standing.level.is_none() {
                standing.since_ms = if standing.told.is_some() { standing.since_ms } else { now_ms };
            }
            (standing.level, standing.level_since_ms) = (level, now_ms);
        }
        if level.is_some() {
            standing.value = value;
        }
        let lasts = now_ms.saturating_sub(standing.level_since_ms) >= rule.for_ms;
        let level = match level {
            // What goes to and fro between both levels has been a warning all the time.
            Some(_) if !lasts && standing.told.is_none() && rule.warning.is_some() => {
                let is_above = now_ms.saturating_sub(standing.since_ms) >= rule.for_ms;
                is_above.then_some(Level::Warning)
            }
            level => level.filter(|_| lasts),
        };
        let is_below = standing.level.is_none();
        let told = match (level, standing.told) {
            (None, _) if !(is_below && lasts) => return self.forget_brief(&key),
            (None, None) => {
                self.standing.remove(&key);
                return None;
            }
            (None, Some(_)) => Level::Resolved,
            (Some(level), told) if told != Some(level) => level,
            (Some(_), _) => return None,
        };
        if silenced && told != Level::Resolved {
            return None;
        }
        let notification = Notification {
            rule: key.0.clone(),
            subject: key.1.clone(),
            level: told,
            value: standing.value,
            since_ms: standing.since_ms,
            at_ms: now_ms,
        };
        if told == Level::Resolved {
            self.standing.remove(&key);
        } else {
            standing.told = Some(told);
        }
        (!silenced).then_some(notification)
    }

    /// What never lasted, and is well again, was nothing.
    fn forget_brief(&mut self, key: &(String, String)) -> Option<Notification> {
        let is_nothing = self
            .standing
            .get(key)
            .is_some_and(|standing| standing.level.is_none() && standing.told.is_none());
        if is_nothing {
            self.standing.remove(key);
        }
        None
    }

    fn is_silenced(&self, rule: &str, subject: &str, now_ms: u64) -> bool {
        self.silences.iter().any(|silence| silence.covers(rule, subject, now_ms))
    }

    /// What is at a level now, the worst first.
    pub(crate) fn firing(&self, now_ms: u64) -> Vec<Firing> {
        let mut all: Vec<Firing> = self
            .standing
            .iter()
            .filter_map(|((rule, subject), standing)| {
                let level = standing.level.or(standing.told)?;
                Some(Firing {
                    rule: rule.clone(),
                    subject: subject.clone(),
                    level,
                    value: standing.value,
                    since_ms: standing.since_ms,
                    told: standing.told.is_some(),
                    silenced: self.is_silenced(rule, subject, now_ms),
                })
            })
            .collect();
        all.sort_by(|one, other| other.level.cmp(&one.level).then_with(|| one.rule.cmp(&other.rule)));
        all.truncate(SHOWN_MAX);
        all
    }

    /// Begins a silence; gives its number.
    pub(crate) fn silence(&mut self, mut silence: Silence) -> u64 {
        if self.silences.len() >= SILENCES_MAX {
            let first = self.silences.iter().enumerate().min_by_key(|(_, silence)| silence.until_ms);
            if let Some((at, _)) = first {
                self.silences.remove(at);
            }
        }
        silence.id = self.next_silence;
        self.next_silence += 1;
        self.silences.push(silence);
        self.next_silence - 1
    }

    /// Ends a silence; nothing when there is none of this number.
    pub(crate) fn unsilence(&mut self, id: u64) -> Option<Silence> {
        let at = self.silences.iter().position(|silence| silence.id == id)?;
        Some(self.silences.remove(at))
    }

    /// All silences that last.
    pub(crate) fn silences(&self, now_ms: u64) -> Vec<Silence> {
        self.silences.iter().filter(|silence| now_ms < silence.until_ms).cloned().collect()
    }
}

fn level_of(rule: &Rule, value: f64) -> Option<Level> {
    let reaches = |bound: Option<f64>| bound.is_some_and(|bound| value >= bound);
    if reaches(rule.critical) {
        Some(Level::Critical)
    } else if reaches(rule.warning) {
        Some(Level::Warning)
    } else {
        None
    }
}

/// Whether a rule is about this module.
fn meant(rule: &Rule, subject: &str) -> bool {
    match rule.module.as_deref() {
        None => true,
        Some(pattern) => match pattern.strip_suffix('*') {
            Some(begin) => subject.starts_with(begin),
            None => pattern == subject,
        },
    }
}
