//! The built-in roles as policies, and the schema of all policies: both are made from the door's own table and checked in,
//! so that they can be read; a test holds them against it.

/// The four roles, one policy each.
pub const ROLES: &str = include_str!("roles.cedar");

/// What policies can speak of.
pub const SCHEMA: &str = include_str!("operator.cedarschema");

/// The group of all verbs that change something.
const CHANGES: &str = "changes";

#[cfg(test)]
mod tests;

/// All verbs with the rest of their lines, in the order of the schema.
fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    SCHEMA.lines().filter_map(|line| {
        let (name, rest) = line.trim().strip_prefix("action \"")?.split_once('"')?;
        rest.contains("appliesTo").then_some((name, rest))
    })
}

/// All verbs.
pub(crate) fn verbs() -> impl Iterator<Item = &'static str> {
    lines().map(|(name, _)| name)
}

/// Whether this is a verb that policies know.
pub fn knows_verb(verb: &str) -> bool {
    verbs().any(|known| known == verb)
}

/// Whether this is a verb or a group of them.
pub(crate) fn knows_action(action: &str) -> bool {
    let is_area = action.strip_suffix(".*").is_some_and(|area| verbs().any(|verb| is_in_area(verb, area)));
    action == CHANGES || is_area || knows_verb(action)
}

fn is_in_area(verb: &str, area: &str) -> bool {
    verb.strip_prefix(area).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether a verb is this action, or in this group.
pub(crate) fn is_in(verb: &str, action: &str) -> bool {
    verb == action
        || action.strip_suffix(".*").is_some_and(|area| is_in_area(verb, area))
        || action == CHANGES && lines().any(|(name, rest)| name == verb && rest.contains("\"changes\""))
}

/// The verb nearest to a mistyped one, if one is near.
pub fn nearest_verb(verb: &str) -> Option<&'static str> {
    protocol::files::nearest(verb, verbs())
}
