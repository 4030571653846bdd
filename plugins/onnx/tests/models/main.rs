//! The importer over whole models: hand-made ones, sound and hostile, those of the `onnx` package,
//! and random ones.

// All of it is test code; saying so lets helpers unwrap as tests may.
#[cfg(test)]
mod oracles;
#[cfg(test)]
mod random;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod sound;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod write;
