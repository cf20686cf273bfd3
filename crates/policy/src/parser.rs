//! From a file's words to its policies, each held against what can be asked here: a policy that can never hold as it was
//! meant, because a word is misspelled or a comparison is always false, is a fault.
//!
//! After a fault it goes on behind the next `;`, so that all faults of a file are told at once.

use crate::fault::{Fault, place};
use crate::lexer::{Token, Word, words};
use crate::own::Source;
use crate::rule::{Condition, Effect, Kind, Rule, Scope, Uid, Variable, role_of};
use crate::verbs;

mod condition;

/// 1,024 entities in one list: more names than there are verbs.
const LIST_MAX: usize = 1_024;

/// 256 characters of a name: four times the longest that somebody can have.
const NAME_CHARS_MAX: usize = 256;

/// The namespace of everything here.
const NAMESPACE: &str = "Ostoja";

/// The zones there are.
const ZONES: [&str; 3] = ["sandbox", "stable", "system"];

/// All policies of a file, or all its faults.
pub(crate) fn policies(source: &Source) -> Result<Vec<Rule>, Vec<Fault>> {
    let tokens = words(&source.name, &source.text).map_err(|fault| vec![fault])?;
    let mut parser = Parser { source, tokens: &tokens, at: 0, depth: 0 };
    let (mut rules, mut faults) = (Vec::new(), Vec::new());
    while parser.word() != &Word::End {
        match parser.rule() {
            Ok(rule) => rules.push(rule),
            Err(fault) => {
                faults.push(*fault);
                parser.skip_policy();
            }
        }
    }
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

/// Boxed, since it is seldom there.
type Parsed<T> = Result<T, Box<Fault>>;

struct Parser<'s> {
    source: &'s Source,
    tokens: &'s [Token],
    at: usize,
    /// How deep the present condition is.
    depth: usize,
}

