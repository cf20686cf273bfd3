//! Trees: what is built is read back, a change rewrites little, and no bytes make the reader fall.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn build(chunks: &[Link]) -> (FileRef, BTreeMap<ChunkId, Vec<u8>>) {
    let mut nodes = BTreeMap::new();
    let mut keep = |node: &[u8]| drop(nodes.insert(ChunkId::of(node), node.to_vec()));
    let mut tree = TreeBuilder::default();
    for chunk in chunks {
        tree.push(*chunk, &mut keep);
    }
    let file = tree.finish(&mut keep);
    (file, nodes)
}

/// The chunks below a link, from left to right.
fn leaves(link: Link, depth: u8, nodes: &BTreeMap<ChunkId, Vec<u8>>) -> Vec<Link> {
    if depth == 0 {
        return vec![link];
    }
    let node = Node::parse(&nodes[&link.id], depth, link.bytes).unwrap();
    node.links.into_iter().flat_map(|link| leaves(link, depth - 1, nodes)).collect()
}

fn chunks(count: u64, salt: u64) -> Vec<Link> {
    let id = |number: u64| ChunkId::of(&[number.to_le_bytes(), salt.to_le_bytes()].concat());
    (0..count).map(|number| Link { id: id(number), bytes: 1 + number % 1000 }).collect()
}

#[test]
fn an_empty_file_has_a_name_and_no_nodes() {
    assert_eq!(build(&[]), (FileRef::empty(), BTreeMap::new()));
    assert_eq!(FileRef::empty().top(), Ok(None));
}

#[test]
fn a_file_of_one_chunk_is_named_by_it() {
    let chunk = chunks(1, 0)[0];
    assert_eq!(build(&[chunk]), (FileRef { root: chunk.id, depth: 0, bytes: chunk.bytes }, BTreeMap::new()));
}

#[test]
fn the_leaves_of_a_tree_are_the_chunks_in_their_order() {
    for count in [2, 3, 255, 256, 257, 6_400, 40_000] {
        let chunks = chunks(count, 1);
        let (file, nodes) = build(&chunks);
        let top = file.top().unwrap().unwrap();
        assert_eq!(leaves(top, file.depth, &nodes), chunks);
        assert!(file.depth <= 4, "{count} chunks need {} levels", file.depth);
    }
}

#[test]
fn chunks_that_are_all_alike_make_a_tree_too() {
    // No link ends a node by its name, or each does.
    for last in [0, 1] {
        let mut id = [9; 32];
        id[31] = last;
        let chunks = vec![Link { id: ChunkId(id), bytes: 4096 }; 20_000];
        let (file, nodes) = build(&chunks);
        assert_eq!(leaves(file.top().unwrap().unwrap(), file.depth, &nodes), chunks);
    }
}

#[test]
fn one_changed_chunk_rewrites_one_or_two_nodes_a_level() {
    let old = chunks(6_400, 2);
    let known: BTreeSet<ChunkId> = build(&old).1.into_keys().collect();
    for at in (0..6_400).step_by(301) {
        let mut new = old.clone();
        new[at].id = ChunkId::of(b"changed");
        let (_, nodes) = build(&new);
        let fresh: usize =
            nodes.iter().filter(|(id, _)| !known.contains(id)).map(|(_, node)| node.len()).sum();
        assert!(fresh <= 32 << 10, "{fresh} bytes of nodes for one chunk");
    }
}

#[test]
fn a_name_that_no_builder_gives_is_refused() {
    let id = ChunkId::of(b"x");
    let flaw = |depth, bytes| FileRef { root: id, depth, bytes }.top().unwrap_err();
    assert_eq!(flaw(0, 0), TreeFlaw::Length);
    assert_eq!(flaw(0, CHUNK_BYTES_MAX as u64 + 1), TreeFlaw::Length);
    assert_eq!(flaw(1, FILE_BYTES_MAX + 1), TreeFlaw::Length);
    assert_eq!(flaw(DEPTH_MAX + 1, 5), TreeFlaw::Depth);
}

#[test]
fn a_node_of_another_length_is_refused() {
    let (file, nodes) = build(&chunks(3, 3));
    let text = &nodes[&file.root];
    assert_eq!(Node::parse(text, 1, file.bytes + 1), Err(TreeFlaw::Length));
    assert_eq!(Node::parse(&text[..text.len() - 1], 1, file.bytes), Err(TreeFlaw::Shape));
    assert_eq!(Node::parse(&[], 1, 0), Err(TreeFlaw::Shape));
    assert_eq!(Node::parse(text, 0, file.bytes), Err(TreeFlaw::Depth));
    let zero = [[1; 32].as_slice(), &[0; 8]].concat();
    assert_eq!(Node::parse(&zero, 1, 0), Err(TreeFlaw::Length));
    assert_eq!(Node::parse(&zero.repeat(LINKS_MAX + 1), 1, 0), Err(TreeFlaw::Shape));
    let far = [[1; 32].as_slice(), &u64::MAX.to_le_bytes()].concat();
    assert_eq!(Node::parse(&far.repeat(2), 2, 0), Err(TreeFlaw::Length));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fall(text: Vec<u8>, depth: u8, bytes: u64) {
        if let Ok(node) = Node::parse(&text, depth, bytes) {
            prop_assert_eq!(node.links.iter().map(|link| link.bytes).sum::<u64>(), bytes);
        }
    }
}
