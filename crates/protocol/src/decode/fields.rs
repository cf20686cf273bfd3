//! One pass over a line: which known fields it has, and where their values lie.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use abi::limits::NAME_UNITS_MAX;

use super::{Raw, Rejected};

/// The fields that any message may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Type,
    Id,
    Topic,
    Payload,
    Service,
    Method,
    Params,
    Result,
    Error,
    DeadlineMs,
    Traceparent,
    Level,
    Msg,
    Data,
    Items,
    Manifest,
    Capabilities,
    Fraction,
    Seq,
    N,
    State,
    Version,
    Transport,
}

const KEYS: usize = Key::Transport as usize + 1;

impl Key {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "type" => Self::Type,
            "id" => Self::Id,
            "topic" => Self::Topic,
            "payload" => Self::Payload,
            "service" => Self::Service,
            "method" => Self::Method,
            "params" => Self::Params,
            "result" => Self::Result,
            "error" => Self::Error,
            "deadline_ms" => Self::DeadlineMs,
            "traceparent" => Self::Traceparent,
            "level" => Self::Level,
            "msg" => Self::Msg,
            "data" => Self::Data,
            "items" => Self::Items,
            "manifest" => Self::Manifest,
            "capabilities" => Self::Capabilities,
            "fraction" => Self::Fraction,
            "seq" => Self::Seq,
            "n" => Self::N,
            "state" => Self::State,
            "version" => Self::Version,
            "transport" => Self::Transport,
            _ => return None,
        })
    }

    /// The field's word on the wire.
    fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Id => "id",
            Self::Topic => "topic",
            Self::Payload => "payload",
            Self::Service => "service",
            Self::Method => "method",
            Self::Params => "params",
            Self::Result => "result",
            Self::Error => "error",
            Self::DeadlineMs => "deadline_ms",
            Self::Traceparent => "traceparent",
            Self::Level => "level",
            Self::Msg => "msg",
            Self::Data => "data",
            Self::Items => "items",
            Self::Manifest => "manifest",
            Self::Capabilities => "capabilities",
            Self::Fraction => "fraction",
            Self::Seq => "seq",
            Self::N => "n",
            Self::State => "state",
            Self::Version => "version",
            Self::Transport => "transport",
        }
    }
}

/// What a line turned out to be.
pub(super) enum Scan<'a> {
    Object(Fields<'a>),
    OtherJson,
    NotJson,
}

/// The known fields of one object. When a field comes twice the last one counts, as in JavaScript.
pub(super) struct Fields<'a>([Option<&'a RawValue>; KEYS]);

impl<'a> Fields<'a> {
    pub(super) fn scan(text: &'a str) -> Scan<'a> {
        if text.starts_with('{') {
            return match serde_json::from_str(text) {
                Ok(fields) => Scan::Object(fields),
                Err(_) => Scan::NotJson,
            };
        }
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Scan::OtherJson,
            Err(_) => Scan::NotJson,
        }
    }

