//! An operator's own policies: read, and held to what own policies may do.

use crate::fault::Fault;
use crate::parser::policies;
use crate::rule::{Effect, Kind, Rule, Scope};

/// 64 files of own policies: more is no longer read by anybody.
pub const FILES_MAX: usize = 64;

/// 256 KiB of one file: thousands of policies.
pub const FILE_BYTES_MAX: usize = 256 << 10;

/// 1,024 own policies: each one is looked at for each request.
pub(crate) const POLICIES_MAX: usize = 1_024;

/// A file of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name, for messages.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// Reads all of them.
pub(crate) fn read(sources: &[Source]) -> Result<Vec<Rule>, Vec<Fault>> {
    let (mut all, mut faults) = (Vec::new(), Vec::new());
    if let Some(one_more) = sources.get(FILES_MAX) {
        faults.push(Fault::at(&one_more.name, "", 0, format!("there are more than {FILES_MAX} files")));
    }
    for source in sources.iter().take(FILES_MAX) {
        match of_file(source) {
            Ok(rules) => all.extend(rules),
            Err(found) => faults.extend(found),
        }
    }
    if all.len() > POLICIES_MAX {
        let name = sources.last().map_or("", |source| source.name.as_str());
        faults.push(Fault::at(name, "", 0, format!("there are more than {POLICIES_MAX} policies")));
    }
    if faults.is_empty() { Ok(all) } else { Err(faults) }
}

fn of_file(source: &Source) -> Result<Vec<Rule>, Vec<Fault>> {
    if source.text.len() > FILE_BYTES_MAX {
        let message = format!("it is longer than {FILE_BYTES_MAX} bytes");
        return Err(vec![Fault::at(&source.name, "", 0, message)]);
    }
    let rules = policies(source)?;
    let faults: Vec<Fault> = rules.iter().filter_map(|rule| too_wide(rule, source)).collect();
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

/// Own policies may take away as they like, and give to one who is named.
fn too_wide(rule: &Rule, source: &Source) -> Option<Fault> {
    let names_one = matches!(&rule.principal, Scope::Equals(uid) if uid.kind == Kind::User);
    if rule.effect == Effect::Forbid || names_one {
        return None;
    }
    let message = "a `permit` must name the one it is for".to_owned();
    let help = "begin it with `principal == Ostoja::User::\"NAME\"`; what all of a role may is built in, and is taken away by `forbid`";
    Some(Fault::at(&source.name, &source.text, rule.offset, message).help(help))
}
