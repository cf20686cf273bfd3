//! What a kernel knows, as a value that can be written down and read again by another binary.
//!
//! The kernel says what is in it, the host how it is written. Everything has its name, so that a later kernel that knows
//! more finds what an earlier one left out: what is absent is nothing or none, where the type has such a value, and else
//! [`Unreadable`].

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use abi::{Generation, ModuleId, Name, Pattern, Payload, Reason, RequestId, Scope, Slot, Time, Zone};

use crate::word::Word;

/// A value that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// A number; truth is 0 or 1.
    Number(u64),
    /// A text.
    Text(String),
    /// Things in their order.
    List(Vec<Saved>),
    /// Things by name.
    Fields(BTreeMap<String, Saved>),
}

/// A value that is not what it should be; says which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(String);

impl Unreadable {
    pub(crate) fn new(what: &str) -> Self {
        Self(what.to_string())
    }

    fn within(self, name: &str) -> Self {
        Self(alloc::format!("{name}.{}", self.0))
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` can't be read", self.0)
    }
}

impl core::error::Error for Unreadable {}

impl Saved {
    /// Things by name.
    pub(crate) fn fields<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Fields(fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
    }

    /// One of the things by name.
    pub(crate) fn field<T: Keep>(&self, name: &str) -> Result<T, Unreadable> {
        let Self::Fields(fields) = self else { return Err(Unreadable::new(name)) };
        match fields.get(name) {
            Some(value) => T::restore(value).map_err(|error| error.within(name)),
            None => T::absent().ok_or_else(|| Unreadable::new(name)),
        }
    }

    /// One of the things in their order.
    pub(crate) fn item<T: Keep>(&self, at: usize) -> Result<T, Unreadable> {
        let Self::List(items) = self else { return Err(Unreadable::new("list")) };
        T::restore(items.get(at).ok_or_else(|| Unreadable::new("list"))?)
    }

    /// The word with which a thing of several kinds begins.
    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Text(word) => Some(word),
            Self::List(items) => items.first().and_then(Self::word),
            Self::Number(_) | Self::Fields(_) => None,
        }
    }

    fn text(&self) -> Result<&str, Unreadable> {
        if let Self::Text(text) = self { Ok(text) } else { Err(Unreadable::new("text")) }
    }

    fn list(&self) -> Result<&[Self], Unreadable> {
        if let Self::List(items) = self { Ok(items) } else { Err(Unreadable::new("list")) }
    }
}

/// What can be saved and restored.
pub(crate) trait Keep: Sized {
    fn save(&self) -> Saved;
    fn restore(saved: &Saved) -> Result<Self, Unreadable>;
    /// What it is where nothing was saved.
    fn absent() -> Option<Self> {
        None
    }
}

/// Saves and restores a struct by its fields.
macro_rules! keep_fields {
    ($(@$param:ident)? $type:ty { $($field:ident),* $(,)? }) => {
        impl $(<$param: $crate::saved::Keep>)? $crate::saved::Keep for $type {
            fn save(&self) -> $crate::saved::Saved {
                $crate::saved::Saved::fields([$((stringify!($field), $crate::saved::Keep::save(&self.$field))),*])
            }
            fn restore(saved: &$crate::saved::Saved) -> Result<Self, $crate::saved::Unreadable> {
                Ok(Self { $($field: saved.field(stringify!($field))?),* })
            }
        }
    };
}

/// Saves and restores an enum by the names of its variants and what is in them.
macro_rules! keep_variants {
    ($type:ty { $($variant:ident { $($field:tt: $name:ident),* }),* $(,)? }) => {
        impl $crate::saved::Keep for $type {
            fn save(&self) -> $crate::saved::Saved {
                match self {
                    $(Self::$variant { $($field: $name),* } => $crate::saved::Saved::List(alloc::vec![
                        $crate::saved::Saved::Text(alloc::string::String::from(stringify!($variant))),
                        $($crate::saved::Keep::save($name)),*
                    ])),*
                }
            }
            fn restore(saved: &$crate::saved::Saved) -> Result<Self, $crate::saved::Unreadable> {
                let mut _at = 0;
                match saved.word() {
                    $(Some(stringify!($variant)) => Ok(Self::$variant {
                        $($field: { _at += 1; saved.item(_at)? }),*
                    }),)*
                    _ => Err($crate::saved::Unreadable::new(stringify!($type))),
                }
            }
        }
    };
}

/// Saves and restores some fields of a struct whose others come from elsewhere.
macro_rules! keep_parts {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $type {
            pub(crate) fn save_parts(&self) -> $crate::saved::Saved {
                $crate::saved::Saved::fields([$((stringify!($field), $crate::saved::Keep::save(&self.$field))),*])
            }
            pub(crate) fn restore_parts(
                &mut self,
                saved: &$crate::saved::Saved,
            ) -> Result<(), $crate::saved::Unreadable> {
                $(self.$field = saved.field(stringify!($field))?;)*
                Ok(())
            }
        }
    };
}

pub(crate) use {keep_fields, keep_parts, keep_variants};

/// Types that are numbers.
macro_rules! keep_number {
    ($($type:ty: $make:expr, $take:expr;)*) => {
        $(impl Keep for $type {
            fn save(&self) -> Saved {
                let take: fn(&$type) -> u64 = $take;
                Saved::Number(take(self))
            }
            fn restore(saved: &Saved) -> Result<Self, Unreadable> {
                let make: fn(u64) -> Option<$type> = $make;
                let Saved::Number(number) = saved else { return Err(Unreadable::new("number")) };
                make(*number).ok_or_else(|| Unreadable::new("number"))
            }
        })*
    };
}

keep_number! {
    u64: Some, |number| *number;
    u32: |number| u32::try_from(number).ok(), |number| u64::from(*number);
    usize: |number| usize::try_from(number).ok(), |number| *number as u64;
    i64: |number| Some(number.cast_signed()), |number| number.cast_unsigned();
    bool: |number| match number { 0 => Some(false), 1 => Some(true), _ => None }, |truth| u64::from(*truth);
    Time: |number| Some(Time(number)), |time| time.0;
    Generation: |number| Some(Generation(number)), |generation| generation.0;
    RequestId: |number| Some(RequestId(number)), |request| request.0;
    Slot: |number| u32::try_from(number).ok().map(Slot), |slot| u64::from(slot.0);
}

/// Types that are texts.
macro_rules! keep_text {
    ($($type:ty: $parse:expr;)*) => {
        $(impl Keep for $type {
            fn save(&self) -> Saved {
                Saved::Text(self.to_string())
            }
            fn restore(saved: &Saved) -> Result<Self, Unreadable> {
                let parse: fn(&str) -> Option<$type> = $parse;
                parse(saved.text()?).ok_or_else(|| Unreadable::new("text"))
            }
        })*
    };
}

keep_text! {
    String: |text| Some(text.to_string());
    Name: |text| Name::parse(text).ok();
    Word: |text| Word::parse(text).ok();
    ModuleId: |text| ModuleId::parse(text).ok();
    Scope: Scope::parse;
    Pattern: Pattern::parse;
    Zone: |text| Zone::ALL.into_iter().find(|zone| zone.as_str() == text);
    Reason: |text| Reason::ALL.into_iter().find(|reason| reason.as_str() == text);
}

impl Keep for Cow<'static, str> {
    fn save(&self) -> Saved {
        Saved::Text(self.to_string())
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        String::restore(saved).map(Cow::Owned)
    }
}

/// Nearly always text, since it is JSON; what is not is kept byte by byte.
impl Keep for Payload {
    fn save(&self) -> Saved {
        match core::str::from_utf8(self.as_bytes()) {
            Ok(text) => Saved::Text(text.to_string()),
            Err(_) => {
                Saved::List(self.as_bytes().iter().map(|byte| Saved::Number(u64::from(*byte))).collect())
            }
        }
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        if let Saved::Text(text) = saved {
            return Ok(Self::new(text.as_bytes()));
        }
        let byte = |saved: &Saved| {
            let number = u64::restore(saved)?;
            u8::try_from(number).map_err(|_| Unreadable::new("byte"))
        };
        let bytes: Result<Vec<u8>, Unreadable> = saved.list()?.iter().map(byte).collect();
        Ok(Self::new(&bytes?))
    }
}

impl<T: Keep> Keep for Option<T> {
    fn save(&self) -> Saved {
        Saved::List(self.iter().map(Keep::save).collect())
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        saved.list()?.first().map(T::restore).transpose()
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// Collections of one kind of thing.
macro_rules! keep_list {
    ($($type:ty where $($param:ident: $($bound:ident)?),*;)*) => {
        $(impl<$($param: Keep $(+ $bound)?),*> Keep for $type {
            fn save(&self) -> Saved {
                Saved::List(self.iter().map(|thing| Keep::save(thing)).collect())
            }
            fn restore(saved: &Saved) -> Result<Self, Unreadable> {
                saved.list()?.iter().map(Keep::restore).collect()
            }
            fn absent() -> Option<Self> {
                Some(Self::default())
            }
        })*
    };
}

keep_list! {
    Vec<T> where T:;
    VecDeque<T> where T:;
    BTreeSet<T> where T: Ord;
}

impl<K: Keep + Ord, V: Keep> Keep for BTreeMap<K, V> {
    fn save(&self) -> Saved {
        let pair = |(key, value): (&K, &V)| Saved::List(alloc::vec![key.save(), value.save()]);
        Saved::List(self.iter().map(pair).collect())
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        saved.list()?.iter().map(|pair| Ok((pair.item(0)?, pair.item(1)?))).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}

impl<A: Keep, B: Keep> Keep for (A, B) {
    fn save(&self) -> Saved {
        Saved::List(alloc::vec![self.0.save(), self.1.save()])
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        Ok((saved.item(0)?, saved.item(1)?))
    }
}

impl<A: Keep, B: Keep, C: Keep> Keep for (A, B, C) {
    fn save(&self) -> Saved {
        Saved::List(alloc::vec![self.0.save(), self.1.save(), self.2.save()])
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        Ok((saved.item(0)?, saved.item(1)?, saved.item(2)?))
    }
}

/// A saved value as it is: for what is read in a second step.
impl Keep for Saved {
    fn save(&self) -> Saved {
        self.clone()
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        Ok(saved.clone())
    }
}

#[cfg(test)]
mod tests;
