//! A hand-made log, case by case, with the tables that a person works out for it.
//!
//! It is data, so that every way of aggregating can be held against it.

mod clocks;
mod iceberg;
mod sets;

use std::ops::Range;

use chrono::{DateTime, NaiveDate};
use output_port_usage::query_log::{AccessedObject, Record};
use output_port_usage::{
    AccessedObjects, Attribution, AttributionBuilder, ConsumerId, CountedUnit, IcebergEvents, OutputPortId,
    TechAssetId,
};
use uuid::Uuid;

/// Records with the rows that they give, written `day port [asset or second port] consumer count`.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) attribution: Attribution,
    pub(crate) days: Range<NaiveDate>,
    pub(crate) records: Vec<Record>,
    /// As the attribution has it, for what stands in for the views.
    pub(crate) iceberg_events: IcebergEvents,
    pub(crate) queries: &'static [&'static str],
    pub(crate) touches: &'static [&'static str],
    pub(crate) combinations: &'static [&'static str],
}

/// The output port that tables call `P<n>`.
pub(crate) fn port(n: u128) -> OutputPortId {
    OutputPortId(Uuid::from_u128(0xB000 + n))
}

/// The tech asset that tables call `A<n>`.
pub(crate) fn asset(n: u128) -> TechAssetId {
    TechAssetId(Uuid::from_u128(0xA000 + n))
}

/// The consumer that tables call `C<n>`.
pub(crate) fn consumer(n: u128) -> ConsumerId {
    ConsumerId(Uuid::from_u128(0xC000 + n))
}

/// A and B stand behind P1, C behind P2, D behind both; the view V and the quoted name behind P3.
pub(crate) fn mapping() -> AttributionBuilder {
    Attribution::builder()
        .object("db.s.a", asset(1))
        .object("db.s.b", asset(2))
        .object("db.s.c", asset(3))
        .object("db.s.d", asset(4))
        .object("db.s.v", asset(5))
        .object("mkt_db.out.\"Campaign.Daily\"", asset(6))
        .tech_asset(asset(1), [port(1)])
        .tech_asset(asset(2), [port(1)])
        .tech_asset(asset(3), [port(2)])
        .tech_asset(asset(4), [port(1), port(2)])
        .tech_asset(asset(5), [port(3)])
        .tech_asset(asset(6), [port(3)])
        .user("ana", consumer(1))
        .user("bob", consumer(2))
        .user("\"jane.doe@x.org\"", consumer(2))
        .role("reader", consumer(3))
        .role("etl", consumer(2))
}

/// A statement by ANA over tables.
pub(crate) fn read(query_id: &str, start: &str, tables: &[&str]) -> Record {
    let start = DateTime::parse_from_rfc3339(start).unwrap().to_utc();
    let mut record = Record::new(query_id, start);
    record.user_name = Some("ANA".into());
    record.direct_objects_accessed = tables.iter().map(|name| AccessedObject::new("Table", *name)).collect();
    record.base_objects_accessed = record.direct_objects_accessed.clone();
    record
}

fn by(user: Option<&str>, role: Option<&str>, record: Record) -> Record {
    let mut record = record;
    record.user_name = user.map(Into::into);
    record.role_name = role.map(Into::into);
    record
}

fn called_by(root: &str, record: Record) -> Record {
    let mut record = record;
    record.parent_query_id = Some(root.into());
    record.root_query_id = Some(root.into());
    record
}

fn ended(status: &str, record: Record) -> Record {
    let mut record = record;
    record.execution_status = Some(status.into());
    record
}

fn of_domain(domain: Option<&str>, record: Record) -> Record {
    let mut record = record;
    for object in record.direct_objects_accessed.iter_mut().chain(&mut record.base_objects_accessed) {
        object.object_domain = domain.map(Into::into);
    }
    record
}

fn over_base(tables: &[&str], record: Record) -> Record {
    let mut record = record;
    record.base_objects_accessed = tables.iter().map(|name| AccessedObject::new("Table", *name)).collect();
    record
}

