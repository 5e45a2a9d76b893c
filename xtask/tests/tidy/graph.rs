//! The crate graph points downward.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::layers::{BESIDE, LAYERS, ONLY_IN_TESTS};
use crate::tree;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    to: String,
    only_in_tests: bool,
}

impl Edge {
    fn violation(&self) -> Option<String> {
        let Self {
            from,
            to,
            only_in_tests,
        } = self;
        let listed = ONLY_IN_TESTS.contains(&(from, to));
        match (allowed(from, to), only_in_tests) {
            (true, _) => None,
            (false, true) if listed => None,
            (false, true) => Some(format!(
                "`{from}` may not depend on `{to}`, not even in tests"
            )),
            (false, false) => Some(format!("`{from}` may not depend on `{to}`")),
        }
    }
}

fn allowed(from: &str, to: &str) -> bool {
    if let Some((_, targets)) = BESIDE.iter().find(|(name, _)| *name == from) {
        return targets.contains(&to);
    }
    matches!((layer(from), layer(to)), (Some(from), Some(to)) if to < from)
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(tree::root())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

fn packages(metadata: &Value) -> BTreeSet<&str> {
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| text(&package["name"]))
        .collect()
}

fn edges(metadata: &Value) -> BTreeSet<Edge> {
    let members = packages(metadata);
    let mut edges = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap() {
        for dependency in package["dependencies"].as_array().unwrap() {
            if members.contains(text(&dependency["name"])) {
                edges.insert(Edge {
                    from: text(&package["name"]).to_owned(),
                    to: text(&dependency["name"]).to_owned(),
                    only_in_tests: dependency["kind"] == "dev",
                });
            }
        }
    }
    edges
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn every_edge_between_crates_points_downward() {
    let metadata = metadata();
    tree::none(edges(&metadata).iter().filter_map(Edge::violation));
}

#[test]
fn every_crate_has_its_layer_and_every_layer_its_crate() {
    let metadata = metadata();
    let members = packages(&metadata);
    let beside = BESIDE.iter().map(|(name, _)| *name);
    let listed: BTreeSet<&str> = LAYERS
        .iter()
        .copied()
        .flatten()
        .copied()
        .chain(beside)
        .collect();
    let without = members
        .difference(&listed)
        .map(|name| format!("`{name}` has no layer"));
    let gone = listed
        .difference(&members)
        .map(|name| format!("`{name}` is listed but gone"));
    tree::none(without.chain(gone));
}

#[test]
fn edges_of_tests_are_listed_only_while_they_exist() {
    let edges = edges(&metadata());
    tree::none(ONLY_IN_TESTS.iter().filter_map(|(from, to)| {
        let exists = edges
            .iter()
            .any(|edge| edge.from == *from && edge.to == *to);
        (!exists).then(|| format!("the listed edge from `{from}` to `{to}` is gone"))
    }));
}

#[test]
fn an_upward_or_sideways_edge_is_found() {
    let edge = |from: &str, to: &str, only_in_tests| {
        Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            only_in_tests,
        }
        .violation()
    };
    assert_eq!(edge("chancery-runs", "chancery-vocab", false), None);
    assert!(edge("chancery-vocab", "chancery-runs", false).is_some());
    assert!(edge("chancery-policy", "chancery-protocol", false).is_some());
    assert!(edge("chancery-vocab", "chancery-db", true).is_some());
    assert_eq!(edge("chancery-node", "chancery-policy", false), None);
    assert!(edge("chancery-node", "chancery-db", false).is_some());
    assert!(edge("chancery-server", "chancery-node", false).is_some());
    assert!(edge("xtask", "chancery-vocab", false).is_some());
    assert!(edge("chancery-unheard-of", "chancery-vocab", false).is_some());
}
