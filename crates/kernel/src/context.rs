//! Context memory: variables that modules keep with the kernel, each with an end if it has one, and who watches them.
//!
//! A value and nothing else: it holds no clock, moments come as arguments. The rules about who may do what lie in
//! [`crate::permits`]'s neighbour, `context::calls`; what reaches the disk is the host's business, by
//! [`Context::variables`] and [`Context::changes`].

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use abi::{ModuleId, Pattern, Payload, Scope, Time};

use crate::saved::{Keep, Saved, Unreadable};
use crate::word::Word;

mod calls;

pub(crate) use calls::Watches;

/// 64 KiB: a variable is a note to oneself or to others, not a file.
pub const CONTEXT_VALUE_BYTES_MAX: usize = 64 << 10;

/// 1 MiB: what one module may keep in all scopes together, so that none can use up the others' room.
pub const CONTEXT_OWNER_BYTES_MAX: usize = 1 << 20;

/// 16 MiB: what all may keep together; a snapshot of it is written in one piece.
pub const CONTEXT_BYTES_MAX: usize = 16 << 20;

/// 128 bytes are counted for each variable beside its key and value, so that many empty ones are bounded too.
const VARIABLE_BYTES: usize = 128;

/// 24 hours: a session's variables end by themselves, since nobody may be left to end the session.
pub const SESSION_TTL_DEFAULT: Duration = Duration::from_hours(24);

/// 400 days: a longer end is a mistake in the unit.
pub const TTL_MAX: Duration = Duration::from_hours(400 * 24);

/// One variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its value, opaque.
    pub value: Payload,
    /// Which change of this kernel's life made it what it is; higher is later.
    pub version: u64,
    /// When it ends, if it does.
    pub until: Option<Time>,
    /// Whose room it takes; an operator's takes nobody's.
    pub owner: Option<ModuleId>,
}

/// Why a variable was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unkept {
    /// Its value is too large.
    Value {
        /// Its bytes.
        found: usize,
    },
    /// Its end is too far away, or is no time at all.
    Ttl,
    /// Whoever sets it has used up its own room.
    OwnerFull,
    /// There is no room for anybody.
    Full,
}

impl Unkept {
    /// The sentence that a module or an operator is answered with.
    pub fn text(self) -> String {
        match self {
            Self::Value { found } => {
                format!("the value has {found} bytes; {CONTEXT_VALUE_BYTES_MAX} fit into a variable")
            }
            Self::Ttl => format!("ttl_ms is not between 1 and {}", TTL_MAX.as_millis()),
            Self::OwnerFull => {
                format!("the variables of one module may have {CONTEXT_OWNER_BYTES_MAX} bytes together")
            }
            Self::Full => {
                format!("all variables together may have {CONTEXT_BYTES_MAX} bytes, and they do")
            }
        }
    }
}

/// All variables.
#[derive(Debug, Clone, Default)]
pub struct Context {
    scopes: BTreeMap<Scope, BTreeMap<Word, Variable>>,
    /// When which one ends.
    due: BTreeSet<(Time, Scope, Word)>,
    /// What each owner's variables take, and all together.
    owners: BTreeMap<Option<ModuleId>, usize>,
    bytes: usize,
    changes: u64,
}

impl Context {
    /// Keeps a value under a key, in the place of an earlier one; gives its version.
    ///
    /// # Errors
    /// What is too large; the earlier value stays.
    pub fn set(
        &mut self,
        now: Time,
        owner: Option<&ModuleId>,
        (scope, key): (&Scope, &Word),
        value: Payload,
        ttl: Option<Duration>,
    ) -> Result<u64, Unkept> {
        if value.len() > CONTEXT_VALUE_BYTES_MAX {
            return Err(Unkept::Value { found: value.len() });
        }
        if ttl.is_some_and(|ttl| ttl.is_zero() || ttl > TTL_MAX) {
            return Err(Unkept::Ttl);
        }
        let owner = owner.cloned();
        let before = self.find(scope, key);
        let freed = before.map_or(0, |before| size(key, before));
        let own_freed = before.filter(|before| before.owner == owner).map_or(0, |before| size(key, before));
        let needed = VARIABLE_BYTES + key.as_str().len() + value.len();
        if self.bytes - freed + needed > CONTEXT_BYTES_MAX {
            return Err(Unkept::Full);
        }
        let own = self.owners.get(&owner).copied().unwrap_or_default();
        if owner.is_some() && own - own_freed + needed > CONTEXT_OWNER_BYTES_MAX {
            return Err(Unkept::OwnerFull);
        }
        self.take(scope, key);
        self.changes += 1;
        let ttl = ttl.or(if matches!(scope, Scope::Session(_)) { Some(SESSION_TTL_DEFAULT) } else { None });
        let until = ttl.map(|ttl| now + ttl);
        self.put(scope, key, Variable { value, version: self.changes, until, owner });
        Ok(self.changes)
    }

    /// The variable, if its end has not come.
    pub fn get(&self, now: Time, scope: &Scope, key: &Word) -> Option<&Variable> {
        self.find(scope, key).filter(|variable| is_alive(now, variable))
    }

    /// Removes a variable; whether there was one.
    #[must_use]
    pub fn delete(&mut self, now: Time, scope: &Scope, key: &Word) -> bool {
        let was_there = self.get(now, scope, key).is_some();
        self.changes += u64::from(self.take(scope, key).is_some());
        was_there
    }

