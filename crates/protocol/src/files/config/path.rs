//! Dotted paths into a configuration: reading, writing, and what a text means when it is meant as a value.

use abi::Explain;
use serde_json::{Map, Value};

use crate::decode::refused_segment;

/// 32 segments: a deeper path is a mistake, and every segment becomes a map.
const SEGMENTS_MAX: usize = 32;

/// Why a dotted path can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It holds a segment that may not be in a path.
    #[error("key `{path}` holds the refused segment `{segment}`")]
    Refused {
        /// The path.
        path: String,
        /// The segment.
        segment: &'static str,
    },
    /// It is empty, or two dots follow each other, or there are too many segments.
    #[error("key `{path}` is no dotted path of 1 to {SEGMENTS_MAX} segments")]
    Malformed {
        /// The path.
        path: String,
    },
    /// On the way stands something that is no map.
    #[error("`{at}` is no map, so `{path}` has no place")]
    NotAMap {
        /// The path.
        path: String,
        /// The part of it that is no map.
        at: String,
    },
}

impl Explain for PathError {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "files::config::path_refused",
            Self::Malformed { .. } => "files::config::path_malformed",
            Self::NotAMap { .. } => "files::config::path_not_a_map",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NotAMap { at, .. } => Some(format!("ostoja config unset {at}")),
            Self::Refused { .. } | Self::Malformed { .. } => None,
        }
    }
}

/// Whether there was something to take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// There was.
    Yes,
    /// There was not.
    Absent,
}

/// The segments of a usable path.
pub(super) fn segments(path: &str) -> Result<Vec<&str>, PathError> {
    if let Some(segment) = refused_segment(path) {
        return Err(PathError::Refused { path: path.to_owned(), segment });
    }
    let segments: Vec<&str> = path.split('.').collect();
    if segments.len() > SEGMENTS_MAX || segments.iter().any(|segment| segment.is_empty()) {
        return Err(PathError::Malformed { path: path.to_owned() });
    }
    Ok(segments)
}

/// The value at a dotted path; a number is a place in a list. What no path can name is not there.
pub fn get<'v>(root: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut segments = path.split('.');
    let first = root.get(segments.next()?)?;
    segments.try_fold(first, |value, segment| match value {
        Value::Object(map) => map.get(segment),
        Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Puts a value at a dotted path; maps that are missing on the way are made.
///
/// # Errors
/// See [`PathError`]; nothing is changed then.
pub fn set(root: &mut Map<String, Value>, path: &str, value: Value) -> Result<(), PathError> {
    let segments = segments(path)?;
    check_way(root, path, &segments)?;
    let Some((last, way)) = segments.split_last() else {
        return Err(PathError::Malformed { path: path.to_owned() });
    };
    let mut map = root;
    for segment in way {
        let next = map.entry(*segment).or_insert_with(|| Value::Object(Map::new()));
        if next.is_null() {
            *next = Value::Object(Map::new());
        }
        map = next.as_object_mut().expect("check_way found maps or nothing on the way");
    }
    map.insert((*last).to_owned(), value);
    Ok(())
}

fn check_way(root: &Map<String, Value>, path: &str, segments: &[&str]) -> Result<(), PathError> {
    let mut map = root;
    for (at, segment) in segments.iter().enumerate().take(segments.len() - 1) {
        match map.get(*segment) {
            Some(Value::Object(next)) => map = next,
            // `section:` with nothing after it is an empty section.
            None | Some(Value::Null) => return Ok(()),
            Some(_) => {
                return Err(PathError::NotAMap { path: path.to_owned(), at: segments[..=at].join(".") });
            }
        }
    }
    Ok(())
}

/// Takes the value at a dotted path away.
///
/// # Errors
/// The path is refused or malformed.
pub fn unset(root: &mut Map<String, Value>, path: &str) -> Result<Removed, PathError> {
    let segments = segments(path)?;
    let Some((last, way)) = segments.split_last() else {
        return Err(PathError::Malformed { path: path.to_owned() });
    };
    let mut map = root;
    for segment in way {
        match map.get_mut(*segment) {
            Some(Value::Object(next)) => map = next,
            _ => return Ok(Removed::Absent),
        }
    }
    Ok(if map.shift_remove(*last).is_some() { Removed::Yes } else { Removed::Absent })
}

/// What a text means as a value: `{..}` and `[..]` as JSON, `true`, `false`, `null`, numbers; else itself. What is no
/// text stays as it is.
pub fn coerce(value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    let trimmed = text.trim();
    let json = match trimmed.as_bytes() {
        [b'{', .., b'}'] | [b'[', .., b']'] => true,
        b"true" | b"false" | b"null" => true,
        // `serde_json` knows what a number is, `0755` is none. What starts otherwise would be a quoted text.
        [b'-' | b'0'..=b'9', ..] => true,
        _ => false,
    };
    match json.then(|| serde_json::from_str::<Value>(trimmed)) {
        Some(Ok(coerced)) => coerced,
        _ => value,
    }
}
