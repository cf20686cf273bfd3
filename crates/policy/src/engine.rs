//! Decisions: the built-in roles and own policies together, for one question at a time.

use protocol::operator::Role;

use crate::fault::Fault;
use crate::own::{self, Source};
use crate::parser::policies;
use crate::rule::{Condition, Effect, Entity, Kind, Rule, Scope, Uid, Variable, role_of};
use crate::verbs::{ROLES, is_in, knows_verb};

#[cfg(test)]
mod tests;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Who asks, by the name that the journal has of them; nothing for anybody of the role.
    pub user: Option<&'q str>,
    /// As what; nothing for somebody without a role.
    pub role: Option<Role>,
    /// The verb as the door has it: `module.restart`, `update.apply`.
    pub verb: &'q str,
    /// About what.
    pub resource: Resource<'q>,
    /// Whether it only tells what would happen.
    pub dry_run: bool,
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource<'q> {
    /// Nothing smaller than the kernel.
    Kernel,
    /// A zone, `sandbox`, `stable` or `system`.
    Zone(&'q str),
    /// A module.
    Module {
        /// Its name.
        id: &'q str,
        /// The zone it lives in, if that is known.
        zone: Option<&'q str>,
    },
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be asked.
    pub is_allowed: bool,
    /// The policies that decided: `FILE:LINE:COLUMN (ID)`, or `role:NAME` for a built-in one; none when nothing permits it.
    pub by: Vec<String>,
}

/// The policies that hold.
#[derive(Debug)]
pub struct Policies {
    built_in: Vec<Rule>,
    own: Vec<Rule>,
}

impl Policies {
    /// The built-in roles and these own policies.
    ///
    /// # Errors
    /// Everything that is wrong with the own ones, each with its place; then none of them hold.
    pub fn try_new(sources: &[Source]) -> Result<Self, Vec<Fault>> {
        let own = own::read(sources)?;
        let roles = Source { name: "roles.cedar".to_owned(), text: ROLES.to_owned() };
        let mut built_in = policies(&roles)?;
        for rule in &mut built_in {
            rule.name = format!("role:{}", rule.role.as_deref().unwrap_or_default());
        }
        Ok(Self { built_in, own })
    }

    /// How many own policies there are.
    pub fn own(&self) -> usize {
        self.own.len()
    }

    /// Whether this may be asked, and which policies say so: a `forbid` goes before every `permit`, and what nothing permits is
    /// denied, as is an unknown verb.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        if !knows_verb(question.verb) {
            return Decision { is_allowed: false, by: Vec::new() };
        }
        let holding = |effect: Effect| {
            let all = self.own.iter().chain(&self.built_in);
            let rules = all.filter(move |rule| rule.effect == effect && rule.holds(question));
            rules.map(|rule| rule.name.clone()).collect::<Vec<_>>()
        };
        let forbids = holding(Effect::Forbid);
        if !forbids.is_empty() {
            return Decision { is_allowed: false, by: forbids };
        }
        let permits = holding(Effect::Permit);
        Decision { is_allowed: !permits.is_empty(), by: permits }
    }
}

impl Rule {
    fn holds(&self, question: &Question<'_>) -> bool {
        let scope = |scope: &Scope, variable: Variable| scope.holds(&Entity::Variable(variable), question);
        scope(&self.principal, Variable::Principal)
            && scope(&self.action, Variable::Action)
            && scope(&self.resource, Variable::Resource)
            && self.conditions.iter().all(|condition| condition.holds(question))
    }
}

impl Scope {
    fn holds(&self, entity: &Entity, question: &Question<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Is(kind) => entity.thing(question).kind() == *kind,
            Self::IsIn(kind, uid) => {
                let thing = entity.thing(question);
                thing.kind() == *kind && thing.is_in(&Thing::of(uid), question)
            }
            Self::Equals(uid) => entity.thing(question) == Thing::of(uid),
            Self::In(uids) => uids.iter().any(|uid| entity.thing(question).is_in(&Thing::of(uid), question)),
        }
    }
}

impl Condition {
    fn holds(&self, question: &Question<'_>) -> bool {
        match self {
            Self::Always(value) => *value,
            Self::DryRun => question.dry_run,
            Self::Not(one) => !one.holds(question),
            Self::And(one, other) => one.holds(question) && other.holds(question),
            Self::Or(one, other) => one.holds(question) || other.holds(question),
            Self::Same(one, other) => one.holds(question) == other.holds(question),
            Self::If(condition, then, otherwise) => match condition.holds(question) {
                true => then.holds(question),
                false => otherwise.holds(question),
            },
            Self::Equals(one, other) => one.thing(question) == other.thing(question),
            Self::In(entity, outer) => {
                let thing = entity.thing(question);
                outer.iter().any(|one| thing.is_in(&one.thing(question), question))
            }
            Self::Is(entity, kind) => entity.thing(question).kind() == *kind,
        }
    }
}

/// An entity, with what stands for it put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing<'q> {
    User(&'q str),
    /// Whoever is asked about without a name: equal to no user who has one.
    Somebody,
    Named(Kind, &'q str),
}

impl Entity {
    fn thing<'q>(&'q self, question: &Question<'q>) -> Thing<'q> {
        match self {
            Self::Named(uid) => Thing::of(uid),
            Self::Variable(Variable::Principal) => question.user.map_or(Thing::Somebody, Thing::User),
            Self::Variable(Variable::Action) => Thing::Named(Kind::Action, question.verb),
            Self::Variable(Variable::Resource) => match question.resource {
                Resource::Kernel => Thing::Named(Kind::Kernel, "kernel"),
                Resource::Zone(name) => Thing::Named(Kind::Zone, name),
                Resource::Module { id, .. } => Thing::Named(Kind::Module, id),
            },
        }
    }
}

impl<'q> Thing<'q> {
    fn of(uid: &'q Uid) -> Self {
        match uid.kind {
            Kind::User => Self::User(&uid.id),
            kind => Self::Named(kind, &uid.id),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::User(_) | Self::Somebody => Kind::User,
            Self::Named(kind, _) => *kind,
        }
    }

    /// Whether it is the other or stands below it: the one who asks below their role and all lesser ones, the module asked about
    /// below its zone, a verb below its groups. Of other users and modules nothing is known.
    fn is_in(&self, outer: &Self, question: &Question<'_>) -> bool {
        if self == outer {
            return true;
        }
        match (*self, *outer) {
            (Self::User(name), Self::Named(Kind::Role, role)) => {
                question.user == Some(name) && has_role(question.role, role)
            }
            (Self::Somebody, Self::Named(Kind::Role, role)) => has_role(question.role, role),
            (Self::Named(Kind::Role, one), Self::Named(Kind::Role, role)) => has_role(role_of(one), role),
            (Self::Named(Kind::Action, verb), Self::Named(Kind::Action, action)) => is_in(verb, action),
            (Self::Named(Kind::Module, id), Self::Named(Kind::Zone, wanted)) => {
                matches!(question.resource, Resource::Module { id: own, zone } if own == id && zone == Some(wanted))
            }
            _ => false,
        }
    }
}

fn has_role(role: Option<Role>, wanted: &str) -> bool {
    role.zip(role_of(wanted)).is_some_and(|(role, wanted)| role >= wanted)
}
