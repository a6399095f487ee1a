//! Tech assets that are whole schemas and databases, alone and among tables.

use super::{Case, NINE, asset, called_by, case, consumer, port, read};
use output_port_usage::{Attribution, AttributionBuilder, CountedUnit, OverlappingSets};

fn by_ana() -> AttributionBuilder {
    Attribution::builder().user("ana", consumer(1))
}

/// A join of two tables of one schema, a join of two schemas, and a table that nobody had listed.
fn one_log() -> Vec<output_port_usage::query_log::Record> {
    vec![
        read("q1", NINE, &["DB.S1.A", "DB.S1.B"]),
        read("q2", NINE, &["DB.S1.A", "DB.S2.C"]),
        read("q3", NINE, &["DB.S1.NEW"]),
    ]
}

/// A schema behind P1, and one of its tables behind P2.
fn mixed() -> AttributionBuilder {
    by_ana()
        .schema("db.s1", asset(1))
        .tech_asset(asset(1), [port(1)])
        .object("db.s1.a", asset(2))
        .tech_asset(asset(2), [port(2)])
}

pub(super) fn cases() -> Vec<Case> {
    [portals(), overlaps(), names()].into_iter().flatten().collect()
}

fn portals() -> Vec<Case> {
    vec![
        Case {
            queries: &["2026-03-10 P1 C1 3", "2026-03-10 P2 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 3", "2026-03-10 P2 A2 C1 1"],
            combinations: &["2026-03-10 P1 P2 C1 1"],
            ..case(
                "all assets are schemas: two tables of one are one touch, and a new table counts",
                by_ana()
                    .schema("db.s1", asset(1))
                    .objects("db.s2.*", asset(2))
                    .tech_asset(asset(1), [port(1)])
                    .tech_asset(asset(2), [port(2)]),
                one_log(),
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 2", "2026-03-10 P2 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 2", "2026-03-10 P1 A2 C1 1", "2026-03-10 P2 A3 C1 1"],
            combinations: &["2026-03-10 P1 P2 C1 1"],
            ..case(
                "all assets are tables: each is a touch, and a new table does not count",
                by_ana()
                    .object("db.s1.a", asset(1))
                    .object("db.s1.b", asset(2))
                    .object("db.s2.c", asset(3))
                    .tech_asset(asset(1), [port(1)])
                    .tech_asset(asset(2), [port(1)])
                    .tech_asset(asset(3), [port(2)]),
                one_log(),
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 3", "2026-03-10 P2 C1 2"],
            touches: &["2026-03-10 P1 A1 C1 3", "2026-03-10 P2 A2 C1 2"],
            combinations: &["2026-03-10 P1 P2 C1 1"],
            ..case(
                "mixed: a table in a schema touches both, and combines nothing by itself",
                mixed(),
                vec![
                    read("q1", NINE, &["DB.S1.A"]),
                    read("q2", NINE, &["DB.S1.A", "DB.S1.B"]),
                    read("q3", NINE, &["DB.S1.B"]),
                ],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 2", "2026-03-10 P2 C1 2"],
            touches: &["2026-03-10 P1 A1 C1 2", "2026-03-10 P2 A2 C1 2"],
            combinations: &["2026-03-10 P1 P2 C1 1"],
            ..case(
                "mixed: by the most specific set a table no longer counts for its schema",
                mixed().overlapping_sets(OverlappingSets::MostSpecific),
                vec![
                    read("q1", NINE, &["DB.S1.A"]),
                    read("q2", NINE, &["DB.S1.A", "DB.S1.B"]),
                    read("q3", NINE, &["DB.S1.B"]),
                ],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 3"],
            touches: &["2026-03-10 P1 A1 C1 3"],
            ..case(
                "an asset is a renamed table, a schema and a database at once",
                by_ana()
                    .object("db.s.old_name", asset(1))
                    .object("db.s.new_name", asset(1))
                    .schema("db.s", asset(1))
                    .database("archive", asset(1))
                    .tech_asset(asset(1), [port(1)]),
                vec![
                    read("q1", NINE, &["DB.S.OLD_NAME", "DB.S.NEW_NAME"]),
                    read("q2", NINE, &["ARCHIVE.X.T"]),
                    read("q3", NINE, &["DB.S.T", "ARCHIVE.X.T"]),
                    read("q4", NINE, &["DB.T.T"]),
                ],
            )
        },
    ]
}

fn overlaps() -> Vec<Case> {
    let in_all = || {
        by_ana()
            .database("db", asset(1))
            .schema("db.s", asset(2))
            .object("db.s.t", asset(3))
            .tech_asset(asset(1), [port(1)])
            .tech_asset(asset(2), [port(2)])
            .tech_asset(asset(3), [port(1), port(3)])
    };
    let log = || {
        vec![
            read("q1", NINE, &["DB.S.T"]),
            read("q2", NINE, &["DB.S.U"]),
            read("q3", NINE, &["DB.S.T", "DB.X.T"]),
        ]
    };
    vec![
        Case {
            queries: &["2026-03-10 P1 C1 3", "2026-03-10 P2 C1 3", "2026-03-10 P3 C1 2"],
            touches: &[
                "2026-03-10 P1 A1 C1 3",
                "2026-03-10 P1 A3 C1 2",
                "2026-03-10 P2 A2 C1 3",
                "2026-03-10 P3 A3 C1 2",
            ],
            // q3 alone reads two objects: the database through DB.X.T, schema and table through DB.S.T
            combinations: &["2026-03-10 P1 P2 C1 1", "2026-03-10 P1 P3 C1 1"],
            ..case("a table that is an asset, in a schema and a database that are two more", in_all(), log())
        },
        Case {
            queries: &["2026-03-10 P1 C1 2", "2026-03-10 P2 C1 1", "2026-03-10 P3 C1 2"],
            touches: &[
                "2026-03-10 P1 A1 C1 1",
                "2026-03-10 P1 A3 C1 2",
                "2026-03-10 P2 A2 C1 1",
                "2026-03-10 P3 A3 C1 2",
            ],
            combinations: &["2026-03-10 P1 P3 C1 1"],
            ..case(
                "an object goes before its schema, a schema before its database",
                in_all().overlapping_sets(OverlappingSets::MostSpecific),
                log(),
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 2", "2026-03-10 P2 C1 2"],
            touches: &["2026-03-10 P1 A1 C1 2", "2026-03-10 P2 A2 C1 2"],
            combinations: &["2026-03-10 P1 P2 C1 1"],
            ..case(
                "one schema that is two assets combines them by two of its tables",
                by_ana()
                    .schema("db.s", asset(1))
                    .schema("db.s", asset(2))
                    .tech_asset(asset(1), [port(1)])
                    .tech_asset(asset(2), [port(2)]),
                vec![read("q1", NINE, &["DB.S.T", "DB.S.T"]), read("q2", NINE, &["DB.S.T", "DB.S.U"])],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 1", "2026-03-10 P2 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 1", "2026-03-10 P2 A1 C1 1"],
            ..case(
                "two tables of one schema behind two output ports combine nothing",
                by_ana().schema("db.s", asset(1)).tech_asset(asset(1), [port(1), port(2)]),
                vec![read("q1", NINE, &["DB.S.T", "DB.S.U"])],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 2", "2026-03-10 P2 C1 2"],
            touches: &["2026-03-10 P1 A1 C1 2", "2026-03-10 P2 A2 C1 2"],
            combinations: &["2026-03-10 P1 P2 C1 1"],
            ..case(
                "a root query combines what its statements read, but not one table with itself",
                mixed().counted_unit(CountedUnit::RootQuery),
                vec![
                    called_by("one", read("q1", NINE, &["DB.S1.A"])),
                    called_by("one", read("q2", NINE, &["DB.S1.A"])),
                    called_by("two", read("q3", NINE, &["DB.S1.A"])),
                    called_by("two", read("q4", NINE, &["DB.S1.B"])),
                ],
            )
        },
    ]
}

fn names() -> Vec<Case> {
    vec![
        Case {
            queries: &["2026-03-10 P1 C1 1", "2026-03-10 P2 C1 3", "2026-03-10 P3 C1 2"],
            touches: &[
                "2026-03-10 P1 A1 C1 1",
                "2026-03-10 P2 A2 C1 3",
                "2026-03-10 P3 A3 C1 1",
                "2026-03-10 P3 A4 C1 1",
            ],
            ..case(
                "a name that only starts like that of a set is not in it",
                by_ana()
                    .schema("db.s", asset(1))
                    .database("db", asset(2))
                    .schema("\"DB.S\".t", asset(3))
                    .database("\"D.B\"", asset(4))
                    .tech_asset(asset(1), [port(1)])
                    .tech_asset(asset(2), [port(2)])
                    .tech_asset(asset(3), [port(3)])
                    .tech_asset(asset(4), [port(3)]),
                vec![
                    read("q1", NINE, &["DB.S.T"]),
                    read("q2", NINE, &["DB.SX.T"]),
                    read("q3", NINE, &["DB.\"s\".T"]),
                    read("q4", NINE, &["DBX.S.T", "\"db\".S.T", "DB", "\"DB.S"]),
                    read("q5", NINE, &["\"DB.S\".T.U", "\"DB.S\".X.U", "\"DB.S\"\".T\".X.U"]),
                    read("q6", NINE, &["\"D.B\".S.T", "\"D.C\".S.T", "D.B.S"]),
                ],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 1", "2026-03-10 P2 C1 1", "2026-03-10 P3 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 1", "2026-03-10 P2 A2 C1 1", "2026-03-10 P3 A3 C1 1"],
            ..case(
                "INFORMATION_SCHEMA is in no database, but may be named",
                by_ana()
                    .database("db", asset(1))
                    .object("db.information_schema.tables", asset(2))
                    .schema("other.information_schema", asset(3))
                    .tech_asset(asset(1), [port(1)])
                    .tech_asset(asset(2), [port(2)])
                    .tech_asset(asset(3), [port(3)]),
                vec![
                    read("q1", NINE, &["DB.INFORMATION_SCHEMA.COLUMNS"]),
                    read("q2", NINE, &["DB.INFORMATION_SCHEMA.TABLES"]),
                    read("q3", NINE, &["DB.INFORMATION_SCHEMAS.TABLES"]),
                    read("q4", NINE, &["OTHER.INFORMATION_SCHEMA.TABLES"]),
                    read("q5", NINE, &["OTHER.S.T"]),
                ],
            )
        },
    ]
}
