//! What became of the records of a log.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The most distinct names that a summary lists.
const MAX_NAMES: usize = 10_000;
/// The longest name that a summary lists, in bytes: a real one of three quoted parts is shorter.
const MAX_BYTES: usize = 3_500;

/// What became of the records of a log.
///
/// Each record is in exactly one of the counts from [`not_successful`](Self::not_successful) to
/// [`counted`](Self::counted); they add up to [`records`](Self::records). The lists name what would have
/// counted if one more name had been mapped (principals that read mapped objects, and objects that mapped
/// principals read) or if one more domain had counted. They count records, so a repeated row counts again,
/// and are in the order of the counts, largest first, then of the names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub struct LogSummary {
    /// Lines that were not records.
    pub malformed_lines: u64,
    /// The days of the scope on which no record of any kind starts, in order.
    ///
    /// This shows a log that is shorter than its scope. Its batch says that such a day had no usage, and a
    /// replace removes what was counted there before.
    pub days_without_records: Vec<NaiveDate>,
    /// Records read.
    pub records: u64,
    /// Records with a status other than `SUCCESS`.
    pub not_successful: u64,
    /// Records whose local date is none of the days.
    pub outside_days: u64,
    /// Records of excluded users.
    pub excluded_user: u64,
    /// Events of the Iceberg REST catalog that [`IcebergEvents`](crate::IcebergEvents) leaves out.
    pub iceberg_events: u64,
    /// Records without a mapped object of a domain that counts.
    pub no_mapped_object: u64,
    /// Records whose user and role are both unmapped.
    pub unmapped_principal: u64,
    /// Records in which a producer reads nothing but its own output ports.
    pub own_reads: u64,
    /// Records that counted.
    pub counted: u64,
    /// Distinct units that counted. Where the unit is the statement, [`counted`](Self::counted) less
    /// this is the number of repeated rows.
    pub units: u64,
    /// The principals behind [`unmapped_principal`](Self::unmapped_principal), up to 10,000 of them.
    pub unmapped_principals: Vec<UnmappedPrincipal>,
    /// Records behind further unmapped principals, or ones with names over 3,500 bytes.
    pub more_unmapped_principals: u64,
    /// Unmapped objects of domains that count, read by mapped principals, up to 10,000 of them.
    pub unmapped_objects: Vec<UnmappedObject>,
    /// Accesses of further unmapped objects, or of ones with names over 3,500 bytes.
    pub more_unmapped_objects: u64,
    /// Mapped objects of domains that do not count, read by mapped principals, up to 10,000 of them.
    pub ignored_objects: Vec<IgnoredObject>,
    /// Accesses of further such objects, or of ones with names over 3,500 bytes.
    pub more_ignored_objects: u64,
    /// Records of mapped principals that list an object with neither `objectDomain` nor `objectName`, as in a
    /// log that spells the keys differently, such as `object_name`.
    pub objects_without_keys: u64,
}

/// A user with a role, neither of which is mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub struct UnmappedPrincipal {
    /// The user, as Snowflake stores the name.
    pub user_name: Option<String>,
    /// The role, as Snowflake stores the name.
    pub role_name: Option<String>,
    /// Records left out for it.
    pub records: u64,
}

/// An object that is not mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub struct UnmappedObject {
    /// The name as Snowflake prints it; `None` where the log gives none or has cut it off.
    pub object_name: Option<String>,
    /// Records that read it.
    pub records: u64,
}

/// A mapped object whose domain does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub struct IgnoredObject {
    /// The domain in upper case; `None` where the log gives none.
    pub object_domain: Option<String>,
    /// The name as Snowflake prints it.
    pub object_name: String,
    /// Records that read it.
    pub records: u64,
}

/// Counts under names from the log, up to a number of names.
#[derive(Debug)]
pub(super) struct Tally<K> {
    counts: BTreeMap<K, u64>,
    more: u64,
}

impl<K: Ord> Default for Tally<K> {
    fn default() -> Self {
        Self { counts: BTreeMap::new(), more: 0 }
    }
}

impl<K: Ord> Tally<K> {
    /// Counts one under `key`, whose texts are `bytes` long.
    pub(super) fn count(&mut self, key: K, bytes: usize) {
        if let Some(count) = self.counts.get_mut(&key) {
            *count += 1;
        } else if self.counts.len() < MAX_NAMES && bytes <= MAX_BYTES {
            self.counts.insert(key, 1);
        } else {
            self.more += 1;
        }
    }

    /// The names with their counts, largest first, and what was counted under no name.
    pub(super) fn into_ranking<T>(self, row: impl Fn(K, u64) -> T) -> (Vec<T>, u64) {
        let mut counts: Vec<(K, u64)> = self.counts.into_iter().collect();
        counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count)); // stable: names stay in order
        (counts.into_iter().map(|(key, count)| row(key, count)).collect(), self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_lists_a_bounded_number_of_names() {
        let mut tally = Tally::default();
        for name in 0..MAX_NAMES + 5 {
            tally.count(name, 8);
        }
        tally.count(7, 8);
        tally.count(MAX_NAMES, 8);
        let (ranking, more) = tally.into_ranking(|name, count| (name, count));
        assert_eq!(ranking.len(), MAX_NAMES);
        assert_eq!(ranking[..3], [(7, 2), (0, 1), (1, 1)]);
        assert_eq!(more, 6);

        let mut long = Tally::default();
        long.count("x".repeat(MAX_BYTES + 1), MAX_BYTES + 1);
        assert_eq!(long.into_ranking(|name, _| name), (Vec::new(), 1));
    }
}
