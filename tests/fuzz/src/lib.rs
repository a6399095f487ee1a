//! Fuzz targets: a function for each kind of text or bytes that comes from outside.
//!
//! A target takes any bytes. It panics where the library does, and where what the library gives back is not what an
//! independent look at the input allows. Each has a corpus in `corpus/<target>`, which the tests of this package run
//! together with seeded mutations of it, and a binary of its own name:
//!
//! - Built as usual, `cargo run --package fuzz-targets --bin log_lines -- FILE…` runs the target over files, such as a
//!   crash that the fuzzer left.
//! - Built as `.ci/run fuzz` builds it, with coverage and `--cfg fuzzing`, it is libFuzzer.

mod attribution;
mod log_lines;
mod mapping_files;
mod model;
mod model_files;
mod names;
mod result_rows;
mod sql_texts;
mod text;
mod tokens;

#[cfg(fuzzing)]
#[doc(hidden)]
pub use libfuzzer_sys;

pub use crate::log_lines::log_lines;
pub use crate::mapping_files::mapping_files;
pub use crate::model_files::model_files;
pub use crate::names::names;
pub use crate::result_rows::result_rows;
pub use crate::sql_texts::sql_texts;

/// A target: it panics on a fault.
pub type Target = fn(&[u8]);

/// Every target with its name.
pub const TARGETS: [(&str, Target); 6] = [
    ("log_lines", log_lines),
    ("mapping_files", mapping_files),
    ("model_files", model_files),
    ("names", names),
    ("result_rows", result_rows),
    ("sql_texts", sql_texts),
];

/// The binary of a target: libFuzzer, or else a program that runs the target over files.
#[macro_export]
macro_rules! binary {
    ($target:ident) => {
        #[cfg(fuzzing)]
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$target(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            for file in std::env::args_os().skip(1) {
                $crate::$target(&std::fs::read(file)?);
            }
            Ok(())
        }
    };
}
