//! Reads typed values out of a located tree and collects every complaint, so that a person sees all of them at once.

use std::ops::RangeInclusive;
use std::time::Duration;

use abi::{ModuleId, Name, NameError, PermissionKind, Permissions};

use super::fault::{Area, Fault, FileError, Position, quoted};
use super::node::{Key, Kind, Node};
use super::{nearest, units};
use crate::decode::{PERMISSION_VALUE_BYTES_MAX, PERMISSION_VALUES_MAX};

/// 1,024 entries: the longest list that is read; every one of them is shown to a person somewhere.
pub(super) const LIST_ITEMS_MAX: usize = 1024;

/// 4,096 bytes: the longest text of one field; Linux refuses longer paths.
const TEXT_BYTES_MAX: usize = 4096;

/// 100 complaints: nobody reads more at once, and looking for the nearest word costs time.
const ERRORS_MAX: usize = 100;

/// The complaints about one file so far.
#[derive(Debug)]
pub(super) struct Reader {
    area: Area,
    /// At most [`ERRORS_MAX`] of them; `complaints` counts all.
    pub(super) errors: Vec<FileError>,
    complaints: u64,
}

impl Reader {
    pub(super) fn new(area: Area) -> Self {
        Self { area, errors: Vec::new(), complaints: 0 }
    }

    /// Notes a complaint about a value.
    pub(super) fn complain(&mut self, node: &Node, fault: Fault) {
        self.note(node, node.at, fault);
    }

    /// Notes a complaint about a key of `map`.
    pub(super) fn complain_key(&mut self, map: &Node, key: &Key, fault: Fault) {
        self.note(map, key.at, fault);
    }

    fn note(&mut self, node: &Node, at: Position, fault: Fault) {
        self.complaints += 1;
        if !self.is_full() {
            self.errors.push(FileError { file: node.file.to_string(), at, area: self.area, fault });
        }
    }

    /// How many complaints there were so far, those dropped included: whoever wants to know whether a part is fine
    /// compares this before and after.
    pub(super) fn complaints(&self) -> u64 {
        self.complaints
    }

