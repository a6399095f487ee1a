//! How many of its cases a random or exhaustive test tries.
//!
//! All of them, unless `OUTPUT_PORT_USAGE_SAMPLE` is set: `8` tries one of eight. That is for the same tests on one more
//! server version, after a run of all cases on another.

use std::env;

use proptest::test_runner::{Config, TestRunner};

/// Of how many cases one is tried.
pub(crate) fn one_of() -> u32 {
    const VARIABLE: &str = "OUTPUT_PORT_USAGE_SAMPLE";
    let Some(value) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) else { return 1 };
    let number = value.to_str().and_then(|value| value.parse().ok()).filter(|number| *number > 0);
    number.unwrap_or_else(|| panic!("{VARIABLE} is {value:?}: it must be a number from 1 up"))
}

/// Whether all cases are tried. A few of them need not meet every rule that they are there to try.
pub(crate) fn is_whole() -> bool {
    one_of() == 1
}

/// Runs so many random cases, or a sample of them.
pub(crate) fn runner(cases: u32) -> TestRunner {
    let cases = cases.div_ceil(one_of());
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}
