//! Runs a file of vectors: one JSON object a line, `{name, …, expect}`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// The folder of the vectors that other languages run too.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors")
}

pub(crate) fn is_update() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}

/// All vectors of a file.
pub(crate) fn all(file: &str) -> Vec<Map<String, Value>> {
    let path = folder().join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{file}: {error}: {line}"));
    let vectors: Vec<Map<String, Value>> = text.lines().map(parse).collect();
    let names: BTreeSet<&str> = vectors.iter().map(|vector| self::text(vector, "name")).collect();
    assert!(!vectors.is_empty() && names.len() == vectors.len(), "{file}: names are there and differ");
    vectors
}

/// Compares `actual` of each vector with its `expect`, all of them before it fails.
pub(crate) fn check(file: &str, actual: impl Fn(&Map<String, Value>) -> Value) {
    let mut updated = String::new();
    let mut failures = String::new();
    for mut vector in all(file) {
        let actual = actual(&vector);
        if vector.get("expect") != Some(&actual) {
            let expect = vector.get("expect").unwrap_or(&Value::Null);
            let name = text(&vector, "name");
            writeln!(failures, "{name}\n  expected {expect}\n  actual   {actual}")
                .expect("a String takes every write");
        }
        vector.insert("expect".to_owned(), actual);
        updated.push_str(&Value::Object(vector).to_string());
        updated.push('\n');
    }
    if is_update() {
        // Written aside and renamed, because other tests read the same file meanwhile.
        let aside = folder().join(format!("{file}.new"));
        let written =
            std::fs::write(&aside, updated).and_then(|()| std::fs::rename(&aside, folder().join(file)));
        written.unwrap_or_else(|error| panic!("{file}: {error}"));
        return;
    }
    assert!(failures.is_empty(), "{file}:\n{failures}");
}

/// A text field of a vector.
pub(crate) fn text<'v>(vector: &'v Map<String, Value>, field: &str) -> &'v str {
    vector.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("the vector lacks `{field}`"))
}
