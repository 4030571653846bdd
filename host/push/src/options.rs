//! What a caller can choose.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lazaret_artifact::Platform;
use lazaret_artifact::media_type::Compression;
use lazaret_transport::RegistryOptions;

use crate::error::PushError;

/// Blobs sent at once when the caller does not say. Three hide a registry's round trips; more make
/// it throttle, and each may compress a layer.
pub const DEFAULT_JOBS: NonZeroUsize = NonZeroUsize::new(3).expect("three is not zero");

/// Settings of a push.
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// The whole index, every platform of it; without, one manifest is sent.
    pub all: bool,
    /// Which manifest of an index, where it is not to be this machine's.
    pub platform: Option<Platform>,
    /// What refers to anything that is sent, and what refers to that, and so on.
    pub referrers: bool,
    /// Compress layers anew whose bytes were not kept and that the destination lacks.
    pub recompress: Option<Recompress>,
    /// Blobs sent at once; [`DEFAULT_JOBS`] without.
    pub jobs: Option<NonZeroUsize>,
    /// How to talk to registries. Its `cancel` is replaced by the one below.
    pub registry: RegistryOptions,
    /// Set it to stop.
    pub cancel: Arc<AtomicBool>,
}

impl PushOptions {
    /// Refuses what contradicts itself, before anything is looked at.
    pub(crate) fn check(&self) -> Result<(), PushError> {
        if self.all && self.platform.is_some() {
            return Err(PushError::AllAndPlatform);
        }
        let Some(recompress) = self.recompress else {
            return Ok(());
        };
        if self.referrers {
            return Err(PushError::RecompressReferrers);
        }
        recompress.check()
    }
}

/// How to compress a layer, and how hard. The output depends on nothing but the layer, the level
/// and the version of the compressor: one thread, no time stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recompress {
    /// RFC 1952, level 0 to 9.
    Gzip(u32),
    /// RFC 8878, level 1 to 22. There is no such layer in Docker's media types.
    Zstd(i32),
}

impl Recompress {
    /// gzip at the level that tools use when nobody says.
    pub const GZIP: Self = Self::Gzip(6);
    /// zstd at the level that tools use when nobody says.
    pub const ZSTD: Self = Self::Zstd(3);

    /// What the layer's media type has to say.
    #[must_use]
    pub const fn compression(self) -> Compression {
        match self {
            Self::Gzip(_) => Compression::Gzip,
            Self::Zstd(_) => Compression::Zstd,
        }
    }

    fn check(self) -> Result<(), PushError> {
        let (format, level, allowed): (_, i64, RangeInclusive<i64>) = match self {
            Self::Gzip(level) => ("gzip", level.into(), 0..=9),
            Self::Zstd(level) => ("zstd", level.into(), 1..=22),
        };
        if allowed.contains(&level) {
            return Ok(());
        }
        Err(PushError::Level {
            format,
            level,
            lowest: *allowed.start(),
            highest: *allowed.end(),
        })
    }
}

impl fmt::Display for Recompress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip(level) => write!(f, "gzip level {level}"),
            Self::Zstd(level) => write!(f, "zstd level {level}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_refused() {
        let with = |change: &dyn Fn(&mut PushOptions)| {
            let mut options = PushOptions::default();
            change(&mut options);
            options.check().map_err(|error| {
                assert!(error.is_usage(), "{error}");
                error.to_string()
            })
        };
        assert_eq!(with(&|_| {}), Ok(()));
        assert_eq!(with(&|o| o.recompress = Some(Recompress::GZIP)), Ok(()));
        assert_eq!(with(&|o| o.recompress = Some(Recompress::Zstd(22))), Ok(()));
        for (refused, text) in [
            (
                with(&|o| {
                    o.all = true;
                    o.platform = Some(Platform::host());
                }),
                "all platforms and one of them",
            ),
            (
                with(&|o| {
                    o.referrers = true;
                    o.recompress = Some(Recompress::GZIP);
                }),
                "recompressing changes digests, and referrers name their subject by its digest",
            ),
            (
                with(&|o| o.recompress = Some(Recompress::Gzip(10))),
                "gzip level 10 is not between 0 and 9",
            ),
            (
                with(&|o| o.recompress = Some(Recompress::Zstd(0))),
                "zstd level 0 is not between 1 and 22",
            ),
        ] {
            assert_eq!(refused, Err(text.to_owned()));
        }
    }
}
