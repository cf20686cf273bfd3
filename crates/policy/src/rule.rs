//! A policy as a value: what it says of whom, of which verbs, of what, and when.

use protocol::operator::Role;

/// What a policy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Permit,
    Forbid,
}

/// What an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    User,
    Role,
    Module,
    Zone,
    Kernel,
    Action,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::User, Self::Role, Self::Module, Self::Zone, Self::Kernel, Self::Action];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Role => "Role",
            Self::Module => "Module",
            Self::Zone => "Zone",
            Self::Kernel => "Kernel",
            Self::Action => "Action",
        }
    }
}

/// An entity by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uid {
    pub(crate) kind: Kind,
    pub(crate) id: String,
}

/// What stands for the one who asks, what they ask, and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    Principal,
    Action,
    Resource,
}

/// What the head of a policy says of one of the three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    Any,
    Is(Kind),
    IsIn(Kind, Uid),
    Equals(Uid),
    In(Vec<Uid>),
}

/// Something that is an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entity {
    Variable(Variable),
    Named(Uid),
}

/// Something that is true or false. None of these can fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Always(bool),
    DryRun,
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Same(Box<Self>, Box<Self>),
    If(Box<Self>, Box<Self>, Box<Self>),
    Equals(Entity, Entity),
    In(Entity, Vec<Entity>),
    Is(Entity, Kind),
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) effect: Effect,
    /// How it is told: `FILE:LINE:COLUMN (ID)`.
    pub(crate) name: String,
    /// The role of a built-in one.
    pub(crate) role: Option<String>,
    /// Where it begins in its file, in bytes.
    pub(crate) offset: usize,
    pub(crate) principal: Scope,
    pub(crate) action: Scope,
    pub(crate) resource: Scope,
    /// All of them hold.
    pub(crate) conditions: Vec<Condition>,
}

/// A role by its word.
pub(crate) fn role_of(word: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.as_str() == word)
}
