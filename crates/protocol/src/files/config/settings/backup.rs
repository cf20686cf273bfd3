//! `backup`: how often which component is backed up, what of it is left out, and how many backups stay.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Known, count};
use crate::files::node::Node;
use crate::files::reader::Reader;

/// 1 minute: a backup more often would read and write all the time.
const EVERY_MIN: Duration = Duration::from_secs(60);

/// `backup`: the rule for everything, and those of single components above it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backups {
    /// For every component.
    pub all: BackupRule,
    /// `components`: by `kernel` or `module/<id>`.
    pub components: BTreeMap<String, BackupRule>,
}

/// One rule; what it says nothing about is as it is below it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackupRule {
    /// `every`: from one backup to the next, while a kernel runs. Never by default; `off` is zero.
    pub every: Option<Duration>,
    /// `hourly`: so many hours stay, one backup each. 24.
    pub hourly: Option<u32>,
    /// `daily`: so many days. 7.
    pub daily: Option<u32>,
    /// `weekly`: so many weeks. 4.
    pub weekly: Option<u32>,
    /// `without`: files and folders that are left out, from the component's own folder.
    pub without: Vec<String>,
}

impl Backups {
    /// The rule that holds for a component.
    pub fn rule(&self, component: &str) -> BackupRule {
        let all = self.all.clone();
        let Some(own) = self.components.get(component) else { return all };
        BackupRule {
            every: own.every.or(all.every),
            hourly: own.hourly.or(all.hourly),
            daily: own.daily.or(all.daily),
            weekly: own.weekly.or(all.weekly),
            without: all.without.into_iter().chain(own.without.iter().cloned()).collect(),
        }
    }
}

const RULE_FIELDS: [&str; 5] = ["every", "hourly", "daily", "weekly", "without"];

pub(super) fn field(reader: &mut Reader, backups: &mut Backups, field: &str, node: &Node) -> Known {
    if field != "components" {
        return rule_field(reader, &mut backups.all, field, node);
    }
    for (component, value) in reader.map(field, node).unwrap_or_default() {
        let mut rule = BackupRule::default();
        for (key, value_of) in reader.map(&component.text, value).unwrap_or_default() {
            if let Known::Not(_) = rule_field(reader, &mut rule, &key.text, value_of) {
                reader.unknown_field(value, key, &RULE_FIELDS);
            }
        }
        backups.components.insert(component.text.clone(), rule);
    }
    Known::Yes
}

fn rule_field(reader: &mut Reader, rule: &mut BackupRule, field: &str, node: &Node) -> Known {
    let number = match field {
        "every" => {
            rule.every = every(reader, node);
            return Known::Yes;
        }
        "without" => {
            rule.without = reader.texts(field, node);
            return Known::Yes;
        }
        "hourly" => &mut rule.hourly,
        "daily" => &mut rule.daily,
        "weekly" => &mut rule.weekly,
        _ => return Known::Not(&["every", "hourly", "daily", "weekly", "without", "components"]),
    };
    let mut said = 0;
    let complaints = reader.complaints();
    count(reader, &mut said, field, node, 0);
    if reader.complaints() == complaints {
        *number = Some(said);
    }
    Known::Yes
}

fn every(reader: &mut Reader, node: &Node) -> Option<Duration> {
    if node.literal() == Some("off") {
        return Some(Duration::ZERO);
    }
    let every = reader.duration("every", node)?;
    if every < EVERY_MIN {
        reader.bad_value("every", node, "is less than a minute");
        return None;
    }
    Some(every)
}

#[cfg(test)]
mod tests;
