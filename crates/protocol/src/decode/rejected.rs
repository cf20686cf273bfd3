//! Why a line is no message, in the contract's exact words.

use abi::Explain;

/// 64 characters: how much of an unknown `type` is repeated in its fault, so that a fault is never a second payload.
const UNKNOWN_TYPE_CHARS_MAX: usize = 64;

/// A module's fault in one line. Its text is part of the door: `publish: topic exceeds 256 chars (300)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The line is JSON and not an object.
    #[error("not an object")]
    NotAnObject,
    /// There is no `type`.
    #[error("type is missing")]
    TypeMissing,
    /// `type` is not a text.
    #[error("type is not a string")]
    TypeNotText,
    /// No message has this `type`; a long one is cut.
    #[error("unknown type: {0}")]
    UnknownType(String),
    /// A field that the message must have is not there.
    #[error("{frame}: {field} is missing")]
    Missing {
        /// The message's `type`.
        frame: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field is not a text.
    #[error("{frame}: {field} is not a string")]
    NotText {
        /// The message's `type`.
        frame: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A name is too long.
    #[error("{frame}: {field} exceeds 256 chars ({units})")]
    TooLong {
        /// The message's `type`.
        frame: &'static str,
        /// The field.
        field: &'static str,
        /// Its length in UTF-16 units.
        units: usize,
    },
    /// A field is not a number from 0 without a fraction.
    #[error("{frame}: {field} is not a whole number")]
    NotWhole {
        /// The message's `type`.
        frame: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field is not a number.
    #[error("{frame}: {field} is not a number")]
    NotNumber {
        /// The message's `type`.
        frame: &'static str,
        /// The field.
        field: &'static str,
    },
    /// `items` of a `log-group` is not a list of objects.
    #[error("log-group: items is not an array of objects")]
    BadItems,
}

impl Rejected {
    pub(super) fn unknown_type(word: &str) -> Self {
        let mut shown: String = word.chars().take(UNKNOWN_TYPE_CHARS_MAX).collect();
        if shown.len() < word.len() {
            shown.push('…');
        }
        Self::UnknownType(shown)
    }
}

impl Explain for Rejected {
    fn code(&self) -> &'static str {
        match self {
            Self::NotAnObject => "protocol::frame::not_an_object",
            Self::TypeMissing => "protocol::frame::type_missing",
            Self::TypeNotText => "protocol::frame::type_not_text",
            Self::UnknownType(_) => "protocol::frame::unknown_type",
            Self::Missing { .. } => "protocol::frame::field_missing",
            Self::NotText { .. } => "protocol::frame::field_not_text",
            Self::TooLong { .. } => "protocol::frame::field_too_long",
            Self::NotWhole { .. } => "protocol::frame::field_not_whole",
            Self::NotNumber { .. } => "protocol::frame::field_not_number",
            Self::BadItems => "protocol::frame::bad_items",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::UnknownType(_) => {
                Some("see schema/module-door.json for the messages a module may send".into())
            }
            _ => None,
        }
    }
}
