//! Sets of objects by their names, each with the tech assets that it stands for.

use std::collections::HashMap;

use super::OverlappingSets;
use super::name::{self, INFORMATION_SCHEMA};
use super::set_kind::SetKind;
use crate::id::TechAssetId;

/// Names as Snowflake prints them with their tech assets: sorted, no pair twice.
type Entry = (Box<str>, TechAssetId);

/// The sets of an attribution, by their kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectSets {
    objects: Vec<Entry>,
    schemas: Vec<Entry>,
    databases: Vec<Entry>,
    overlapping: OverlappingSets,
}

/// One set, which holds an object that was looked for, with its tech assets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HoldingSet<'a>(&'a [Entry]);

impl<'a> HoldingSet<'a> {
    /// The set's name; sets of two kinds never bear one name.
    pub(crate) fn name(self) -> &'a str {
        self.0.first().map_or("", |(name, _)| name)
    }

    /// Its tech assets, in their order, each once.
    pub(crate) fn assets(self) -> impl Iterator<Item = TechAssetId> + 'a {
        self.0.iter().map(|(_, asset)| *asset)
    }
}

/// The sets that one object counts for, the most specific first; none where it is not mapped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HoldingSets<'a>([&'a [Entry]; 3]);

impl<'a> HoldingSets<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = HoldingSet<'a>> {
        self.0.into_iter().filter(|entries| !entries.is_empty()).map(HoldingSet)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.iter().all(|entries| entries.is_empty())
    }

    /// Whether the object is in more than one tech asset.
    pub(crate) fn are_of_several_assets(self) -> bool {
        let mut assets = self.iter().flat_map(HoldingSet::assets);
        assets.next().is_some_and(|first| assets.any(|other| other != first))
    }

    fn keep_most_specific(&mut self) {
        let first = self.0.iter().position(|entries| !entries.is_empty());
        for less_specific in self.0.iter_mut().skip(first.map_or(3, |first| first + 1)) {
            *less_specific = &[];
        }
    }
}

impl ObjectSets {
    pub(super) fn new(
        named: impl IntoIterator<Item = (SetKind, String, TechAssetId)>,
        overlapping: OverlappingSets,
    ) -> Self {
        let (mut objects, mut schemas, mut databases) = (Vec::new(), Vec::new(), Vec::new());
        for (kind, name, asset) in named {
            let entries = match kind {
                SetKind::Object => &mut objects,
                SetKind::Schema => &mut schemas,
                SetKind::Database => &mut databases,
            };
            entries.push((name.into_boxed_str(), asset));
        }
        for entries in [&mut objects, &mut schemas, &mut databases] {
            entries.sort_unstable();
            entries.dedup();
            entries.shrink_to_fit();
        }
        Self { objects, schemas, databases, overlapping }
    }

    /// Every set with its tech assets, in a fixed order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SetKind, &str, TechAssetId)> {
        let kinds = [
            (SetKind::Object, &self.objects),
            (SetKind::Schema, &self.schemas),
            (SetKind::Database, &self.databases),
        ];
        kinds
            .into_iter()
            .flat_map(|(kind, entries)| entries.iter().map(move |(name, asset)| (kind, &**name, *asset)))
    }

    pub(super) fn overlapping(&self) -> OverlappingSets {
        self.overlapping
    }

    /// Whether an object may be in two tech assets at once.
    pub(super) fn may_overlap(&self) -> bool {
        let hold_many = !self.schemas.is_empty() || !self.databases.is_empty();
        hold_many || self.objects.windows(2).any(|pair| pair[0].0 == pair[1].0)
    }

    /// The sets by their names.
    pub(super) fn index(&self) -> SetIndex<'_> {
        SetIndex {
            objects: by_name(&self.objects),
            schemas: by_name(&self.schemas),
            databases: by_name(&self.databases),
            overlapping: self.overlapping,
        }
    }
}

/// The sets of an attribution by their names.
///
/// Looking up a name takes as long however many sets there are.
#[derive(Debug)]
pub(crate) struct SetIndex<'a> {
    objects: HashMap<&'a str, &'a [Entry]>,
    schemas: HashMap<&'a str, &'a [Entry]>,
    databases: HashMap<&'a str, &'a [Entry]>,
    overlapping: OverlappingSets,
}

