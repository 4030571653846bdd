//! What is stored, cut otherwise: nothing is fetched.

use lazaret_graph::{Name, load_graph};
use lazaret_store::Repository;

use crate::documents::Documents;
use crate::error::IntakeError;
use crate::options::{Importers, PullOptions, Split};
use crate::progress::Progress;
use crate::pull::Bring;
use crate::pulled::Pulled;
use crate::task::Wish;

/// Cuts everything that `name` stands for as `split` says, or makes files whole again where that is
/// none. The same bytes are rebuilt, and their digests compared once more, before anything changes
/// its name. Of `options` those about sources, tags and splitting mean nothing here.
///
/// # Errors
/// Not found, damage, the repository's. Then everything is as it was.
pub fn restage(
    repository: &Repository,
    name: &Name,
    split: Option<Split>,
    importers: &Importers,
    options: &PullOptions,
    progress: Progress<'_>,
) -> Result<Pulled, IntakeError> {
    let stored = load_graph(repository, name)?;
    let root = stored.root;
    let documents = Documents::stored(stored)?;
    let bring = Bring {
        repository,
        source: None,
        importers,
        options,
        wish: match split {
            Some(split) => Wish::Split(split),
            None => Wish::Whole,
        },
        progress,
    };
    bring.run(root, &documents, Vec::new(), Vec::new())
}
