//! Rules and outputs as the configuration has them, section `ostoja-web.alerts`: read whole or refused with the place that is wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[cfg(test)]
mod tests;

/// 64 rules: people write them, so there are few.
const RULES_MAX: usize = 64;

/// 16 outputs.
const OUTPUTS_MAX: usize = 16;

/// 64 characters of a name of a rule or an output, 128 of a pattern of modules.
const NAME_CHARS_MAX: usize = 64;
const PATTERN_CHARS_MAX: usize = 128;

/// 24 hours: what lasts longer before anybody is told is no alert.
const FOR_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Measure {
    /// 1 while no kernel answers.
    KernelGone,
    /// 1 while no module may run.
    SafeMode,
    /// Things that are not as they should be.
    Troubles,
    /// 1 while a module is given up or was killed.
    ModuleDown,
    /// Restarts of a module within the last 10 minutes.
    Restarts,
    /// 1 while the governor holds a module.
    Held,
    /// Percent of one processor that a module uses.
    Cpu,
    /// Bytes of memory that a module uses.
    Memory,
    /// Deliveries to a module that were dropped within the last 10 minutes.
    Dropped,
}

/// When somebody is told what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    /// Its name in messages; as it measures when left out.
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) what: Measure,
    /// Only these modules; a `*` at the end stands for the rest, and none for all.
    #[serde(default)]
    pub(crate) module: Option<String>,
    /// From here on it is a warning.
    #[serde(default)]
    pub(crate) warning: Option<f64>,
    /// From here on it is critical.
    #[serde(default)]
    pub(crate) critical: Option<f64>,
    /// For how long it has to be so, and to be well again, before it is told.
    #[serde(default)]
    pub(crate) for_ms: u64,
}

/// How a webhook wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Preset {
    /// The notification itself, as JSON.
    #[default]
    Plain,
    Ntfy,
    Gotify,
    Slack,
    Discord,
    Matrix,
}

/// Who is told.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "to", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(crate) enum Output {
    /// A POST of JSON.
    Webhook {
        name: String,
        /// It may hold a secret, as those of Slack and Discord do.
        url: String,
        #[serde(default)]
        preset: Preset,
        /// For `Authorization: Bearer`.
        #[serde(default)]
        token: Option<String>,
    },
    /// A mail through a server that takes it without a login, such as the machine's own.
    Mail {
        name: String,
        /// `host:port`
        server: String,
        from: String,
        recipient: String,
    },
    /// A method of a service: a module of one's own, with the rights that it was given, tells whom or runs what it may.
    Call { name: String, service: String, method: String },
}

impl Output {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Webhook { name, .. } | Self::Mail { name, .. } | Self::Call { name, .. } => name,
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Mail { .. } => "mail",
            Self::Call { .. } => "call",
        }
    }
}

/// Addresses of webhooks are secrets.
impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct(self.kind()).field("name", &self.name()).finish_non_exhaustive()
    }
}

/// The section, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wishes {
    pub(crate) rules: Vec<Rule>,
    pub(crate) outputs: Vec<Output>,
}

impl Default for Wishes {
    fn default() -> Self {
        Self { rules: own_rules(), outputs: Vec::new() }
    }
}

impl Wishes {
    /// Reads `alerts.rules` and `alerts.outputs`; without rules there are ours.
    ///
    /// # Errors
    /// What is wrong with it, without any value of it.
    pub(crate) fn read(section: &Map<String, Value>) -> Result<Self, String> {
        let mut wishes = Self::default();
        for (key, value) in section {
            match key.as_str() {
                "rules" => wishes.rules = list(value, "ostoja-web.alerts.rules", RULES_MAX)?,
                "outputs" => wishes.outputs = list(value, "ostoja-web.alerts.outputs", OUTPUTS_MAX)?,
                other => {
                    return Err(format!(
                        "`ostoja-web.alerts.{other}` is no setting; there are rules, outputs"
                    ));
                }
            }
        }
        for rule in &mut wishes.rules {
            if rule.name.is_empty() {
                rule.name = word(rule.what).to_owned();
            }
            check(rule)?;
        }
        // What is known of a rule, and the way to an output, are kept by name.
        once(wishes.rules.iter().map(|rule| rule.name.as_str()), "rules")?;
        once(wishes.outputs.iter().map(Output::name), "outputs")?;
        Ok(wishes)
    }
}

