//! Whether the modules' `needs` name modules that are there, and go round in no circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::fault::{Fault, quoted};
use crate::files::nearest;
use crate::files::node::{Kind, Node};
use crate::files::reader::Reader;

/// Checks all `needs`, and what `on_give_up` starts, below the file's `modules`.
pub(super) fn check(reader: &mut Reader, modules: &Node) {
    let ids: BTreeSet<&str> = modules.entries().iter().map(|(key, _)| key.text.as_str()).collect();
    let mut edges: BTreeMap<&str, Vec<(&str, &Node)>> = BTreeMap::new();
    for (key, module) in modules.entries() {
        for need in needs_of(module) {
            let Some(name) = known(reader, "needs", need, &ids) else { continue };
            edges.entry(&key.text).or_default().push((name, need));
        }
        if let Some(start) = module.entry("on_give_up").and_then(|action| action.entry("start")) {
            known(reader, "start", start, &ids);
        }
    }
    let mut search = Search { edges: &edges, seen: BTreeMap::new() };
    // In the order of the file, so that the circle is told from where a reader meets it first.
    for (key, _) in modules.entries() {
        if let Some((path, at)) = search.circle_from(&key.text) {
            reader.complain(at, Fault::Cycle { path });
            // One circle at a time: the next one often falls with it.
            return;
        }
    }
}

fn needs_of(module: &Node) -> &[Node] {
    match module.entry("needs").map(|needs| &needs.kind) {
        Some(Kind::List(items)) => items,
        _ => &[],
    }
}

/// The module's name if there is such a module. What is no text at all is complained about elsewhere.
fn known<'n>(reader: &mut Reader, field: &str, node: &'n Node, ids: &BTreeSet<&str>) -> Option<&'n str> {
    let Kind::Text(name) = &node.kind else { return None };
    if ids.contains(name.as_str()) {
        return Some(name);
    }
    if reader.is_full() {
        return None;
    }
    let nearest = nearest(name, ids.iter().copied()).map(str::to_owned);
    reader.complain(node, Fault::UnknownModule { field: field.to_owned(), found: quoted(name), nearest });
    None
}

/// A depth-first search that keeps its own stack: a chain of needs may be as long as the file.
struct Search<'e, 'n> {
    edges: &'e BTreeMap<&'n str, Vec<(&'n str, &'n Node)>>,
    seen: BTreeMap<&'n str, Seen>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    OnTheWay,
    Done,
}

impl<'n> Search<'_, 'n> {
    /// The first circle that can be reached from a module: its names, and where the last step stands.
    fn circle_from(&mut self, start: &'n str) -> Option<(Vec<String>, &'n Node)> {
        if self.seen.contains_key(start) {
            return None;
        }
        let mut stack: Vec<(&'n str, usize)> = vec![(start, 0)];
        self.seen.insert(start, Seen::OnTheWay);
        while let Some((id, next)) = stack.last_mut() {
            let edge = self.edges.get(id).and_then(|edges| edges.get(*next));
            *next += 1;
            let Some((need, at)) = edge else {
                self.seen.insert(id, Seen::Done);
                stack.pop();
                continue;
            };
            match self.seen.get(need) {
                Some(Seen::Done) => {}
                Some(Seen::OnTheWay) => {
                    let circle = stack.iter().map(|(id, _)| *id).skip_while(|id| id != need);
                    return Some((circle.chain([*need]).map(str::to_owned).collect(), at));
                }
                None => {
                    self.seen.insert(need, Seen::OnTheWay);
                    stack.push((need, 0));
                }
            }
        }
        None
    }
}
