//! Who talks to whom, as far as modules say it: what they require, may call and need.

use std::collections::BTreeMap;

use protocol::operator::{ModuleDetail, UsageTable};
use serde::Serialize;

#[cfg(test)]
mod tests;

/// Modules and what connects them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
}

/// One module.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    id: String,
    status: String,
    zone: String,
    provides: Vec<String>,
    frames_per_s: Option<f64>,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Edge {
    from: String,
    to: String,
    kind: &'static str,
    name: String,
}

/// Draws it of all modules' details.
pub(crate) fn graph(details: &[ModuleDetail], usage: Option<&UsageTable>) -> Graph {
    let mut providers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for detail in details {
        for service in &detail.status.provides {
            providers.entry(service).or_default().push(&detail.status.id);
        }
    }
    let rates: BTreeMap<&str, Option<f64>> = usage
        .iter()
        .flat_map(|table| &table.modules)
        .map(|row| (row.id.as_str(), row.frames_per_s))
        .collect();
    let nodes = details.iter().map(|detail| Node {
        id: detail.status.id.clone(),
        status: detail.status.status.clone(),
        zone: detail.status.zone.clone(),
        provides: detail.status.provides.clone(),
        frames_per_s: rates.get(detail.status.id.as_str()).copied().flatten(),
    });
    let mut edges: Vec<Edge> = Vec::new();
    for detail in details {
        let from = &detail.status.id;
        for service in detail.requires.iter().chain(&detail.may_call) {
            let to = providers.get(service.as_str()).into_iter().flatten().filter(|to| **to != from.as_str());
            edges.extend(to.map(|to| edge(from, to, "calls", service)));
        }
        edges.extend(detail.needs.iter().map(|to| edge(from, to, "needs", to)));
    }
    edges.sort();
    edges.dedup();
    Graph { nodes: nodes.collect(), edges }
}

fn edge(from: &str, to: &str, kind: &'static str, name: &str) -> Edge {
    Edge { from: from.to_owned(), to: to.to_owned(), kind, name: name.to_owned() }
}