fn once<'a>(names: impl Iterator<Item = &'a str>, list: &str) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for (at, name) in names.enumerate() {
        if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(format!(
                "the name of `ostoja-web.alerts.{list}[{at}]` has 1 to {NAME_CHARS_MAX} characters, none of them for control"
            ));
        }
        if !seen.insert(name) {
            return Err(format!("`ostoja-web.alerts.{list}[{at}]` has the `name` of another"));
        }
    }
    Ok(())
}

/// A list of one kind of thing; errors name the place and not the value, which may be a secret.
fn list<T: for<'de> Deserialize<'de>>(value: &Value, place: &str, most: usize) -> Result<Vec<T>, String> {
    let all = value.as_array().ok_or_else(|| format!("`{place}` is no list"))?;
    if all.len() > most {
        return Err(format!("`{place}` has more than {most} entries"));
    }
    let one = |(at, value): (usize, &Value)| {
        serde_json::from_value(value.clone()).map_err(|error| format!("`{place}[{at}]`: {}", plain(&error)))
    };
    all.iter().enumerate().map(one).collect()
}

/// What a reader complains about, without the value: a URL in the place of a word is a secret too.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("invalid") {
        return "a value is of another type".to_owned();
    }
    match (text.starts_with("unknown variant"), text.split_once("`, expected ")) {
        (true, Some((_, known))) => {
            format!("a word is none of {}", known.strip_prefix("one of ").unwrap_or(known))
        }
        (true, None) => "a word is not known".to_owned(),
        (false, _) => text,
    }
}

fn check(rule: &Rule) -> Result<(), String> {
    let name = &rule.name;
    if rule.for_ms > u64::try_from(FOR_MAX.as_millis()).unwrap_or(u64::MAX) {
        return Err(format!("the alert `{name}` waits longer than a day"));
    }
    if rule.module.as_ref().is_some_and(|module| module.chars().count() > PATTERN_CHARS_MAX) {
        return Err(format!(
            "the `module` of the alert `{name}` has more than {PATTERN_CHARS_MAX} characters"
        ));
    }
    match (rule.warning, rule.critical) {
        (None, None) => Err(format!("the alert `{name}` has neither `warning` nor `critical`")),
        (Some(warning), Some(critical)) if warning > critical => {
            Err(format!("the alert `{name}` is critical before it is a warning"))
        }
        _ => Ok(()),
    }
}

/// A measure's word in the configuration and in messages.
pub(crate) fn word(what: Measure) -> &'static str {
    match what {
        Measure::KernelGone => "kernel-gone",
        Measure::SafeMode => "safe-mode",
        Measure::Troubles => "troubles",
        Measure::ModuleDown => "module-down",
        Measure::Restarts => "restarts",
        Measure::Held => "held",
        Measure::Cpu => "cpu",
        Measure::Memory => "memory",
        Measure::Dropped => "dropped",
    }
}

/// The rules that hold when nobody wrote any: what somebody has to look at.
fn own_rules() -> Vec<Rule> {
    let rule = |what, warning, critical, for_ms| Rule {
        name: word(what).to_owned(),
        what,
        module: None,
        warning,
        critical,
        for_ms,
    };
    vec![
        rule(Measure::KernelGone, None, Some(1.0), 30_000),
        rule(Measure::SafeMode, None, Some(1.0), 30_000),
        rule(Measure::Troubles, Some(1.0), None, 300_000),
        rule(Measure::ModuleDown, None, Some(1.0), 10_000),
        rule(Measure::Restarts, Some(4.0), Some(10.0), 0),
        rule(Measure::Held, Some(1.0), None, 300_000),
        rule(Measure::Dropped, Some(1.0), None, 60_000),
    ]
}
