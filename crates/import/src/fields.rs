//! The fields of a foreign map: what a reader takes, what is wrong with it, and what nobody took.

use std::collections::BTreeSet;

use protocol::files::node::{Kind, Node};
use protocol::files::{Area, Fault, FileError};

/// The complaints about one file so far.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    pub(crate) errors: Vec<FileError>,
}

/// 100 complaints: nobody reads more at once.
const ERRORS_MAX: usize = 100;

impl Complaints {
    pub(crate) fn note(&mut self, node: &Node, fault: Fault) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(FileError {
                file: node.file.to_string(),
                at: node.at,
                area: Area::Import,
                fault,
            });
        }
    }

    pub(crate) fn wrong_kind(&mut self, field: &str, node: &Node, expected: &'static str) {
        // A value may be a secret: its kind is enough.
        self.note(
            node,
            Fault::WrongKind { field: field.to_owned(), found: node.kind.word().to_owned(), expected },
        );
    }

    pub(crate) fn bad_value(&mut self, field: &str, node: &Node, why: impl Into<String>) {
        self.note(node, Fault::BadValue { field: field.to_owned(), found: node.shown(), why: why.into() });
    }

    /// The text of a scalar as it was typed.
    pub(crate) fn text(&mut self, field: &str, node: &Node) -> Option<String> {
        let text = node.literal().map(str::to_owned);
        if text.is_none() {
            self.wrong_kind(field, node, "a text");
        }
        text
    }

    /// A list of scalars, each as it was typed.
    pub(crate) fn texts(&mut self, field: &str, node: &Node) -> Vec<String> {
        let Kind::List(items) = &node.kind else {
            self.wrong_kind(field, node, "a list");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.text(field, item)).collect()
    }

    pub(crate) fn is_map(&mut self, field: &str, node: &Node) -> bool {
        let is_map = matches!(node.kind, Kind::Map(_));
        if !is_map {
            self.wrong_kind(field, node, "a map");
        }
        is_map
    }
}

/// The fields of one map, which remembers those that were asked for.
#[derive(Debug)]
pub(crate) struct Fields<'n> {
    pub(crate) node: &'n Node,
    asked: BTreeSet<&'static str>,
}

impl<'n> Fields<'n> {
    pub(crate) fn new(node: &'n Node) -> Self {
        Self { node, asked: BTreeSet::new() }
    }

    /// The field's value, if it is there and not empty.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.insert(key);
        self.node.entry(key).filter(|node| node.kind != Kind::Null)
    }

    /// The fields that nobody asked for: names, and their literals where they are scalars.
    pub(crate) fn rest(&self) -> impl Iterator<Item = (&'n str, &'n Node)> + '_ {
        let entries = self.node.entries().iter().map(|(key, value)| (key.text.as_str(), value));
        entries.filter(|(key, _)| !self.asked.contains(key))
    }
}

/// A field as a remark names it: with its value where that is short.
pub(crate) fn shown(key: &str, node: &Node) -> String {
    match &node.kind {
        Kind::List(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Node::literal).collect();
            let all = texts.join(", ");
            let fits = texts.len() == items.len() && all.len() <= SHOWN_BYTES_MAX;
            if fits { format!("{key}: [{all}]") } else { key.to_owned() }
        }
        _ => match node.literal() {
            Some(text) if text.len() <= SHOWN_BYTES_MAX && !text.contains('\n') => format!("{key}: {text}"),
            _ => key.to_owned(),
        },
    }
}

/// 60 bytes: a remark is to be read at a glance.
const SHOWN_BYTES_MAX: usize = 60;
