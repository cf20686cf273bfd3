//! Just enough of TOML to find names in tables that people write on lines of their own.

/// The keys of some tables.
pub(super) fn keys(text: &str, tables: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (table, key, _) in pairs(text) {
        if tables.iter().any(|name| table == format!("[{name}]")) && !found.contains(&key) {
            found.push(key);
        }
    }
    found
}

/// The texts under a key of a table, once for each time that the table stands there.
pub(super) fn values(text: &str, table: &str, key: &str) -> Vec<String> {
    let pairs = pairs(text).into_iter();
    let found = pairs.filter(|(in_table, found, _)| in_table == table && found == key);
    let texts = found.filter_map(|(_, _, value)| {
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (text, _) = value[1..].split_once(quote)?;
        (!text.is_empty() && !text.contains('\\')).then(|| text.to_owned())
    });
    texts.collect()
}

/// Table, key and the rest of the line.
fn pairs(text: &str) -> Vec<(String, String, String)> {
    let mut table = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') && !line.contains('=') {
            line.split('#').next().unwrap_or(line).trim().clone_into(&mut table);
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            let key = key.trim().trim_matches(['"', '\'']);
            if !key.is_empty() && !key.contains(char::is_whitespace) {
                found.push((table.clone(), key.to_owned(), value.trim().to_owned()));
            }
        }
    }
    found
}
