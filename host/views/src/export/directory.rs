//! Export to a directory.
//!
//! Directories first, for their owner only; then everything in them, by several threads; then the
//! further names of files that have several; attributes of directories last and from the bottom
//! up, so that a directory without write permission is no obstacle and times stay.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use lazaret_artifact::EntryPath;
use lazaret_store::Repository;
use rustix::fs::{AtFlags, FileType, Mode, makedev};
use rustix::io::Errno;

use super::attributes::{Attributes, Rights};
use super::destination::{Destination, file_name};
use super::file::Files;
use super::{ExportOptions, Exported, Progress, Skipped, Warning};
use crate::content::Contents;
use crate::error::ViewError;
use crate::tree::{NodeId, NodeKind, Tree};
use crate::walk::Visit;

/// Threads without being asked: more only make a disk seek.
const MAX_JOBS: usize = 8;

/// Files that a thread takes at once. They are mostly of one directory, which stays open.
const BATCH: usize = 16;

/// Writes `tree` into the directory `destination`, which must be empty or not exist.
///
/// Nothing is ever created outside it or through a symbolic link. Every object is compared with its
/// digest; a copy that ends with an error must not be used. Modes, times (the time of access is that
/// of modification) and holes are the image's, owners as `options` say. What the system does not
/// permit or support of devices and extended attributes is left out with a warning.
///
/// # Errors
/// [`ViewError::NotEmpty`], [`ViewError::Io`], [`ViewError::Interrupted`]; damage. What was written
/// by then stays.
pub fn directory(
    repository: &Repository,
    tree: &Tree,
    destination: &Path,
    options: &ExportOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Exported, ViewError> {
    let destination = Destination::prepare(destination)?;
    let contents = Contents::locate(repository, tree, tree.files())?;
    let export = Export {
        files: Files::new(contents, &destination, options, progress),
        tree,
        rights: Rights::new(options.owners),
    };
    let plan = Plan::new(tree);
    export.make_directories(&plan)?;
    let mut warnings = export.write_files(&plan)?;
    export.link_further_names(&plan, &warnings)?;
    warnings.extend(export.finish_directories(&plan)?);
    warnings.sort_by(|a, b| a.path.cmp(&b.path));
    let totals = tree.totals();
    Ok(Exported {
        entries: totals.entries,
        bytes: totals.bytes,
        warnings,
    })
}

/// What is to be made, each list in the order of a walk.
struct Plan<'a> {
    /// The root first.
    directories: Vec<Visit<'a>>,
    /// Everything else, by its first name.
    files: Vec<Visit<'a>>,
    /// Names of what is in `files` already, and its first name.
    further: Vec<(EntryPath, EntryPath)>,
}

impl<'a> Plan<'a> {
    fn new(tree: &'a Tree) -> Self {
        let mut plan = Self {
            directories: Vec::new(),
            files: Vec::new(),
            further: Vec::new(),
        };
        let mut first: HashMap<NodeId, EntryPath> = HashMap::new();
        for visit in tree.walk() {
            if visit.node.is_directory() {
                plan.directories.push(visit);
                continue;
            }
            if visit.node.links() > 1 {
                if let Some(first) = first.get(&visit.id) {
                    plan.further.push((visit.path, first.clone()));
                    continue;
                }
                first.insert(visit.id, visit.path.clone());
            }
            plan.files.push(visit);
        }
        plan
    }
}

struct Export<'a> {
    files: Files<'a>,
    tree: &'a Tree,
    rights: Rights,
}

/// The directory used last, open.
#[derive(Default)]
struct Parent(Option<(EntryPath, OwnedFd)>);

impl Parent {
    fn of(&mut self, destination: &Destination, path: &EntryPath) -> Result<&OwnedFd, ViewError> {
        let parent = path.parent().unwrap_or_default();
        let open = match self.0.take() {
            Some(open) if open.0 == parent => open,
            _ => {
                let directory = destination.open_directory(&parent)?;
                (parent, directory)
            }
        };
        Ok(&self.0.insert(open).1)
    }
}

