//! YAML into a located tree, within budgets: no duplicate keys, no alias bombs, no deep nesting.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{Location, Options, Spanned};

use super::{ENTRIES_MAX, Key, Kind, Node, Position, quoted};

/// 24 levels: the parser takes up to 40 KiB of stack for each in a build without optimisation, and a thread has 2 MiB.
const DEPTH_MAX: usize = 24;

/// 200,000 values: 4,096 modules with some 50 values each.
const NODES_MAX: usize = 200_000;

/// 100,000 steps of the parser spent on what aliases repeat: 4,096 modules may share a block of a dozen lines, and a
/// bomb of aliases within aliases ends here.
const REPLAYED_MAX: usize = 100_000;

/// 4,096 aliases: one for each module. Anchors too.
const ALIASES_MAX: usize = 4096;

pub(super) fn read(file: &str, text: &str) -> Result<Node, (Position, String)> {
    let file: Arc<str> = Arc::from(file);
    let tree: Spanned<Loose> = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let error = error.without_snippet();
        (error.location().map_or(Position::START, position), message(error))
    })?;
    let node = locate(tree, text, &file);
    match node.kind {
        Kind::Null => Ok(Node::empty_map(&file)),
        _ => Ok(node),
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            flow_nesting_limit: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_events: NODES_MAX * 4,
            max_aliases: ALIASES_MAX,
            max_anchors: ALIASES_MAX,
            max_documents: 1,
            // The steps that aliases may cost are bounded below; many aliases to one block are what they are for.
            enforce_alias_anchor_ratio: false,
            max_merge_keys: ALIASES_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: REPLAYED_MAX,
            max_replay_stack_depth: 8,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// The parser's sentence without its position, which the caller shows in one place for all errors.
fn message(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    use serde_saphyr::budget::BudgetBreach;
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            return format!("key {} comes twice", quoted(key));
        }
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } => {
            return "holds more than one document".to_owned();
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            return format!("nested deeper than {DEPTH_MAX} levels");
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            return "holds more values or aliases than any honest file".to_owned();
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => return "an alias refers to itself".to_owned(),
        _ => {}
    }
    if let Error::AliasError { error, .. } = error {
        return message(error);
    }
    let text = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or(line);
    line.trim().trim_end_matches('.').to_owned()
}

fn position(location: Location) -> Position {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).max(1);
    Position { line: narrow(location.line()), column: narrow(location.column()) }
}

/// A value whose literal and place are not known yet; its `Spanned` wrapper knows them.
enum Loose {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Loose>>),
    Map(Vec<(Spanned<String>, Spanned<Loose>)>),
}

fn locate(tree: Spanned<Loose>, source: &str, file: &Arc<str>) -> Node {
    let at = position(tree.referenced);
    let own = tree.referenced == tree.defined;
    let span = literal_span(tree.defined, source);
    let literal = span.map(|(start, end)| source[start..end].trim_end());
    let kind = match tree.value {
        Loose::Null => Kind::Null,
        Loose::Bool(flag) => Kind::Bool(flag),
        Loose::Number(number) => {
            let typed = literal.filter(|literal| !literal.is_empty()).map(str::to_owned);
            let typed = typed.unwrap_or_else(|| number.to_string());
            Kind::Number(number, typed)
        }
        Loose::Text(text) => Kind::Text(text),
        Loose::List(items) => Kind::List(items.into_iter().map(|item| locate(item, source, file)).collect()),
        Loose::Map(entries) => {
            let locate_entry = |(key, value): (Spanned<String>, _)| {
                (Key { text: key.value, at: position(key.referenced) }, locate(value, source, file))
            };
            Kind::Map(entries.into_iter().map(locate_entry).collect())
        }
    };
    let scalar = !matches!(kind, Kind::List(_) | Kind::Map(_));
    Node { file: file.clone(), at, span: span.filter(|_| own && scalar), kind }
}

fn literal_span(location: Location, source: &str) -> Option<(usize, usize)> {
    let start = usize::try_from(location.span().byte_offset()?).ok()?;
    let end = start.checked_add(usize::try_from(location.span().byte_len()?).ok()?)?;
    source.get(start..end).map(|_| (start, end))
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Build)
    }
}

struct Build;

impl<'de> Visitor<'de> for Build {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Loose, E> {
        Ok(Loose::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Loose, E> {
        Ok(Loose::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Loose, E> {
        Ok(Loose::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Loose, E> {
        // The parser refuses what is not finite before it gets here.
        Ok(Number::from_f64(number).map_or(Loose::Null, Loose::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Loose, E> {
        Ok(Loose::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Loose, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Loose::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            if entries.len() == ENTRIES_MAX {
                return Err(A::Error::custom(format_args!("a map holds more than {ENTRIES_MAX} entries")));
            }
            entries.push(entry);
        }
        Ok(Loose::Map(entries))
    }
}
