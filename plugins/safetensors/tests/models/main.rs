//! The importer over whole files and indexes: hand-made ones, sound and hostile, those of other
//! tools, and random ones.

// All of it is test code; saying so lets helpers unwrap as tests may.
#[cfg(test)]
mod chunks;
#[cfg(test)]
mod file;
#[cfg(test)]
mod huge;
#[cfg(test)]
mod indexes;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod sound;
#[cfg(test)]
mod tools;
