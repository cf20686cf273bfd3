//! Conditions: what stands behind `when` and `unless`. Each part is known to be a truth, an entity or a list when it is read,
//! so that nothing can fail when it is asked.

use super::{LIST_MAX, Parsed, Parser, kinds_of};
use crate::lexer::Word;
use crate::rule::{Condition, Entity, Kind, Variable};

/// 32 parts within each other: deeper ones are made by no person, and the reader calls itself for each.
const DEPTH_MAX: usize = 32;

/// What a part is.
enum Part {
    Truth(Condition),
    Entity(Entity),
    List(Vec<Entity>),
}

impl Parser<'_> {
    /// A whole condition, which is a truth.
    pub(super) fn condition(&mut self) -> Parsed<Condition> {
        let offset = self.offset();
        let part = self.part()?;
        self.truth(offset, part)
    }

    fn truth(&self, offset: usize, part: Part) -> Parsed<Condition> {
        match part {
            Part::Truth(condition) => Ok(condition),
            Part::Entity(_) | Part::List(_) => Err(self.fault_at(offset, "this is neither true nor false")),
        }
    }

    fn part(&mut self) -> Parsed<Part> {
        if self.depth >= DEPTH_MAX {
            return Err(self.fault(format!("this is more than {DEPTH_MAX} deep")));
        }
        self.depth += 1;
        let part = if self.take_name("if") { self.choice() } else { self.either() };
        self.depth -= 1;
        part
    }

    fn choice(&mut self) -> Parsed<Part> {
        let condition = self.condition()?;
        let branch = |parser: &mut Self, word: &str| {
            if parser.take_name(word) {
                parser.condition()
            } else {
                Err(parser.expected(&format!("`{word}`")))
            }
        };
        let then = branch(self, "then")?;
        let otherwise = branch(self, "else")?;
        Ok(Part::Truth(Condition::If(Box::new(condition), Box::new(then), Box::new(otherwise))))
    }

    fn either(&mut self) -> Parsed<Part> {
        let offset = self.offset();
        let mut left = self.both()?;
        while self.take_sign("||") {
            let one = self.truth(offset, left)?;
            let at = self.offset();
            let right = self.both()?;
            left = Part::Truth(Condition::Or(Box::new(one), Box::new(self.truth(at, right)?)));
        }
        Ok(left)
    }

    fn both(&mut self) -> Parsed<Part> {
        let offset = self.offset();
        let mut left = self.relation()?;
        while self.take_sign("&&") {
            let one = self.truth(offset, left)?;
            let at = self.offset();
            let right = self.relation()?;
            left = Part::Truth(Condition::And(Box::new(one), Box::new(self.truth(at, right)?)));
        }
        Ok(left)
    }

    fn relation(&mut self) -> Parsed<Part> {
        let left = self.unary()?;
        let offset = self.offset();
        if self.take_sign("==") {
            return self.equal(offset, left).map(Part::Truth);
        }
        if self.take_sign("!=") {
            let equal = self.equal(offset, left)?;
            return Ok(Part::Truth(Condition::Not(Box::new(equal))));
        }
        if self.take_name("in") {
            let entity = self.entity(offset, left)?;
            return self.within(offset, entity).map(Part::Truth);
        }
        if self.take_name("is") {
            let entity = self.entity(offset, left)?;
            return self.kind_of(offset, entity).map(Part::Truth);
        }
        if self.is_sign("<") || self.is_sign("<=") || self.is_sign(">") || self.is_sign(">=") {
            return Err(self.fault("nothing here is more or less than something else"));
        }
        Ok(left)
    }

    fn entity(&self, offset: usize, part: Part) -> Parsed<Entity> {
        match part {
            Part::Entity(entity) => Ok(entity),
            Part::Truth(_) | Part::List(_) => Err(self.fault_at(offset, "an entity is expected before this")),
        }
    }

    fn equal(&mut self, offset: usize, left: Part) -> Parsed<Condition> {
        let right = self.unary()?;
        match (left, right) {
            (Part::Truth(one), Part::Truth(other)) => Ok(Condition::Same(Box::new(one), Box::new(other))),
            (Part::Entity(one), Part::Entity(other)) => {
                self.check_equal(offset, kinds(&one), kinds(&other))?;
                for (this, that) in [(&one, &other), (&other, &one)] {
                    if let (Entity::Variable(Variable::Action), Entity::Named(uid)) = (this, that) {
                        self.check_not_group(offset, uid)?;
                    }
                }
                Ok(Condition::Equals(one, other))
            }
            _ => Err(self.fault_at(offset, "these two can't be compared")),
        }
    }

    fn within(&mut self, offset: usize, entity: Entity) -> Parsed<Condition> {
        let outer = match self.unary()? {
            Part::Entity(outer) => vec![outer],
            Part::List(outer) => outer,
            Part::Truth(_) => return Err(self.fault_at(offset, "nothing is in a truth")),
        };
        for one in &outer {
            let fits = kinds(one).iter().any(|kind| self.check_in(offset, kinds(&entity), *kind).is_ok());
            if !fits {
                self.check_in(offset, kinds(&entity), kinds(one)[0])?;
            }
        }
        Ok(Condition::In(entity, outer))
    }

    fn kind_of(&mut self, offset: usize, entity: Entity) -> Parsed<Condition> {
        let kind = self.kind()?;
        self.check_equal(offset, kinds(&entity), &[kind])?;
        let is_it = Condition::Is(entity.clone(), kind);
        if !self.take_name("in") {
            return Ok(is_it);
        }
        let within = self.within(offset, entity)?;
        Ok(Condition::And(Box::new(is_it), Box::new(within)))
    }

    fn unary(&mut self) -> Parsed<Part> {
        let offset = self.offset();
        let mut negated = false;
        let mut signs = 0;
        while self.take_sign("!") {
            (negated, signs) = (!negated, signs + 1);
        }
        let part = self.primary()?;
        match (signs, negated) {
            (0, _) => Ok(part),
            (_, true) => Ok(Part::Truth(Condition::Not(Box::new(self.truth(offset, part)?)))),
            (_, false) => Ok(Part::Truth(self.truth(offset, part)?)),
        }
    }

    fn primary(&mut self) -> Parsed<Part> {
        if self.take_sign("(") {
            let part = self.part()?;
            self.sign(")")?;
            return Ok(part);
        }
        if self.take_sign("[") {
            return self.list();
        }
        let Word::Name(name) = self.word().clone() else {
            return Err(match self.word() {
                Word::Text(_) | Word::Number => self.fault("texts and numbers have no use in policies here"),
                Word::Name(_) | Word::Sign(_) | Word::End => self.expected("a condition"),
            });
        };
        match name.as_str() {
            "true" | "false" => Ok(self.constant(name == "true")),
            "principal" => self.variable(Variable::Principal),
            "action" => self.variable(Variable::Action),
            "resource" => self.variable(Variable::Resource),
            "context" => self.context(),
            _ => self.uid().map(Entity::Named).map(Part::Entity),
        }
    }

    fn constant(&mut self, value: bool) -> Part {
        self.at += 1;
        Part::Truth(Condition::Always(value))
    }

    fn variable(&mut self, variable: Variable) -> Parsed<Part> {
        self.at += 1;
        if self.is_sign(".") || self.is_sign("[") {
            return Err(self.fault("it has no fields; only `context` has one, `dryRun`"));
        }
        Ok(Part::Entity(Entity::Variable(variable)))
    }

    /// `context.dryRun`, `context["dryRun"]` or `context has dryRun`, which it always has.
    fn context(&mut self) -> Parsed<Part> {
        self.at += 1;
        let offset = self.offset();
        let (field, condition) = if self.take_name("has") {
            (self.name("a field")?, Condition::Always(true))
        } else if self.take_sign("[") {
            let field = self.text("a field's name")?;
            self.sign("]")?;
            (field, Condition::DryRun)
        } else {
            self.sign(".")?;
            (self.name("a field")?, Condition::DryRun)
        };
        if field == "dryRun" {
            return Ok(Part::Truth(condition));
        }
        Err(Box::new(
            self.fault_at(offset, format!("`context` has no field `{field}`")).help("it has `dryRun`"),
        ))
    }

    fn list(&mut self) -> Parsed<Part> {
        let mut all = Vec::new();
        if self.is_sign("]") {
            return Err(self.fault("an empty list has nothing in it"));
        }
        while !self.take_sign("]") {
            if all.len() >= LIST_MAX {
                return Err(self.fault(format!("this list is longer than {LIST_MAX}")));
            }
            let offset = self.offset();
            let part = self.part()?;
            all.push(self.entity(offset, part)?);
            if !self.is_sign("]") {
                self.sign(",")?;
            }
        }
        Ok(Part::List(all))
    }
}

fn kinds(entity: &Entity) -> &[Kind] {
    match entity {
        Entity::Variable(variable) => kinds_of(*variable),
        Entity::Named(uid) => std::slice::from_ref(&uid.kind),
    }
}