impl Parser<'_> {
    fn token(&self) -> &Token {
        // The last one is the end, behind which nobody goes.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn word(&self) -> &Word {
        &self.token().word
    }

    fn offset(&self) -> usize {
        self.token().offset
    }

    fn fault_at(&self, offset: usize, message: impl Into<String>) -> Box<Fault> {
        Box::new(Fault::at(&self.source.name, &self.source.text, offset, message.into()))
    }

    fn fault(&self, message: impl Into<String>) -> Box<Fault> {
        self.fault_at(self.offset(), message)
    }

    fn expected(&self, what: &str) -> Box<Fault> {
        let found = match self.word() {
            Word::Name(name) => format!("`{name}`"),
            Word::Text(_) => "a text".to_owned(),
            Word::Number => "a number".to_owned(),
            Word::Sign(sign) => format!("`{sign}`"),
            Word::End => "the end".to_owned(),
        };
        self.fault(format!("{what} is expected here, not {found}"))
    }

    fn skip_policy(&mut self) {
        while self.word() != &Word::End && !self.take_sign(";") {
            self.at += 1;
        }
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.word(), Word::Sign(found) if *found == sign)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is_it = self.is_sign(sign);
        self.at += usize::from(is_it);
        is_it
    }

    fn sign(&mut self, sign: &str) -> Parsed<()> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.expected(&format!("`{sign}`"))) }
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.word(), Word::Name(found) if found == name)
    }

    fn take_name(&mut self, name: &str) -> bool {
        let is_it = self.is_name(name);
        self.at += usize::from(is_it);
        is_it
    }

    fn name(&mut self, what: &str) -> Parsed<String> {
        let Word::Name(name) = self.word().clone() else { return Err(self.expected(what)) };
        self.at += 1;
        Ok(name)
    }

    fn text(&mut self, what: &str) -> Parsed<String> {
        let Word::Text(text) = self.word().clone() else { return Err(self.expected(what)) };
        self.at += 1;
        Ok(text)
    }

    /// `@id("…") permit (principal …, action …, resource …) when { … };`
    fn rule(&mut self) -> Parsed<Rule> {
        self.depth = 0;
        let offset = self.offset();
        let (mut id, mut role) = (None, None);
        while self.take_sign("@") {
            let name = self.name("the name of an annotation")?;
            let mut value = String::new();
            if self.take_sign("(") {
                value = self.text("an annotation's text")?;
                self.sign(")")?;
            }
            match name.as_str() {
                "id" => id = Some(value),
                "role" => role = Some(value),
                _ => {}
            }
        }
        let effect = match self.word() {
            Word::Name(name) if name == "permit" => Effect::Permit,
            Word::Name(name) if name == "forbid" => Effect::Forbid,
            _ => return Err(self.expected("`permit` or `forbid`")),
        };
        self.at += 1;
        self.sign("(")?;
        let principal = self.scope("principal", Variable::Principal)?;
        self.sign(",")?;
        let action = self.scope("action", Variable::Action)?;
        self.sign(",")?;
        let resource = self.scope("resource", Variable::Resource)?;
        self.take_sign(",");
        self.sign(")")?;
        let conditions = self.conditions()?;
        self.sign(";")?;
        let name = self.told_as(offset, id.as_deref());
        Ok(Rule { effect, name, role, offset, principal, action, resource, conditions })
    }

    fn told_as(&self, offset: usize, id: Option<&str>) -> String {
        let (line, column) = place(&self.source.text, offset);
        let name = format!("{}:{line}:{column}", self.source.name);
        id.map(|id| format!("{name} ({id})")).unwrap_or(name)
    }

    fn scope(&mut self, name: &str, variable: Variable) -> Parsed<Scope> {
        if !self.take_name(name) {
            return Err(self.expected(&format!("`{name}`")));
        }
        let offset = self.offset();
        if self.take_sign("==") {
            let uid = self.uid()?;
            self.check_equal(offset, kinds_of(variable), &[uid.kind])?;
            self.check_not_group(offset, &uid)?;
            return Ok(Scope::Equals(uid));
        }
        if self.take_name("in") {
            let uids = self.uids(variable)?;
            uids.iter().try_for_each(|uid| self.check_in(offset, kinds_of(variable), uid.kind))?;
            return Ok(Scope::In(uids));
        }
        if self.is_name("is") && variable != Variable::Action {
            self.at += 1;
            let kind = self.kind()?;
            self.check_equal(offset, kinds_of(variable), &[kind])?;
            if !self.take_name("in") {
                return Ok(Scope::Is(kind));
            }
            let uid = self.uid()?;
            self.check_in(offset, &[kind], uid.kind)?;
            return Ok(Scope::IsIn(kind, uid));
        }
        if self.is_sign(",") || self.is_sign(")") {
            Ok(Scope::Any)
        } else {
            Err(self.expected("`==`, `in` or `,`"))
        }
    }

    /// One entity, or a list of actions.
    fn uids(&mut self, variable: Variable) -> Parsed<Vec<Uid>> {
        if variable != Variable::Action || !self.take_sign("[") {
            return Ok(vec![self.uid()?]);
        }
        let mut uids = Vec::new();
        while !self.take_sign("]") {
            if uids.len() >= LIST_MAX {
                return Err(self.fault(format!("this list is longer than {LIST_MAX}")));
            }
            uids.push(self.uid()?);
            if !self.is_sign("]") {
                self.sign(",")?;
            }
        }
        Ok(uids)
    }

    /// `Ostoja::User`, with its `::` taken when a name follows.
    fn kind(&mut self) -> Parsed<Kind> {
        let offset = self.offset();
        let first = self.name("`Ostoja::`")?;
        if first != NAMESPACE {
            let fault = self.fault_at(offset, format!("`{first}` is not known here"));
            return Err(Box::new(fault.help("everything here begins with `Ostoja::`")));
        }
        self.sign("::")?;
        let offset = self.offset();
        let name = self.name("a kind")?;
        let found = Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
        found.ok_or_else(|| {
            let all: Vec<&str> = Kind::ALL.into_iter().map(Kind::as_str).collect();
            Box::new(
                self.fault_at(offset, format!("`{name}` is no kind"))
                    .help(format!("one of {}", all.join(", "))),
            )
        })
    }

    /// `Ostoja::User::"ann"`, if there can be one of this name.
    fn uid(&mut self) -> Parsed<Uid> {
        let kind = self.kind()?;
        self.sign("::")?;
        let offset = self.offset();
        let id = self.text("a name in quotes")?;
        self.check_name(offset, kind, &id)?;
        Ok(Uid { kind, id })
    }

    fn check_name(&self, offset: usize, kind: Kind, id: &str) -> Parsed<()> {
        let one_of = |words: &[&str]| {
            let fault = self.fault_at(offset, format!("there is no {} `{id}`", kind.as_str().to_lowercase()));
            Box::new(fault.help(format!("one of {}", words.join(", "))))
        };
        match kind {
            Kind::Role if role_of(id).is_none() => Err(one_of(&["viewer", "developer", "operator", "admin"])),
            Kind::Zone if !ZONES.contains(&id) => Err(one_of(&ZONES)),
            Kind::Kernel if id != "kernel" => Err(one_of(&["kernel"])),
            Kind::Action if !verbs::knows_action(id) => {
                let fault = self.fault_at(offset, format!("there is no action `{id}`"));
                let near = verbs::nearest_verb(id).map(|near| format!("did you mean `{near}`?"));
                Err(Box::new(fault.help(near.unwrap_or_else(|| "see operator.cedarschema".to_owned()))))
            }
            Kind::User | Kind::Module if id.is_empty() || id.chars().count() > NAME_CHARS_MAX => {
                Err(self.fault_at(offset, format!("a name has 1 to {NAME_CHARS_MAX} characters")))
            }
            Kind::User | Kind::Module | Kind::Role | Kind::Zone | Kind::Kernel | Kind::Action => Ok(()),
        }
    }

    /// Whether the two can ever be the same.
    fn check_equal(&self, offset: usize, these: &[Kind], those: &[Kind]) -> Parsed<()> {
        if these.iter().any(|kind| those.contains(kind)) {
            return Ok(());
        }
        Err(self.fault_at(offset, format!("{} is never {}", said(these), said(those))))
    }

    /// Whether one of these can ever be inside such a one.
    fn check_in(&self, offset: usize, these: &[Kind], outer: Kind) -> Parsed<()> {
        let fits = |kind: &Kind| {
            *kind == outer || matches!((*kind, outer), (Kind::User, Kind::Role) | (Kind::Module, Kind::Zone))
        };
        if these.iter().any(fits) {
            return Ok(());
        }
        Err(self.fault_at(offset, format!("{} is never in {}", said(these), said(&[outer]))))
    }

    /// What is asked is a verb, so it equals no group.
    fn check_not_group(&self, offset: usize, uid: &Uid) -> Parsed<()> {
        if uid.kind != Kind::Action || verbs::knows_verb(&uid.id) {
            return Ok(());
        }
        let fault =
            self.fault_at(offset, format!("`{}` is a group of actions, which nobody asks as such", uid.id));
        Err(Box::new(fault.help("write `in` instead of `==`")))
    }

    fn conditions(&mut self) -> Parsed<Vec<Condition>> {
        let mut all = Vec::new();
        loop {
            let negated = self.is_name("unless");
            if !self.take_name("when") && !self.take_name("unless") {
                return Ok(all);
            }
            self.sign("{")?;
            let condition = self.condition()?;
            self.sign("}")?;
            all.push(if negated { Condition::Not(Box::new(condition)) } else { condition });
        }
    }
}

/// What one of the three can be.
fn kinds_of(variable: Variable) -> &'static [Kind] {
    match variable {
        Variable::Principal => &[Kind::User],
        Variable::Action => &[Kind::Action],
        Variable::Resource => &[Kind::Module, Kind::Zone, Kind::Kernel],
    }
}

fn said(kinds: &[Kind]) -> String {
    let words: Vec<String> = kinds.iter().map(|kind| format!("`Ostoja::{}`", kind.as_str())).collect();
    words.join(" or ")
}
