//! Rooms that must stay pure: no files, sockets, processes, threads, clocks, environment or chance, so that the same
//! events always give the same effects and the simulator can replay them from one seed.

use crate::source::{is_word_byte, line_of};
use crate::tree::{Complaint, Tree};

/// Rooms whose shipped code is pure. Those that do not exist yet are listed for the day they do.
const PURE: [&str; 7] = ["abi", "kernel", "protocol", "import", "learn", "lang", "update"];

/// Pure rooms that a bare machine can use: they also build without std.
const NO_STD: [&str; 3] = ["abi", "actor", "kernel"];

/// The rooms that may hold `unsafe`: `sandbox` and `shm` for what only a system call can do, `actor` for memory that one
/// core owns, `wasm` for one thing, mapping and entering code that this program compiled and sealed itself.
const MAY_BE_UNSAFE: [&str; 6] = ["sandbox", "shm", "actor", "wasm", "bare", "bench"];

/// Parts of std that reach outside.
const OUTSIDE: [&str; 6] = ["fs", "net", "process", "thread", "env", "os"];

/// Clocks.
const CLOCKS: [&str; 2] = ["Instant", "SystemTime"];

/// Checks all three rules.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.rust() {
        let code = file.shipped_code();
        let room = room_of(&file.path);
        if room.is_some_and(|room| PURE.contains(&room)) {
            complaints.extend(impure(&file.path, &code));
        }
        let front = file.path.ends_with("/src/lib.rs") || file.path.ends_with("/src/main.rs");
        if room.is_some_and(|room| NO_STD.contains(&room)) && front && !code.contains("#![no_std]") {
            complaints
                .push(Complaint::about(&file.path, "this room builds without std: `#![no_std]` is missing"));
        }
        if !room.is_some_and(|room| MAY_BE_UNSAFE.contains(&room)) {
            complaints.extend(unsafety(&file.path, &code));
            if room.is_some() && front && !code.contains("#![forbid(unsafe_code)]") {
                complaints.push(Complaint::about(
                    &file.path,
                    "`#![forbid(unsafe_code)]` is missing on the front page",
                ));
            }
        }
    }
    complaints
}

/// The room a file belongs to.
fn room_of(path: &str) -> Option<&str> {
    // What never ships may do what it measures or proves.
    if let Some(apart) = ["bare", "bench"].into_iter().find(|apart| path.starts_with(&format!("{apart}/"))) {
        return Some(apart);
    }
    path.strip_prefix("crates/")?.split('/').next()
}

/// Every way out of a pure room.
fn impure(path: &str, code: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (at, segments) in paths(code) {
        let root = segments[0].as_str();
        let second = segments.get(1).map_or("", String::as_str);
        let last = segments.last().map_or("", String::as_str);
        let reaches_out = match root {
            "std" => OUTSIDE.contains(&second) || (second == "time" && CLOCKS.contains(&last)),
            "rand" | "getrandom" | "fastrand" => true,
            _ => false,
        };
        if reaches_out {
            let message = format!("`{}` in a pure room: take it as an argument", segments.join("::"));
            complaints.push(Complaint::at(path, line_of(code, at), message));
        }
    }
    complaints
}

/// Every path that begins with `std` or another crate of interest, with groups in braces spelled out.
fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for root in ["std", "rand", "getrandom", "fastrand"] {
        for (at, _) in code.match_indices(&format!("{root}::")) {
            let before = code[..at].bytes().next_back();
            if before.is_none_or(|byte| !is_word_byte(byte) && byte != b':') {
                let rest = &code[at + root.len() + 2..];
                spell_out(rest, &mut vec![root.to_owned()], &mut |segments| found.push((at, segments)));
            }
        }
    }
    found
}

/// Follows one path, or each path of a group, and gives how much of the text it took.
fn spell_out(rest: &str, prefix: &mut Vec<String>, found: &mut impl FnMut(Vec<String>)) -> usize {
    let trimmed = rest.trim_start();
    let skipped = rest.len() - trimmed.len();
    if trimmed.starts_with('{') {
        let mut at = skipped + 1;
        while at < rest.len() && !rest[at..].trim_start().starts_with('}') {
            let took = spell_out(&rest[at..], prefix, found);
            at += took;
            at += rest[at..].find([',', '}']).unwrap_or(rest.len() - at);
            if rest[at..].starts_with(',') {
                at += 1;
            }
        }
        return (at + rest[at..].find('}').map_or(0, |end| end + 1)).min(rest.len());
    }
    let word: String = trimmed.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if word.is_empty() {
        return skipped;
    }
    let mut took = skipped + word.len();
    prefix.push(word);
    if rest[took..].starts_with("::") {
        took += 2 + spell_out(&rest[took + 2..], prefix, found);
    } else {
        found(prefix.clone());
    }
    prefix.pop();
    took
}

/// `unsafe` where it may not be.
fn unsafety(path: &str, code: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (at, word) in code.match_indices("unsafe") {
        let around = [at.checked_sub(1), Some(at + word.len())];
        let alone = around
            .into_iter()
            .flatten()
            .all(|at| !code.as_bytes().get(at).is_some_and(|byte| is_word_byte(*byte)));
        if alone {
            let message = "`unsafe` is only for sandbox, shm, actor and one file of wasm";
            complaints.push(Complaint::at(path, line_of(code, at), message));
        }
    }
    complaints
}

#[cfg(test)]
mod tests;
