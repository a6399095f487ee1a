//! Every rule of attribution meets enough rows, whatever the seed.

use std::collections::{BTreeMap, BTreeSet};

use access_log::Shape;

use crate::scan::{Row, Scan};

#[test]
fn every_feature_is_in_enough_rows_of_any_seed() {
    let others = [8, 2026].map(|seed| Scan::of(Shape { seed, queries: 6_000, ..Shape::default() }));
    for (index, scan) in [Scan::of_default()].into_iter().chain(&others).enumerate() {
        let mut short = Vec::new();
        for (feature, least, met) in in_one_row(scan).into_iter().chain(across_rows(scan)) {
            if met < least {
                short.push(format!("{feature}: {met} rows, at least {least}"));
            }
        }
        assert!(short.is_empty(), "log {index}, {} rows: {short:#?}", scan.rows.len());
    }
}

/// What one row shows: the feature, the least number of rows, the number found.
fn in_one_row(scan: &Scan) -> Vec<(&'static str, usize, usize)> {
    [of_reads(scan), of_readers(scan)].concat()
}

/// What one row shows of what is read.
fn of_reads(scan: &Scan) -> Vec<(&'static str, usize, usize)> {
    let all = scan.rows.len();
    let count = |holds: &dyn Fn(&Row) -> bool| scan.rows.iter().filter(|row| holds(row)).count();
    vec![
        (
            "a join of two assets of one output port",
            all / 10,
            count(&|row| {
                let read: BTreeSet<_> = scan.ports(row).collect();
                let port = |port: usize| read.iter().filter(|(_, ports)| ports.contains(&port)).count() > 1;
                (0..scan.mapping.output_ports.len()).any(port)
            }),
        ),
        (
            "a join of two output ports",
            all / 20,
            count(&|row| {
                let read: BTreeSet<_> = scan.ports(row).collect();
                read.iter().any(|one| read.iter().any(|other| one.1.is_disjoint(other.1)))
            }),
        ),
        (
            "a self join",
            all / 40,
            count(&|row| {
                let mut read = BTreeSet::new();
                scan.ports(row).any(|(name, _)| !read.insert(name))
            }),
        ),
        (
            "a view whose tables are the base",
            all / 20,
            count(&|row| {
                row.has("objectDomain", |domain| domain == "View")
                    && row.value["direct_objects_accessed"] != row.value["base_objects_accessed"]
                    && !row.value["base_objects_accessed"].to_string().contains("View")
            }),
        ),
        (
            "a quoted name with a dot",
            all / 50,
            count(&|row| {
                row.has("objectName", |name| name.ends_with("Daily\"") || name.ends_with("Funnel\""))
            }),
        ),
        (
            "an asset of two output ports",
            all / 20,
            count(&|row| scan.ports(row).any(|(_, ports)| ports.len() > 1)),
        ),
    ]
}

/// What one row shows of who reads, and of what is not counted: as [`of_reads`].
fn of_readers(scan: &Scan) -> Vec<(&'static str, usize, usize)> {
    let all = scan.rows.len();
    let count = |holds: &dyn Fn(&Row) -> bool| scan.rows.iter().filter(|row| holds(row)).count();
    let producer = |row: &Row| {
        let id = scan.consumer(row).map(|place| scan.mapping.consumers[place].id);
        id.is_some()
            && scan
                .ports(row)
                .flat_map(|(_, ports)| ports)
                .any(|port| scan.mapping.output_ports[*port].producer == id)
    };
    vec![
        ("a domain in capitals", all / 50, count(&|row| row.has("objectDomain", |domain| domain == "TABLE"))),
        (
            "a task, known by its role",
            all / 50,
            count(&|row| row.text("user_name") == Some("SYSTEM") && scan.by_role(row).is_some()),
        ),
        ("a procedure's statement", all / 25, count(&|row| row.text("root_query_id").is_some())),
        (
            "a statement that a procedure's statement calls",
            all / 1000,
            count(&|row| row.text("root_query_id") != row.text("parent_query_id")),
        ),
        (
            "a stage with an asset's name",
            all / 100,
            count(&|row| {
                row.direct().any(|object| {
                    object["objectDomain"] == "Stage"
                        && object["objectName"] == scan.mapping.tech_assets[0].objects[0]
                })
            }),
        ),
        (
            "an object without a name",
            all / 250,
            count(&|row| row.direct().any(|object| object["objectName"].is_null())),
        ),
        (
            "a name cut to TRUNCATED",
            all / 250,
            count(&|row| row.has("objectName", |name| name == "TRUNCATED")),
        ),
        (
            "the scanner",
            all / 50,
            count(&|row| {
                row.text("user_name")
                    .is_some_and(|user| scan.mapping.excluded_users.iter().any(|name| name == user))
            }),
        ),
        (
            "an unmapped user",
            all / 50,
            count(&|row| scan.consumer(row).is_none() && row.text("user_name") != Some("CATALOG_SCANNER")),
        ),
        ("only unmapped objects", all / 50, count(&|row| scan.ports(row).next().is_none())),
        (
            "an unmapped object beside an asset",
            all / 100,
            count(&|row| scan.ports(row).next().is_some() && scan.ports(row).count() < row.direct().count()),
        ),
        (
            "a user of one consumer with the role of another",
            all / 250,
            count(&|row| {
                let (user, role) = (scan.by_user(row), scan.by_role(row));
                user.is_some() && role.is_some() && user != role
            }),
        ),
        ("a producer's own read", all / 200, count(&producer)),
    ]
}

/// What only two rows together show.
fn across_rows(scan: &Scan) -> Vec<(&'static str, usize, usize)> {
    let all = scan.rows.len();
    let mut first: BTreeMap<&str, &Row> = BTreeMap::new();
    let mut latest = scan.rows[0].start;
    let (mut repeated, mut late) = (0, 0);
    for row in &scan.rows {
        if first
            .insert(row.text("query_id").expect("an id"), row)
            .is_some_and(|known| known.value == row.value)
        {
            repeated += 1;
        }
        late += usize::from(latest - row.start > chrono::TimeDelta::hours(12));
        latest = latest.max(row.start);
    }
    let over_midnight: BTreeSet<&str> = scan
        .rows
        .iter()
        .filter_map(|row| Some((row, row.text("root_query_id")?)))
        .filter(|(row, root)| scan.local(first[root]).date() != scan.local(row).date())
        .map(|(_, root)| root)
        .collect();
    vec![
        ("a row that comes twice", all / 200, repeated),
        ("a row that comes late", all / 200, late),
        ("a procedure over midnight", all / 500, over_midnight.len()),
    ]
}
