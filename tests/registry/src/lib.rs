//! Registries for tests.