    /// The field's value as it stands.
    pub(super) fn raw(&self, key: Key) -> Option<Raw<'a>> {
        self.0[key as usize].map(Raw::from)
    }

    /// The field's value unless it is absent or `null`.
    pub(super) fn some(&self, key: Key) -> Option<Raw<'a>> {
        self.raw(key).filter(|value| *value != Raw::NULL)
    }

    /// The text of `type`.
    pub(super) fn word(&self) -> Result<Cow<'a, str>, Rejected> {
        let value = self.raw(Key::Type).ok_or(Rejected::TypeMissing)?;
        text_of(value).ok_or(Rejected::TypeNotText)
    }

    /// A field that must be a text of at most 256 UTF-16 units.
    pub(super) fn name(&self, frame: &'static str, key: Key) -> Result<Cow<'a, str>, Rejected> {
        let field = key.as_str();
        let value = self.raw(key).ok_or(Rejected::Missing { frame, field })?;
        let text = text_of(value).ok_or(Rejected::NotText { frame, field })?;
        match units_beyond_limit(&text) {
            Some(units) => Err(Rejected::TooLong { frame, field, units }),
            None => Ok(text),
        }
    }

    /// A text for people: what is no text is shown as its JSON, because losing it would help nobody.
    pub(super) fn prose(&self, key: Key) -> Option<Cow<'a, str>> {
        self.some(key).map(|value| text_of(value).unwrap_or(Cow::Borrowed(value.as_str())))
    }

    /// A number from 0 without a fraction.
    pub(super) fn whole(&self, frame: &'static str, key: Key) -> Result<Option<u64>, Rejected> {
        let Some(value) = self.some(key) else { return Ok(None) };
        whole_of(value).map(Some).ok_or(Rejected::NotWhole { frame, field: key.as_str() })
    }

    /// As [`Self::whole`], and it must be there.
    pub(super) fn whole_required(&self, frame: &'static str, key: Key) -> Result<u64, Rejected> {
        self.whole(frame, key)?.ok_or(Rejected::Missing { frame, field: key.as_str() })
    }

    /// Any number.
    pub(super) fn number(&self, frame: &'static str, key: Key) -> Result<Option<f64>, Rejected> {
        let Some(value) = self.some(key) else { return Ok(None) };
        match serde_json::from_str::<f64>(value.as_str()) {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Rejected::NotNumber { frame, field: key.as_str() }),
        }
    }

    /// `traceparent`, if it is one: what W3C Trace Context does not allow is left out, as it demands.
    pub(super) fn traceparent(&self) -> Option<Cow<'a, str>> {
        let text = text_of(self.some(Key::Traceparent)?)?;
        is_traceparent(&text).then_some(text)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = [None; KEYS];
                // The key's own text and not a string: an unpaired surrogate in somebody's field is no reason to call
                // the whole line something else than JSON.
                while let Some(key) = map.next_key::<&'de RawValue>()? {
                    let value = map.next_value::<&'de RawValue>()?;
                    if let Some(key) = key_of(key.get()) {
                        fields[key as usize] = Some(value);
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

fn key_of(json: &str) -> Option<Key> {
    let word = text_of(Raw(json))?;
    Key::from_word(&word)
}

/// The text a JSON value holds, borrowed unless it has an escape; `None` for what is no text.
pub(super) fn text_of(value: Raw<'_>) -> Option<Cow<'_, str>> {
    let json = value.as_str();
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    // An unpaired surrogate escape is legal JSON and no text in Rust, so it is refused like any other non-text.
    serde_json::from_str(json).ok().map(Cow::Owned)
}

/// How long a name is in UTF-16 units, if that is too long.
pub(super) fn units_beyond_limit(text: &str) -> Option<usize> {
    // UTF-16 never has more units than UTF-8 has bytes, so short texts need no counting.
    if text.len() <= NAME_UNITS_MAX {
        return None;
    }
    let units = text.encode_utf16().count();
    (units > NAME_UNITS_MAX).then_some(units)
}

/// 2^53: up to here a float that some runtime wrote as `3.0` is exactly the whole number it means.
const WHOLE_FLOAT_MAX: f64 = 9_007_199_254_740_992.0;

fn whole_of(value: Raw<'_>) -> Option<u64> {
    if let Ok(whole) = serde_json::from_str(value.as_str()) {
        return Some(whole);
    }
    let float: f64 = serde_json::from_str(value.as_str()).ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be whole and within 2^53"
    )]
    let whole = (0.0..=WHOLE_FLOAT_MAX).contains(&float).then_some(float as u64)?;
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    let exact = whole as f64 == float;
    exact.then_some(whole)
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, neither id all zero; longer texts only from a version we don't know.
fn is_traceparent(text: &str) -> bool {
    let bytes = text.as_bytes();
    let hex = |range: Range| {
        bytes.get(range).is_some_and(|part| part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
    };
    let zero = |range: Range| bytes.get(range).is_none_or(|part| part.iter().all(|byte| *byte == b'0'));
    let dashes = [2, 35, 52].into_iter().all(|at| bytes.get(at) == Some(&b'-'));
    let known = bytes.starts_with(b"00") && bytes.len() == TRACEPARENT_BYTES;
    let later = !bytes.starts_with(b"00")
        && !bytes.starts_with(b"ff")
        && bytes.len() <= NAME_UNITS_MAX
        && bytes.get(TRACEPARENT_BYTES).is_none_or(|byte| *byte == b'-');
    dashes
        && (known || later)
        && hex(0..2)
        && hex(3..35)
        && hex(36..52)
        && hex(53..55)
        && !zero(3..35)
        && !zero(36..52)
}

type Range = std::ops::Range<usize>;

/// 55 bytes: a `traceparent` of version 00, by W3C Trace Context, section 3.2.2.
const TRACEPARENT_BYTES: usize = 55;
