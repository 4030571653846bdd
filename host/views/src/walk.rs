//! Going through a tree in an order that depends on nothing but the tree.

use std::collections::btree_map;

use lazaret_artifact::EntryPath;

use crate::tree::{Node, NodeId, NodeKind, Tree};

/// One name met on the way.
#[derive(Debug, Clone)]
pub struct Visit<'a> {
    /// From the root of the tree.
    pub path: EntryPath,
    /// What it leads to. A node with several names is met once for each.
    pub id: NodeId,
    /// The same.
    pub node: &'a Node,
}

type Names<'a> = btree_map::Iter<'a, Box<[u8]>, NodeId>;

/// Visits a directory before what is in it, and the names in each directory in byte order. That
/// is not always the byte order of whole paths: `a`, `a/b`, `a-b`.
#[derive(Debug)]
pub struct Walk<'a> {
    tree: &'a Tree,
    first: Option<(EntryPath, NodeId)>,
    /// The directories on the way here, and what is left of each.
    open: Vec<(EntryPath, Names<'a>)>,
}

impl Tree {
    /// Everything, the root first.
    #[must_use]
    pub fn walk(&self) -> Walk<'_> {
        self.walk_from(EntryPath::root(), NodeId::ROOT)
    }

    /// What `id` leads to and all below it; `path` is put in front of the names below.
    #[must_use]
    pub const fn walk_from(&self, path: EntryPath, id: NodeId) -> Walk<'_> {
        Walk {
            tree: self,
            first: Some((path, id)),
            open: Vec::new(),
        }
    }
}

impl<'a> Walk<'a> {
    fn enter(&mut self, path: EntryPath, id: NodeId) -> Visit<'a> {
        let node = self.tree.node(id);
        if let NodeKind::Directory(names) = &node.kind {
            self.open.push((path.clone(), names.iter()));
        }
        Visit { path, id, node }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Visit<'a>;

    fn next(&mut self) -> Option<Visit<'a>> {
        if let Some((path, id)) = self.first.take() {
            return Some(self.enter(path, id));
        }
        loop {
            let (directory, names) = self.open.last_mut()?;
            let Some((name, id)) = names.next() else {
                self.open.pop();
                continue;
            };
            let path = directory
                .join(name)
                .expect("names were taken from valid paths");
            return Some(self.enter(path, *id));
        }
    }
}
