//! The charts: their SQL, their rows, their plans.

pub(crate) mod combinations_random;
pub(crate) mod compared;
pub(crate) mod flat_records;
pub(crate) mod json;
pub(crate) mod most_used_ports;
pub(crate) mod overview;
pub(crate) mod plans;
pub(crate) mod plans_assets;
pub(crate) mod plans_charts;
pub(crate) mod plans_combinations;
pub(crate) mod plans_covered;
pub(crate) mod plans_derived;
pub(crate) mod plans_growth;
pub(crate) mod plans_pages;
pub(crate) mod plans_portal;
pub(crate) mod portal_random;
pub(crate) mod random;
pub(crate) mod random_compared;
pub(crate) mod random_derived;
pub(crate) mod random_subjects;
pub(crate) mod recipes;
pub(crate) mod series;
pub(crate) mod unused;
pub(crate) mod worked;
