//! Finding a path in a tree, as a process finds it whose root directory the tree is.

use lazaret_artifact::EntryPath;
use lazaret_artifact::text::escape;

use crate::error::{PathFault, ViewError};
use crate::tree::{NodeId, NodeKind, Tree};

/// Symbolic links on one way: Linux's limit (path_resolution(7)). Stops circles.
const MAX_SYMLINKS: usize = 40;

/// Whether the last component, where it is a symbolic link, stands for itself. Links on the way
/// there are followed in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// It stands for itself, unless a slash follows it.
    No,
    /// It stands for what it points to.
    Yes,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The same place without symbolic links or `..`.
    pub path: EntryPath,
    /// What is there.
    pub id: NodeId,
}

impl Tree {
    /// Resolves `path`, from the root of the tree whether it starts with a slash or not. `..` in
    /// the root is the root, in `path` as in the text of symbolic links: nothing leads outside.
    ///
    /// # Errors
    /// [`ViewError::Path`].
    pub fn lookup(&self, path: impl AsRef<[u8]>, follow: Follow) -> Result<Found, ViewError> {
        let path = path.as_ref();
        self.resolve(path, follow).map_err(|fault| ViewError::Path {
            path: escape(path),
            fault,
        })
    }

    fn resolve(&self, path: &[u8], follow: Follow) -> Result<Found, PathFault> {
        // Where we are, and the names and nodes of all directories above.
        let mut above: Vec<(&[u8], NodeId)> = Vec::new();
        let mut here = NodeId::ROOT;
        // What is still to be done, the next component last.
        let mut ahead: Vec<&[u8]> = Vec::new();
        push_components(&mut ahead, path);
        let mut followed = 0;
        while let Some(component) = ahead.pop() {
            let NodeKind::Directory(names) = &self.node(here).kind else {
                return Err(PathFault::NotADirectory);
            };
            match component {
                b"." => continue,
                b".." => {
                    here = parent(&mut above);
                    continue;
                }
                _ => {}
            }
            let (name, child) = names.get_key_value(component).ok_or(PathFault::NotFound)?;
            match &self.node(*child).kind {
                NodeKind::Symlink(target) if follow == Follow::Yes || !ahead.is_empty() => {
                    followed += 1;
                    if followed > MAX_SYMLINKS {
                        return Err(PathFault::Loop);
                    }
                    if target.starts_with(b"/") {
                        above.clear();
                        here = NodeId::ROOT;
                    }
                    push_components(&mut ahead, target);
                }
                _ => {
                    above.push((name, here));
                    here = *child;
                }
            }
        }
        let path = above
            .iter()
            .try_fold(EntryPath::root(), |path, (name, _)| path.join(name));
        Ok(Found {
            path: path.expect("names were taken from valid paths"),
            id: here,
        })
    }
}

/// Steps out of the current directory; the root stays.
fn parent(above: &mut Vec<(&[u8], NodeId)>) -> NodeId {
    above.pop().map_or(NodeId::ROOT, |(_, parent)| parent)
}

/// Puts the components of `path` in front of what is ahead. A slash at the end asks for a
/// directory, as `.` does.
fn push_components<'a>(ahead: &mut Vec<&'a [u8]>, path: &'a [u8]) {
    if path.ends_with(b"/") {
        ahead.push(b".");
    }
    let components = path.split(|&byte| byte == b'/').rev();
    ahead.extend(components.filter(|component| !component.is_empty()));
}

#[cfg(test)]
mod tests;
