//! From an HTTP request's parts to a request of the operator door. Nothing is taken that the route's row does not name:
//! a field that is spelled wrong is told, not left out in silence.

use protocol::operator::Request;
use serde_json::{Map, Value};

use crate::problem::Problem;
use crate::routes::{Kind, Route, Taken};

#[cfg(test)]
mod tests;

/// The parts, decoded.
#[derive(Debug, Default)]
pub(crate) struct Parts<'r> {
    pub(crate) path: Vec<(&'r str, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
}

/// What the parts ask.
pub(crate) fn request(route: &Route, parts: Parts<'_>) -> Result<Request, Problem> {
    let mut fields = match parts.body {
        None => Map::new(),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(Problem::bad("the body is no JSON object")),
    };
    let taken = match route.body {
        Taken::Nothing => &[],
        Taken::Fields(names) => names,
    };
    if let Some(odd) = fields.keys().find(|name| !taken.contains(&name.as_str())) {
        return Err(Problem::bad(format!("`{odd}` is no field of the body; {}", known(taken))));
    }
    for (name, text) in parts.query {
        let Some(asked) = route.query.iter().find(|asked| asked.name == name) else {
            let names: Vec<&str> = route.query.iter().map(|asked| asked.name).collect();
            return Err(Problem::bad(format!("`{name}` is no field of the query; {}", known(&names))));
        };
        if !text.is_empty() {
            fields.insert(field_of(route, &name), value(&name, asked.kind, &text)?);
        }
    }
    for (part, text) in parts.path {
        if let Some((_, field)) = route.parts.iter().find(|(name, _)| *name == part) {
            fields.insert((*field).to_owned(), part_value(field, text)?);
        }
    }
    if let Some(verb) = route.verb {
        fields.insert("verb".to_owned(), Value::from(verb));
    }
    fields.insert("cmd".to_owned(), Value::String(route.cmd.to_owned()));
    serde_json::from_value(Value::Object(fields)).map_err(|error| Problem::bad(error.to_string()))
}

fn known(names: &[&str]) -> String {
    if names.is_empty() { "there are none".to_owned() } else { format!("there are {}", names.join(", ")) }
}

/// `module` is what people write; one request calls it as all others do.
fn field_of(route: &Route, name: &str) -> String {
    match (route.cmd, name) {
        ("permissions.list", "module") => "moduleId".to_owned(),
        _ => name.to_owned(),
    }
}

/// Parts of a path are names; one is a number.
fn part_value(field: &str, text: String) -> Result<Value, Problem> {
    match field {
        "transaction" => value(field, Kind::Number, &text),
        _ => Ok(Value::String(text)),
    }
}

fn value(name: &str, kind: Kind, text: &str) -> Result<Value, Problem> {
    match kind {
        Kind::Text => Ok(Value::from(text)),
        Kind::List => Ok(text.split(',').map(Value::from).collect()),
        Kind::Number => text
            .parse::<u64>()
            .map(Value::from)
            .map_err(|_| Problem::bad(format!("`{name}` is no whole number"))),
        Kind::WaitMs(max) => match text.parse::<u64>() {
            Ok(number) if (1..=max).contains(&number) => Ok(Value::from(number)),
            _ => Err(Problem::bad(format!("`{name}` is no number of milliseconds from 1 to {max}"))),
        },
        Kind::Flag => match text {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err(Problem::bad(format!("`{name}` is neither true nor false"))),
        },
    }
}

/// The pairs behind the question mark, decoded.
pub(crate) fn query_of(text: Option<&str>) -> Result<Vec<(String, String)>, Problem> {
    let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let decoded = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode(name)?, decode(value)?))
    });
    decoded.collect::<Option<_>>().ok_or_else(|| Problem::bad("the query is no text in UTF-8"))
}

/// `%41` and `+` as what they stand for; nothing for what is no text.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}
