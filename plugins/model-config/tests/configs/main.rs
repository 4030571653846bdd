//! The importer over whole files: those of known models, strange ones, others' and random ones.

// All of it is test code; saying so lets helpers unwrap as tests may.
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod others;
#[cfg(test)]
mod random;
#[cfg(test)]
mod sound;