    /// Removes all of a scope.
    pub fn drop_scope(&mut self, scope: &Scope) {
        let keys: Vec<Word> =
            self.scopes.get(scope).into_iter().flat_map(|all| all.keys().cloned()).collect();
        for key in keys {
            self.changes += u64::from(self.take(scope, &key).is_some());
        }
    }

    /// The variables of a scope whose keys match, by key; all of them without a pattern.
    pub fn list<'c>(
        &'c self,
        now: Time,
        scope: &Scope,
        pattern: Option<&'c Pattern>,
    ) -> impl Iterator<Item = (&'c Word, &'c Variable)> {
        let all = self.scopes.get(scope).into_iter().flatten();
        all.filter(move |(key, variable)| {
            is_alive(now, variable) && pattern.is_none_or(|pattern| pattern.matches(key.as_str()))
        })
    }

    /// All variables, by scope and key: what a snapshot holds.
    pub fn variables(&self, now: Time) -> impl Iterator<Item = (&Scope, &Word, &Variable)> {
        let all =
            self.scopes.iter().flat_map(|(scope, all)| all.iter().map(move |(key, one)| (scope, key, one)));
        all.filter(move |(_, _, variable)| is_alive(now, variable))
    }

    /// All variables, as another life of the kernel takes them over.
    pub fn kept(&self, now: Time) -> Vec<(Scope, Word, Kept)> {
        let kept = |variable: &Variable| Kept {
            value: variable.value.clone(),
            ttl: variable.until.map(|until| until.since(now)),
            owner: variable.owner.clone(),
        };
        self.variables(now).map(|(scope, key, one)| (scope.clone(), key.clone(), kept(one))).collect()
    }

    /// Takes over variables of an earlier life of the kernel, as far as they fit; gives how many did.
    pub fn restore(&mut self, now: Time, all: Vec<(Scope, Word, Kept)>) -> usize {
        let mut taken = 0;
        for (scope, key, kept) in all {
            let set = self.set(now, kept.owner.as_ref(), (&scope, &key), kept.value, kept.ttl);
            if set.is_ok() {
                taken += 1;
                if kept.ttl.is_none() {
                    // What had no end before has none now, in whatever scope.
                    self.endless(&scope, &key);
                }
            }
        }
        taken
    }

    fn endless(&mut self, scope: &Scope, key: &Word) {
        if let Some(variable) = self.take(scope, key) {
            self.put(scope, key, Variable { until: None, ..variable });
        }
    }

    /// Removes what has come to its end, and gives what that was.
    pub fn expire(&mut self, now: Time) -> Vec<(Scope, Word)> {
        let mut gone = Vec::new();
        while self.due.first().is_some_and(|(at, _, _)| *at <= now) {
            let Some((_, scope, key)) = self.due.first().cloned() else { break };
            self.take(&scope, &key);
            self.changes += 1;
            gone.push((scope, key));
        }
        gone
    }

    /// When the next variable ends.
    pub fn next_end(&self) -> Option<Time> {
        self.due.first().map(|(at, _, _)| *at)
    }

    /// How often anything changed: a snapshot is due when it is another number than at the last one.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// What all variables take, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn find(&self, scope: &Scope, key: &Word) -> Option<&Variable> {
        self.scopes.get(scope)?.get(key)
    }

    fn put(&mut self, scope: &Scope, key: &Word, variable: Variable) {
        let bytes = size(key, &variable);
        self.bytes += bytes;
        *self.owners.entry(variable.owner.clone()).or_default() += bytes;
        if let Some(until) = variable.until {
            self.due.insert((until, scope.clone(), key.clone()));
        }
        self.scopes.entry(scope.clone()).or_default().insert(key.clone(), variable);
    }

    fn take(&mut self, scope: &Scope, key: &Word) -> Option<Variable> {
        let shelf = self.scopes.get_mut(scope)?;
        let variable = shelf.remove(key)?;
        if shelf.is_empty() {
            self.scopes.remove(scope);
        }
        let bytes = size(key, &variable);
        self.bytes -= bytes;
        if let Some(own) = self.owners.get_mut(&variable.owner) {
            *own -= bytes;
            if *own == 0 {
                self.owners.remove(&variable.owner);
            }
        }
        if let Some(until) = variable.until {
            self.due.remove(&(until, scope.clone(), key.clone()));
        }
        Some(variable)
    }
}

/// A variable as an earlier life of the kernel left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its value.
    pub value: Payload,
    /// How long it has still to live; without an end when there is none.
    pub ttl: Option<Duration>,
    /// Whose room it takes.
    pub owner: Option<ModuleId>,
}

fn size(key: &Word, variable: &Variable) -> usize {
    VARIABLE_BYTES + key.as_str().len() + variable.value.len()
}

fn is_alive(now: Time, variable: &Variable) -> bool {
    variable.until.is_none_or(|until| now < until)
}

crate::saved::keep_fields!(Variable { value, version, until, owner });

impl Keep for Context {
    fn save(&self) -> Saved {
        Saved::fields([("scopes", self.scopes.save()), ("changes", self.changes.save())])
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        let scopes: BTreeMap<Scope, BTreeMap<Word, Variable>> = saved.field("scopes")?;
        let mut context = Self { changes: saved.field("changes")?, ..Self::default() };
        for (scope, all) in scopes {
            for (key, variable) in all {
                context.put(&scope, &key, variable);
            }
        }
        Ok(context)
    }
}

#[cfg(test)]
mod tests;