fn days(from: &str, until: &str) -> Range<NaiveDate> {
    from.parse().unwrap()..until.parse().unwrap()
}

fn case(name: &'static str, mapping: AttributionBuilder, records: Vec<Record>) -> Case {
    Case {
        name,
        attribution: mapping.build().unwrap(),
        days: days("2026-03-10", "2026-03-11"),
        records,
        iceberg_events: IcebergEvents::Every,
        queries: &[],
        touches: &[],
        combinations: &[],
    }
}

/// Every case.
pub(crate) fn cases() -> Vec<Case> {
    [counting(), procedures(), principals(), objects(), clocks::cases(), sets::cases(), iceberg::cases()]
        .into_iter()
        .flatten()
        .collect()
}

const NINE: &str = "2026-03-10T09:00:00Z";

fn counting() -> Vec<Case> {
    vec![
        Case {
            queries: &["2026-03-10 P1 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 1", "2026-03-10 P1 A2 C1 1"],
            ..case(
                "a join of two tables of one output port is one query and two touches",
                mapping(),
                vec![read("q1", NINE, &["DB.S.A", "DB.S.B"])],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 1"],
            ..case(
                "a self join that is listed twice is one touch",
                mapping(),
                vec![read("q1", NINE, &["DB.S.A", "DB.S.A"])],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 1", "2026-03-10 P2 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 1", "2026-03-10 P2 A3 C1 1"],
            combinations: &["2026-03-10 P1 P2 C1 1"],
            ..case(
                "a query over two output ports counts for both and combines them",
                mapping(),
                vec![read("q1", NINE, &["DB.S.C", "DB.S.A"])],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 1", "2026-03-10 P2 C1 1"],
            touches: &["2026-03-10 P1 A4 C1 1", "2026-03-10 P2 A4 C1 1"],
            ..case(
                "one asset behind two output ports does not combine them",
                mapping(),
                vec![read("q1", NINE, &["DB.S.D"])],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 2", "2026-03-10 P2 C1 2"],
            touches: &["2026-03-10 P1 A1 C1 1", "2026-03-10 P1 A4 C1 2", "2026-03-10 P2 A4 C1 2"],
            combinations: &["2026-03-10 P1 P2 C1 1"],
            ..case(
                "a second asset combines the two output ports of a shared one",
                mapping(),
                vec![read("q1", NINE, &["DB.S.D", "DB.S.A"]), read("q2", NINE, &["DB.S.D"])],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 2"],
            touches: &["2026-03-10 P1 A1 C1 2"],
            ..case(
                "the same query id twice is one query",
                mapping(),
                vec![
                    read("q1", NINE, &["DB.S.A"]),
                    read("q2", NINE, &["DB.S.A"]),
                    read("q1", NINE, &["DB.S.A"]),
                ],
            )
        },
        Case {
            queries: &["2026-03-10 P2 C1 2", "2026-03-10 P2 C3 1"],
            touches: &["2026-03-10 P2 A3 C1 1", "2026-03-10 P2 A3 C3 1", "2026-03-10 P2 A4 C1 1"],
            ..case(
                "a producer's own reads are left out, those of other output ports are not",
                mapping().producer(port(1), consumer(1)).producer(port(2), consumer(2)),
                vec![
                    read("q1", NINE, &["DB.S.A"]),
                    read("q2", NINE, &["DB.S.A", "DB.S.C"]),
                    read("q3", NINE, &["DB.S.D"]),
                    by(Some("BOB"), None, read("q4", NINE, &["DB.S.C"])),
                    by(None, Some("READER"), read("q5", NINE, &["DB.S.C"])),
                ],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 3"],
            touches: &["2026-03-10 P1 A1 C1 3"],
            ..case(
                "only successful statements count, an empty status says nothing",
                mapping(),
                vec![
                    ended("SUCCESS", read("q1", NINE, &["DB.S.A"])),
                    ended("success", read("q2", NINE, &["DB.S.A"])),
                    ended("FAIL", read("q3", NINE, &["DB.S.A"])),
                    ended("", read("q4", NINE, &["DB.S.A"])),
                ],
            )
        },
    ]
}

/// A call whose statements read A and B before midnight, and A and C after it.
fn procedure() -> Vec<Record> {
    vec![
        of_domain(Some("Procedure"), read("call", "2026-03-10T23:59:00Z", &["DB.S.A"])),
        called_by("call", read("s1", "2026-03-10T23:59:30Z", &["DB.S.A"])),
        called_by("call", read("s2", "2026-03-10T23:59:40Z", &["DB.S.B"])),
        called_by("call", read("s3", "2026-03-11T00:00:10Z", &["DB.S.A"])),
        called_by("call", read("s4", "2026-03-11T00:00:20Z", &["DB.S.C"])),
    ]
}

fn procedures() -> Vec<Case> {
    vec![
        Case {
            days: days("2026-03-10", "2026-03-12"),
            queries: &["2026-03-10 P1 C1 2", "2026-03-11 P1 C1 1", "2026-03-11 P2 C1 1"],
            touches: &[
                "2026-03-10 P1 A1 C1 1",
                "2026-03-10 P1 A2 C1 1",
                "2026-03-11 P1 A1 C1 1",
                "2026-03-11 P2 A3 C1 1",
            ],
            ..case("the statements of a procedure count one by one", mapping(), procedure())
        },
        Case {
            days: days("2026-03-10", "2026-03-12"),
            queries: &["2026-03-10 P1 C1 1", "2026-03-11 P1 C1 1", "2026-03-11 P2 C1 1"],
            touches: &[
                "2026-03-10 P1 A1 C1 1",
                "2026-03-10 P1 A2 C1 1",
                "2026-03-11 P1 A1 C1 1",
                "2026-03-11 P2 A3 C1 1",
            ],
            combinations: &["2026-03-11 P1 P2 C1 1"],
            ..case(
                "a procedure's call counts once on each day and output port that it reached",
                mapping().counted_unit(CountedUnit::RootQuery),
                procedure(),
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 3"],
            touches: &["2026-03-10 P1 A1 C1 3"],
            ..case(
                "an empty root query is none",
                mapping().counted_unit(CountedUnit::RootQuery),
                vec![
                    called_by("", read("q1", NINE, &["DB.S.A"])),
                    called_by("", read("q2", NINE, &["DB.S.A"])),
                    called_by("q3", read("q3", NINE, &["DB.S.A"])),
                    called_by("q3", read("q4", NINE, &["DB.S.A"])),
                ],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 1", "2026-03-10 P1 C3 1"],
            touches: &["2026-03-10 P1 A1 C1 1", "2026-03-10 P1 A1 C3 1"],
            ..case(
                "a procedure's call counts for each consumer that its statements ran as",
                mapping().counted_unit(CountedUnit::RootQuery),
                vec![
                    read("call", NINE, &["DB.S.A"]),
                    called_by("call", by(Some("OWNER"), Some("READER"), read("s1", NINE, &["DB.S.A"]))),
                ],
            )
        },
    ]
}

fn principals() -> Vec<Case> {
    vec![
        Case {
            queries: &["2026-03-10 P1 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 1"],
            ..case(
                "unmapped and excluded users are left out",
                mapping().exclude_user("bob").exclude_user("\"scan.ner\""),
                vec![
                    read("q1", NINE, &["DB.S.A"]),
                    by(Some("BOB"), None, read("q2", NINE, &["DB.S.A"])),
                    by(Some("scan.ner"), Some("READER"), read("q3", NINE, &["DB.S.A"])),
                    by(Some("EVE"), Some("PUBLIC"), read("q4", NINE, &["DB.S.A"])),
                    by(Some("ana"), None, read("q5", NINE, &["DB.S.A"])),
                    by(None, None, read("q6", NINE, &["DB.S.A"])),
                ],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 1", "2026-03-10 P1 C2 2", "2026-03-10 P1 C3 2"],
            touches: &["2026-03-10 P1 A1 C1 1", "2026-03-10 P1 A1 C2 2", "2026-03-10 P1 A1 C3 2"],
            ..case(
                "a user's consumer goes before the role's",
                mapping().exclude_user("somebody"),
                vec![
                    by(Some("ANA"), Some("READER"), read("q1", NINE, &["DB.S.A"])),
                    by(Some("ZED"), Some("READER"), read("q2", NINE, &["DB.S.A"])),
                    by(Some("SYSTEM"), Some("ETL"), read("q3", NINE, &["DB.S.A"])),
                    by(None, Some("READER"), read("q4", NINE, &["DB.S.A"])),
                    by(Some("jane.doe@x.org"), None, read("q5", NINE, &["DB.S.A"])),
                    // a user named like a role, and a role named like a user
                    by(Some("READER"), Some("ANA"), read("q6", NINE, &["DB.S.A"])),
                ],
            )
        },
    ]
}

fn objects() -> Vec<Case> {
    let views = || {
        vec![
            of_domain(Some("View"), over_base(&["DB.S.A"], read("q1", NINE, &["DB.S.V"]))),
            over_base(&["DB.S.UNMAPPED"], of_domain(Some("View"), read("q2", NINE, &["DB.S.V"]))),
        ]
    };
    let mut base = views();
    base[0].base_objects_accessed[0].object_domain = Some("Table".into());
    let mut nameless = read("q1", NINE, &["DB.S.A", "DB.S.B"]);
    nameless.direct_objects_accessed[1].object_name = None;
    vec![
        Case {
            queries: &["2026-03-10 P3 C1 2"],
            touches: &["2026-03-10 P3 A5 C1 2"],
            ..case("a view counts as the view", mapping(), views())
        },
        Case {
            queries: &["2026-03-10 P1 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 1"],
            ..case(
                "with base objects a view counts as its tables",
                mapping().accessed_objects(AccessedObjects::Base),
                base,
            )
        },
        Case {
            queries: &["2026-03-10 P3 C1 1"],
            touches: &["2026-03-10 P3 A6 C1 1"],
            ..case(
                "a quoted name with dots matches as it is printed",
                mapping(),
                vec![
                    read("q1", NINE, &["MKT_DB.OUT.\"Campaign.Daily\""]),
                    read("q2", NINE, &["MKT_DB.OUT.\"campaign.daily\""]),
                    read("q3", NINE, &["MKT_DB.OUT.Campaign.Daily"]),
                    read("q4", NINE, &["db.s.a"]),
                ],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 1"],
            ..case(
                "a missing or truncated name is not counted",
                mapping(),
                vec![nameless, read("q2", NINE, &["TRUNCATED"]), read("q3", NINE, &[])],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 4"],
            touches: &["2026-03-10 P1 A1 C1 4"],
            ..case(
                "a stage with a table's name is not the table",
                mapping(),
                vec![
                    of_domain(Some("Stage"), read("q1", NINE, &["DB.S.A"])),
                    of_domain(Some("FUNCTION"), read("q2", NINE, &["DB.S.A"])),
                    of_domain(None, read("q3", NINE, &["DB.S.A"])),
                    of_domain(Some("TABLE"), read("q4", NINE, &["DB.S.A"])),
                    of_domain(Some("Materialized view"), read("q5", NINE, &["DB.S.A"])),
                    of_domain(Some("dynamic table"), read("q6", NINE, &["DB.S.A"])),
                    of_domain(Some("Stream"), read("q7", NINE, &["DB.S.A"])),
                    of_domain(Some("Truncated"), read("q8", NINE, &["DB.S.A"])),
                ],
            )
        },
        Case {
            queries: &["2026-03-10 P1 C1 1"],
            touches: &["2026-03-10 P1 A1 C1 1"],
            ..case(
                "the domains that count can be chosen",
                mapping().object_domains(["stage"]),
                vec![of_domain(Some("Stage"), read("q1", NINE, &["DB.S.A"])), read("q2", NINE, &["DB.S.A"])],
            )
        },
    ]
}
