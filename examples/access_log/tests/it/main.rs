//! The generator and the mapping, from outside.

mod features;
mod mapping;
mod rhythm;
mod sample;
mod scan;
