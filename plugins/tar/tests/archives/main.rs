//! The parser over whole archives: hand-made ones, sound and hostile, those of other tools, and
//! random ones.

// All of it is test code; saying so lets helpers unwrap as tests may.
#[cfg(test)]
mod archive;
#[cfg(test)]
mod chunks;
#[cfg(test)]
mod deletions;
#[cfg(test)]
mod oracles;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod sound;
#[cfg(test)]
mod sparse;
