//! Messages put aside: the one list that serves stash, suspend, mute, waiting for an answer and restart.
//!
//! Nodes lie in one pool per shard; an actor's list is a circle, and its slot names the last node.

use alloc::vec::Vec;

use crate::message::Line;

/// The end of a list, and an empty one.
pub(crate) const NONE: u32 = u32::MAX;

struct Node {
    line: Line,
    next: u32,
}

/// All nodes of a shard.
#[derive(Default)]
pub(crate) struct Deferred {
    nodes: Vec<Node>,
    free: Vec<u32>,
}

impl Deferred {
    /// Appends a line to the list whose last node is `last`; gives the new last node.
    pub(crate) fn append(&mut self, last: u32, line: Line) -> u32 {
        let node = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(Node { line, next: NONE });
            (self.nodes.len() - 1) as u32
        });
        let first =
            if last == NONE { node } else { core::mem::replace(&mut self.nodes[last as usize].next, node) };
        self.nodes[node as usize] = Node { line, next: first };
        node
    }

    /// Puts a list behind another; both are named by their last nodes. Gives the last node of the whole.
    pub(crate) fn join(&mut self, front: u32, back: u32) -> u32 {
        if front == NONE || back == NONE {
            return if back == NONE { front } else { back };
        }
        let first = self.nodes[front as usize].next;
        self.nodes[front as usize].next = core::mem::replace(&mut self.nodes[back as usize].next, first);
        back
    }

    /// Takes the first line of a list; gives it and the last node that is left.
    pub(crate) fn take_first(&mut self, last: u32) -> Option<(Line, u32)> {
        if last == NONE {
            return None;
        }
        let first = self.nodes[last as usize].next;
        let line = self.nodes[first as usize].line;
        let left = if first == last {
            NONE
        } else {
            self.nodes[last as usize].next = self.nodes[first as usize].next;
            last
        };
        self.free.push(first);
        Some((line, left))
    }
}

#[cfg(test)]
mod tests;