    /// Whether further complaints are only counted.
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= ERRORS_MAX
    }

    pub(super) fn wrong_kind(&mut self, field: &str, node: &Node, expected: &'static str) {
        let found = node.shown();
        self.complain(node, Fault::WrongKind { field: field.to_owned(), found, expected });
    }

    pub(super) fn bad_value(&mut self, field: &str, node: &Node, why: impl Into<String>) {
        let fault = Fault::BadValue { field: field.to_owned(), found: node.shown(), why: why.into() };
        self.complain(node, fault);
    }

    pub(super) fn unknown_field(&mut self, map: &Node, key: &Key, known: &[&str]) {
        if self.is_full() {
            // Looking for the nearest word is only worth its time while somebody reads it.
            self.complaints += 1;
            return;
        }
        let nearest = nearest(&key.text, known.iter().copied()).map(str::to_owned);
        self.complain_key(map, key, Fault::UnknownField { field: key.text.clone(), nearest });
    }

    /// The entries of a map.
    pub(super) fn map<'n>(&mut self, field: &str, node: &'n Node) -> Option<&'n [(Key, Node)]> {
        match &node.kind {
            Kind::Map(entries) => Some(entries),
            _ => {
                self.wrong_kind(field, node, "a map");
                None
            }
        }
    }

    /// The items of a list that is not too long.
    pub(super) fn list<'n>(&mut self, field: &str, node: &'n Node) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::List(items) if items.len() <= LIST_ITEMS_MAX => Some(items),
            Kind::List(items) => {
                self.bad_value(
                    field,
                    node,
                    format!("has {} entries, at most {LIST_ITEMS_MAX} are read", items.len()),
                );
                None
            }
            _ => {
                self.wrong_kind(field, node, "a list");
                None
            }
        }
    }

    /// A text, not empty and not too long.
    pub(super) fn text(&mut self, field: &str, node: &Node) -> Option<String> {
        let Kind::Text(text) = &node.kind else {
            self.wrong_kind(field, node, "a text");
            return None;
        };
        if text.is_empty() {
            let fault =
                Fault::WrongKind { field: field.to_owned(), found: "empty".to_owned(), expected: "a text" };
            self.complain(node, fault);
            return None;
        }
        if text.len() > TEXT_BYTES_MAX {
            self.bad_value(
                field,
                node,
                format!("has {} bytes, at most {TEXT_BYTES_MAX} are read", text.len()),
            );
            return None;
        }
        if text.contains('\0') {
            self.bad_value(field, node, "holds a zero byte");
            return None;
        }
        Some(text.clone())
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, field: &str, node: &Node) -> Vec<String> {
        let items = self.list(field, node).unwrap_or_default();
        items.iter().filter_map(|item| self.text(field, item)).collect()
    }

    /// A list of services or topics.
    pub(super) fn names(&mut self, field: &str, node: &Node) -> Vec<Name> {
        let items = self.list(field, node).unwrap_or_default();
        items.iter().filter_map(|item| self.name(field, item)).collect()
    }

    pub(super) fn name(&mut self, field: &str, node: &Node) -> Option<Name> {
        let text = self.text(field, node)?;
        match Name::parse(&text) {
            Ok(name) => Some(name),
            Err(error) => {
                self.bad_value(field, node, error.to_string());
                None
            }
        }
    }

    /// A module's name.
    pub(super) fn module_id(&mut self, field: &str, node: &Node) -> Option<ModuleId> {
        let text = self.text(field, node)?;
        match ModuleId::parse(&text) {
            Ok(id) => Some(id),
            Err(error) => {
                self.bad_value(field, node, why_no_id(&error));
                None
            }
        }
    }

    pub(super) fn flag(&mut self, field: &str, node: &Node) -> Option<bool> {
        match node.kind {
            Kind::Bool(flag) => Some(flag),
            _ => {
                self.wrong_kind(field, node, "true or false");
                None
            }
        }
    }

    /// A whole number within a range.
    pub(super) fn whole(&mut self, field: &str, node: &Node, range: RangeInclusive<u64>) -> Option<u64> {
        let number = match &node.kind {
            Kind::Number(number, _) => number.as_u64(),
            _ => None,
        };
        match number {
            Some(number) if range.contains(&number) => Some(number),
            Some(_) => {
                self.bad_value(field, node, format!("is outside {} to {}", range.start(), range.end()));
                None
            }
            None => {
                self.wrong_kind(field, node, "a whole number from 0");
                None
            }
        }
    }

    /// A whole number of any sign.
    pub(super) fn integer(&mut self, field: &str, node: &Node) -> Option<i64> {
        let number = match &node.kind {
            Kind::Number(number, _) => number.as_i64(),
            _ => None,
        };
        if number.is_none() {
            self.wrong_kind(field, node, "a whole number");
        }
        number
    }

    /// A duration with its unit.
    pub(super) fn duration(&mut self, field: &str, node: &Node) -> Option<Duration> {
        let Some(literal) = node.literal() else {
            self.wrong_kind(field, node, "a duration");
            return None;
        };
        match units::duration(literal) {
            Ok(duration) => Some(duration),
            Err(why) => {
                self.bad_value(field, node, why);
                None
            }
        }
    }

    /// A size in bytes or with a unit.
    pub(super) fn size_bytes(&mut self, field: &str, node: &Node) -> Option<u64> {
        let Some(literal) = node.literal() else {
            self.wrong_kind(field, node, "a size");
            return None;
        };
        match units::size_bytes(literal) {
            Ok(bytes) => Some(bytes),
            Err(why) => {
                self.bad_value(field, node, why);
                None
            }
        }
    }

    /// A share of processors: `50%` of one, or a number of them such as `1.5`; in thousandths of one.
    pub(super) fn cpu_permille(&mut self, field: &str, node: &Node) -> Option<u64> {
        let Some(literal) = node.literal() else {
            self.wrong_kind(field, node, "a share of a processor");
            return None;
        };
        match units::cpu_permille(literal) {
            Ok(permille) => Some(permille),
            Err(why) => {
                self.bad_value(field, node, why);
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, field: &str, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let literal = node.literal().unwrap_or_default();
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == literal) {
            return Some(*value);
        }
        let valid = || words.iter().map(|(word, _)| *word);
        self.complain(
            node,
            Fault::UnknownWord {
                field: field.to_owned(),
                found: node.shown(),
                allowed: valid().map(str::to_owned).collect(),
                nearest: nearest(literal, valid()).map(str::to_owned),
            },
        );
        None
    }

    /// A set of permissions: only the known kinds, no `*` where it would mean everything.
    pub(super) fn permissions(&mut self, field: &str, node: &Node) -> Option<Permissions> {
        let complaints_before = self.complaints();
        let mut permissions = Permissions::default();
        for (key, values) in self.map(field, node)? {
            let Some(kind) = PermissionKind::from_word(&key.text) else {
                self.unknown_kind(field, node, key);
                continue;
            };
            self.permission_values(kind, values, &mut permissions);
        }
        (self.complaints() == complaints_before).then_some(permissions)
    }

    /// All kinds are named: there are few, and the nearest is not always what was meant.
    fn unknown_kind(&mut self, field: &str, map: &Node, key: &Key) {
        let all = PermissionKind::ALL.map(PermissionKind::as_str);
        let fault = Fault::UnknownWord {
            field: field.to_owned(),
            found: quoted(&key.text),
            allowed: all.iter().map(|word| (*word).to_owned()).collect(),
            nearest: nearest(&key.text, all).map(str::to_owned),
        };
        self.complain_key(map, key, fault);
    }

    fn permission_values(&mut self, kind: PermissionKind, node: &Node, permissions: &mut Permissions) {
        let field = kind.as_str();
        for item in self.list(field, node).unwrap_or_default() {
            let Some(text) = self.text(field, item) else { continue };
            if let Some(why) = kind.refusal(&text) {
                self.bad_value(field, item, why);
            } else if self.area == Area::Manifest && leads_out(kind, &text) {
                // A project's author writes about the own folders; what somebody else's manifest asks for is read by
                // a person, from whom it must not hide where it leads.
                let why = "leads out by `..`; write the path itself, such as `/srv/data`, `~/data` or `data`";
                self.bad_value(field, item, why);
            } else if text.len() > PERMISSION_VALUE_BYTES_MAX {
                self.bad_value(field, item, format!("has more than {PERMISSION_VALUE_BYTES_MAX} bytes"));
            } else {
                permissions.of_mut(kind).insert(text);
            }
        }
        if permissions.of(kind).len() > PERMISSION_VALUES_MAX {
            self.bad_value(field, node, format!("has more than {PERMISSION_VALUES_MAX} entries"));
        }
    }
}

fn leads_out(kind: PermissionKind, path: &str) -> bool {
    matches!(kind, PermissionKind::Read | PermissionKind::Write) && path.split('/').any(|part| part == "..")
}

/// Why a text is no module's name, as the end of a sentence.
pub(super) fn why_no_id(error: &NameError) -> String {
    match error {
        NameError::Empty => "is empty".to_owned(),
        NameError::TooLong(found) => {
            format!("has {found} bytes, at most {} fit", abi::limits::MODULE_ID_BYTES_MAX)
        }
        NameError::BadCharacter(found, _) => {
            let found = quoted(&found.to_string());
            format!(
                "holds {found}; a name is made of a-z, A-Z, 0-9, `_` and, after its first letter, `-` and `.`"
            )
        }
    }
}