impl Export<'_> {
    fn destination(&self) -> &Destination {
        self.files.destination
    }

    fn attributes(&self) -> Attributes<'_> {
        Attributes {
            destination: self.destination(),
            rights: self.rights,
            warnings: Vec::new(),
        }
    }

    fn make_directories(&self, plan: &Plan<'_>) -> Result<(), ViewError> {
        let mut parent = Parent::default();
        for directory in plan.directories.iter().skip(1) {
            self.files.options.check_cancel()?;
            let parent = parent.of(self.destination(), &directory.path)?;
            self.destination().make_directory(parent, &directory.path)?;
        }
        Ok(())
    }

    fn write_files(&self, plan: &Plan<'_>) -> Result<Vec<Warning>, ViewError> {
        let cores = thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MAX_JOBS);
        let jobs = self.files.options.jobs.map_or(cores, usize::from);
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let work = || {
            let mut attributes = self.attributes();
            let mut parent = Parent::default();
            while !failed.load(Ordering::Relaxed) {
                let start = next.fetch_add(BATCH, Ordering::Relaxed);
                let batch = plan.files.iter().skip(start).take(BATCH);
                if batch.len() == 0 {
                    break;
                }
                for visit in batch {
                    let made = self.make(visit, &mut parent, &mut attributes);
                    made.inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
                }
            }
            Ok(attributes.warnings)
        };
        thread::scope(|scope| {
            let mut handles = Vec::new();
            for _ in 1..jobs.min(plan.files.len().div_ceil(BATCH)) {
                // Without another thread it only takes longer.
                let spawned = thread::Builder::new()
                    .name("lazaret-export".to_owned())
                    .spawn_scoped(scope, work);
                handles.extend(spawned);
            }
            let mut warnings = work();
            for handle in handles {
                let more = handle
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                warnings = match (warnings, more) {
                    (Ok(mut warnings), Ok(more)) => {
                        warnings.extend(more);
                        Ok(warnings)
                    }
                    (Err(error), _) | (_, Err(error)) => Err(error),
                };
            }
            warnings
        })
    }

    fn make(
        &self,
        visit: &Visit<'_>,
        parent: &mut Parent,
        attributes: &mut Attributes<'_>,
    ) -> Result<(), ViewError> {
        self.files.options.check_cancel()?;
        let Visit { path, node, .. } = visit;
        let posix = &node.posix;
        let parent = parent.of(self.destination(), path)?;
        match &node.kind {
            NodeKind::Directory(_) => {}
            NodeKind::Regular(content) => {
                let file = self.files.write(parent, path, content)?;
                attributes.set_open(&file, path, posix, false)?;
            }
            NodeKind::Symlink(target) => {
                rustix::fs::symlinkat(&**target, parent, file_name(path))
                    .map_err(self.destination().error("create", path))?;
                attributes.set_symlink(parent, path, posix)?;
            }
            NodeKind::CharacterDevice(major, minor) => {
                let device = Some((FileType::CharacterDevice, *major, *minor));
                self.make_special(visit, parent, attributes, device)?;
            }
            NodeKind::BlockDevice(major, minor) => {
                let device = Some((FileType::BlockDevice, *major, *minor));
                self.make_special(visit, parent, attributes, device)?;
            }
            NodeKind::Fifo => self.make_special(visit, parent, attributes, None)?,
        }
        (self.files.progress)(Progress::Entry);
        Ok(())
    }

    /// A device of that type and numbers, or a pipe.
    fn make_special(
        &self,
        visit: &Visit<'_>,
        parent: &OwnedFd,
        attributes: &mut Attributes<'_>,
        device: Option<(FileType, u32, u32)>,
    ) -> Result<(), ViewError> {
        let path = &visit.path;
        let (file_type, number) = match device {
            Some((file_type, major, minor)) => (file_type, makedev(major, minor)),
            None => (FileType::Fifo, 0),
        };
        let mode = Mode::RUSR | Mode::WUSR;
        match rustix::fs::mknodat(parent, file_name(path), file_type, mode, number) {
            Ok(()) => {}
            Err(Errno::PERM | Errno::INVAL) if device.is_some() => {
                attributes.warnings.push(Warning {
                    path: path.clone(),
                    skipped: Skipped::Device,
                });
                return Ok(());
            }
            Err(error) => return Err(self.destination().error("create", path)(error)),
        }
        let file = self.destination().open_path(parent, path, file_type)?;
        attributes.set_special(parent, &file, path, &visit.node.posix)
    }

    fn link_further_names(&self, plan: &Plan<'_>, warnings: &[Warning]) -> Result<(), ViewError> {
        let mut old_parent = Parent::default();
        let mut new_parent = Parent::default();
        let is_missing = |first: &EntryPath| {
            warnings
                .iter()
                .any(|warning| warning.skipped == Skipped::Device && warning.path == *first)
        };
        for (path, first) in &plan.further {
            self.files.options.check_cancel()?;
            let old = old_parent.of(self.destination(), first)?;
            let new = new_parent.of(self.destination(), path)?;
            // Without AT_SYMLINK_FOLLOW a symbolic link is linked itself.
            let linked = rustix::fs::linkat(
                old,
                file_name(first),
                new,
                file_name(path),
                AtFlags::empty(),
            );
            match linked {
                Err(Errno::NOENT) if is_missing(first) => {}
                linked => linked.map_err(self.destination().error("create", path))?,
            }
            (self.files.progress)(Progress::Entry);
        }
        Ok(())
    }

    fn finish_directories(&self, plan: &Plan<'_>) -> Result<Vec<Warning>, ViewError> {
        let mut attributes = self.attributes();
        for directory in plan.directories.iter().rev() {
            self.files.options.check_cancel()?;
            let open = self.destination().open_directory(&directory.path)?;
            let posix = &self.tree.node(directory.id).posix;
            attributes.set_open(&open, &directory.path, posix, true)?;
            (self.files.progress)(Progress::Entry);
        }
        Ok(attributes.warnings)
    }
}
