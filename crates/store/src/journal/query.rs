//! Questions to the journal, and the pages that answer them.

use abi::{Generation, ModuleId, Wall};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::entry::{BootId, Digest, Entry};
use super::facts;

/// 10,000 records in one page: about 3 MiB; who wants more asks again from the last seq.
const PAGE_RECORDS_MAX: usize = 10_000;

/// 64 codes in one question: more than a person types, few enough for one statement.
const CODES_MAX: usize = 64;

/// Which end of the journal comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As it happened.
    OldestFirst,
    /// The last record first, and with a limit only the last ones.
    NewestFirst,
}

/// Which records are wanted; every part that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Only records about this module.
    pub module: Option<ModuleId>,
    /// Only records with this seq and later ones.
    pub since_seq: Option<u64>,
    /// Only records before this seq.
    pub before_seq: Option<u64>,
    /// Only records of this moment and later ones, by the wall clock.
    pub since_wall: Option<Wall>,
    /// Only these codes, at most 64 of them; one that ends in `.` stands for its whole area: `restart.` for
    /// `restart.planned`. Empty: every code.
    pub codes: Vec<String>,
    /// At most so many records, and never more than 10,000.
    pub limit: usize,
    /// Which end comes first.
    pub order: Order,
}

impl Query {
    /// The last `limit` records, the newest first.
    pub fn last(limit: usize) -> Self {
        Self { order: Order::NewestFirst, ..Self::first(limit) }
    }

    /// The first `limit` records, as they happened.
    pub fn first(limit: usize) -> Self {
        Self {
            module: None,
            since_seq: None,
            before_seq: None,
            since_wall: None,
            codes: Vec::new(),
            limit,
            order: Order::OldestFirst,
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The records, in the order asked for.
    pub entries: Vec<Entry>,
    /// Records that were found and can't be read, by seq: somebody changed them. Verifying says more.
    pub damaged: Vec<u64>,
}

const COLUMNS: &str =
    "SELECT seq, wall_ms, boot, code, module, generation, facts, prev, hash FROM records WHERE seq > 0";

pub(super) fn read(connection: &Connection, query: &Query) -> rusqlite::Result<Page> {
    let (sql, values) = to_sql(query);
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut page = Page::default();
    while let Some(row) = rows.next()? {
        match to_entry(row) {
            Some(entry) => page.entries.push(entry),
            None => page.damaged.push(row.get_ref(0)?.as_i64().map_or(0, i64::cast_unsigned)),
        }
    }
    Ok(page)
}

fn to_sql(query: &Query) -> (String, Vec<Value>) {
    let mut sql = COLUMNS.to_owned();
    let mut values = Vec::new();
    if let Some(module) = &query.module {
        sql.push_str(" AND module = ?");
        values.push(Value::Text(module.as_str().to_owned()));
    }
    if let Some(seq) = query.since_seq {
        sql.push_str(" AND seq >= ?");
        values.push(Value::Integer(i64::try_from(seq).unwrap_or(i64::MAX)));
    }
    if let Some(seq) = query.before_seq {
        sql.push_str(" AND seq < ?");
        values.push(Value::Integer(i64::try_from(seq).unwrap_or(i64::MAX)));
    }
    if let Some(wall) = query.since_wall {
        sql.push_str(" AND wall_ms >= ?");
        values.push(Value::Integer(i64::try_from(wall.0).unwrap_or(i64::MAX)));
    }
    if !query.codes.is_empty() {
        push_codes(&query.codes, &mut sql, &mut values);
    }
    sql.push_str(match query.order {
        Order::OldestFirst => " ORDER BY seq LIMIT ?",
        Order::NewestFirst => " ORDER BY seq DESC LIMIT ?",
    });
    let limit = query.limit.min(PAGE_RECORDS_MAX);
    values.push(Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    (sql, values)
}

fn push_codes(codes: &[String], sql: &mut String, values: &mut Vec<Value>) {
    sql.push_str(" AND (0");
    for code in codes.iter().take(CODES_MAX) {
        if code.ends_with('.') {
            // Everything that begins so lies before the same beginning followed by the last character there is.
            sql.push_str(" OR (code >= ? AND code < ?)");
            values.push(Value::Text(code.clone()));
            values.push(Value::Text(format!("{code}{}", char::MAX)));
        } else {
            sql.push_str(" OR code = ?");
            values.push(Value::Text(code.clone()));
        }
    }
    sql.push(')');
}

/// A row as an entry; nothing when a part is not of the kind that is written.
fn to_entry(row: &Row<'_>) -> Option<Entry> {
    let integer = |column| row.get_ref(column).ok()?.as_i64().ok();
    let text = |column| row.get_ref(column).ok()?.as_str().ok();
    let digest = |column| row.get_ref(column).ok()?.as_blob().ok()?.try_into().ok().map(Digest);
    let module = match row.get_ref(4).ok()?.as_str_or_null().ok()? {
        None => None,
        Some(text) => Some(ModuleId::parse(text).ok()?),
    };
    Some(Entry {
        seq: u64::try_from(integer(0)?).ok()?,
        wall: Wall(integer(1)?.cast_unsigned()),
        boot: BootId(u128::from_be_bytes(row.get_ref(2).ok()?.as_blob().ok()?.try_into().ok()?)),
        code: text(3)?.to_owned(),
        module,
        generation: row
            .get_ref(5)
            .ok()?
            .as_i64_or_null()
            .ok()?
            .map(|value| Generation(value.cast_unsigned())),
        facts: facts::from_text(text(6)?)?,
        prev: digest(7)?,
        hash: digest(8)?,
    })
}

#[cfg(test)]
mod tests;