impl<'a> SetIndex<'a> {
    /// The sets that an object counts for, by its name as printed.
    pub(crate) fn holding(&self, object_name: &str) -> HoldingSets<'a> {
        let (database, schema) = match self.schemas.is_empty() && self.databases.is_empty() {
            true => (None, None),
            false => name::database_and_schema(object_name),
        };
        let is_information_schema = schema.is_some_and(|schema| {
            let database = database.map_or(0, str::len);
            schema.get(database + 1..) == Some(INFORMATION_SCHEMA)
        });
        let database = database.filter(|_| !is_information_schema);
        let find = |entries: &HashMap<&str, &'a [Entry]>, name: Option<&str>| {
            name.and_then(|name| entries.get(name)).copied().unwrap_or_default()
        };
        let mut sets = HoldingSets([
            find(&self.objects, Some(object_name)),
            find(&self.schemas, schema),
            find(&self.databases, database),
        ]);
        match self.overlapping {
            OverlappingSets::CountAll => {}
            OverlappingSets::MostSpecific => sets.keep_most_specific(),
        }
        sets
    }
}

/// The entries of each name.
fn by_name(entries: &[Entry]) -> HashMap<&str, &[Entry]> {
    let names = entries.chunk_by(|(one, _), (next, _)| one == next);
    names.filter_map(|entries| Some((&*entries.first()?.0, entries))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::name::{DatabaseName, ObjectName, SchemaName};
    use super::*;

    fn asset(number: usize) -> TechAssetId {
        TechAssetId(Uuid::from_u128(number as u128))
    }

    /// Parts of names, some of which need quotes and hold what ends a part elsewhere.
    fn part() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["A", "B", "a.b", "A.B", "x\"", "\"", "\".A", "A.", "INFORMATION_SCHEMA"])
    }

    fn quoted(part: &str) -> String {
        format!("\"{}\"", part.replace('"', "\"\""))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..Default::default() })]

        /// What the statements do with STARTSWITH.
        #[test]
        fn an_object_is_in_every_set_whose_printed_name_it_starts_with(
            sets in prop::collection::vec((1..=3usize, part(), part(), part()), 1..8),
            names in prop::collection::vec((part(), part(), part()), 1..8),
            other in r#"[AB"\.]{0,12}"#,
        ) {
            let sets = sets.iter().enumerate().map(|(number, (parts, one, two, three))| {
                let text = [one, two, three].map(|part| quoted(part))[..*parts].join(".");
                let (kind, name) = match parts {
                    1 => (SetKind::Database, DatabaseName::parse(&text).unwrap().to_string()),
                    2 => (SetKind::Schema, SchemaName::parse(&text).unwrap().to_string()),
                    _ => (SetKind::Object, ObjectName::parse(&text).unwrap().to_string()),
                };
                (kind, name, asset(number))
            });
            let sets: Vec<_> = sets.collect();
            let names = names.iter().map(|(one, two, three)| {
                ObjectName::parse(&[one, two, three].map(|part| quoted(part)).join(".")).unwrap().to_string()
            });
            for name in names.chain([other]) {
                for overlapping in [OverlappingSets::CountAll, OverlappingSets::MostSpecific] {
                    let mut expected: Vec<(SetKind, TechAssetId)> = sets
                        .iter()
                        .filter(|(kind, set, _)| match kind {
                            SetKind::Object => *set == name,
                            SetKind::Schema => name.starts_with(&format!("{set}.")),
                            SetKind::Database => {
                                name.starts_with(&format!("{set}."))
                                    && !name.starts_with(&format!("{set}.INFORMATION_SCHEMA."))
                            }
                        })
                        .map(|(kind, _, asset)| (*kind, *asset))
                        .collect();
                    if overlapping == OverlappingSets::MostSpecific {
                        let least = expected.iter().map(|(kind, _)| *kind).min();
                        expected.retain(|(kind, _)| Some(*kind) == least);
                    }
                    expected.sort();
                    let sets = ObjectSets::new(sets.clone(), overlapping);
                    let found = sets.index().holding(&name);
                    let assets: Vec<_> = found.iter().flat_map(HoldingSet::assets).collect();
                    let expected: Vec<_> = expected.into_iter().map(|(_, asset)| asset).collect();
                    prop_assert_eq!(&assets, &expected, "{}", name);
                    prop_assert_eq!(found.are_of_several_assets(), expected.len() > 1);
                    prop_assert_eq!(found.is_empty(), expected.is_empty());
                }
            }
        }
    }
}
