//! What an attribution accepts, and what it refuses by name.

use chrono::{DateTime, NaiveDate, Utc};
use output_port_usage::{
    AccessedObjects, Attribution, AttributionBuilder, ConsumerId, CountedUnit, Error, IcebergEvents,
    OutputPortId, OverlappingSets, Rules, TechAssetId,
};
use uuid::Uuid;

const PORT: OutputPortId = OutputPortId(Uuid::from_u128(1));
const ASSET: TechAssetId = TechAssetId(Uuid::from_u128(2));
const OTHER_ASSET: TechAssetId = TechAssetId(Uuid::from_u128(3));
const CONSUMER: ConsumerId = ConsumerId(Uuid::from_u128(4));
const OTHER_CONSUMER: ConsumerId = ConsumerId(Uuid::from_u128(5));

fn mapping() -> AttributionBuilder {
    Attribution::builder()
        .object("db.s.t", ASSET)
        .object("db.s.o", OTHER_ASSET)
        .tech_asset(ASSET, [PORT])
        .tech_asset(OTHER_ASSET, [PORT])
        .user("ana", CONSUMER)
        .role("reader", CONSUMER)
}

/// The fingerprint of a small mapping, put together by hand from what the documentation says: each text after its
/// length in 8 bytes, each id in 16, hashed by FNV-1a in 128 bits.
#[test]
fn the_fingerprint_of_the_rules_is_the_documented_hash() {
    let builder = Attribution::builder()
        .schema("sales.out", ASSET)
        .object("sales.ref.countries", ASSET)
        .tech_asset(ASSET, [PORT])
        .role("reader", CONSUMER)
        .user("ana", OTHER_CONSUMER)
        .exclude_user("etl")
        .producer(PORT, CONSUMER)
        .object_domains(["table", "view"])
        .time_zone("Europe/Brussels");
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    let mut write = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u128::from(*byte)).wrapping_mul((1 << 88) + 0x13b);
        }
    };
    let parts = "output-port-usage rules 1|direct|statement|time_zone|Europe/Brussels|object_domain|TABLE|\
        object_domain|VIEW|excluded_user|ETL|user|ANA|#5|role|READER|#4|count_all|producer|#4|\
        object|SALES.REF.COUNTRIES|#2|schema|SALES.OUT|#2";
    for part in parts.split('|') {
        match part.strip_prefix('#') {
            Some(id) => write(&id.parse::<u128>().unwrap().to_be_bytes()),
            None => {
                write(&(part.len() as u64).to_be_bytes());
                write(part.as_bytes());
            }
        }
    }
    assert_eq!(builder.build().unwrap().rules().of(PORT), Some(Uuid::from_u128(hash)));
}

#[test]
fn the_fingerprint_changes_with_every_rule_of_its_output_port_and_with_no_other() {
    let other = OutputPortId(Uuid::from_u128(9));
    let elsewhere = TechAssetId(Uuid::from_u128(10));
    let base = || mapping().tech_asset(elsewhere, [other]).object("db.s.elsewhere", elsewhere);
    let of = |builder: AttributionBuilder| builder.build().unwrap().rules().of(PORT).unwrap();
    let plain = of(base());
    let reordered = Attribution::builder()
        .role("READER", CONSUMER)
        .tech_asset(OTHER_ASSET, [PORT])
        .object("db.s.o", OTHER_ASSET)
        .tech_asset(elsewhere, [other])
        .object("db.s.elsewhere", elsewhere)
        .tech_asset(ASSET, [PORT])
        .object("DB.\"S\".t", ASSET)
        .user("ana", CONSUMER);
    assert_eq!(plain, of(reordered));
    assert_eq!(plain, of(base().object("db.s.more", elsewhere)), "an object of another output port");
    assert_eq!(plain, of(base().producer(other, CONSUMER)), "the producer of another output port");
    let changed = [
        of(base().object("db.s.more", ASSET)),
        of(base().schema("db.s", ASSET)),
        of(base().database("db", ASSET)),
        of(base().tech_asset(elsewhere, [PORT])),
        of(base().user("bob", CONSUMER)),
        of(base().role("bob", CONSUMER)),
        of(base().role("bob", OTHER_CONSUMER)),
        of(base().exclude_user("etl")),
        of(base().producer(PORT, CONSUMER)),
        of(base().time_zone("Europe/Brussels")),
        of(base().accessed_objects(AccessedObjects::Base)),
        of(base().counted_unit(CountedUnit::RootQuery)),
        of(base().iceberg_events(IcebergEvents::TableLoads)),
        of(base().object_domains(["TABLE"])),
        of(base().overlapping_sets(OverlappingSets::MostSpecific)),
    ];
    let distinct: std::collections::BTreeSet<Uuid> = changed.iter().copied().chain([plain]).collect();
    assert_eq!(distinct.len(), changed.len() + 1);
    // there, a set of another output port may take objects from this one's
    let most_specific = || base().overlapping_sets(OverlappingSets::MostSpecific);
    assert_ne!(of(most_specific()), of(most_specific().object("db.s.more", elsewhere)));
}

#[test]
fn rules_of_two_accounts_add_up_from_either_side() {
    let (one, two) =
        (mapping().build().unwrap().rules(), mapping().exclude_user("etl").build().unwrap().rules());
    assert_eq!(one.clone().merge(&two), two.clone().merge(&one));
    assert_ne!(one.clone().merge(&two), one);
    assert_eq!(one.merge(&Rules::default()).of(PORT), None);
}

fn refused(builder: AttributionBuilder) -> Error {
    builder.build().unwrap_err()
}

#[test]
fn sets_overlap_and_are_given_twice_as_one_likes() {
    let builder = mapping()
        .object("\"DB\".S.\"T\"", OTHER_ASSET)
        .schema("db.s", ASSET)
        .schema("DB.S", ASSET)
        .schema("db.s", OTHER_ASSET)
        .database("db", ASSET)
        .objects("db.s.t", ASSET)
        .objects("\"DB\".s.*", ASSET)
        .objects("db.*", OTHER_ASSET);
    let by_name = mapping()
        .object("db.s.t", OTHER_ASSET)
        .schema("db.s", ASSET)
        .schema("db.s", OTHER_ASSET)
        .database("db", ASSET)
        .database("db", OTHER_ASSET);
    assert_eq!(builder.build().unwrap(), by_name.build().unwrap());
}

#[test]
fn a_star_stands_alone_at_the_end() {
    for (builder, message) in [
        (mapping().objects("*", ASSET), "object name \"*\" has a * in it"),
        (mapping().objects("*.s.t", ASSET), "object name \"*.s.t\" has a * in it"),
        (mapping().objects("db.*.t", ASSET), "object name \"db.*.t\" has a * in it"),
        (mapping().objects("db.s.t*", ASSET), "object name \"db.s.t*\" has a * in it"),
        (mapping().objects("db.s.**", ASSET), "object name \"db.s.**\" has a * in it"),
        (mapping().objects("db.*.*", ASSET), "object name \"db.*.*\" has a * in it"),
        (mapping().object("db.s.*", ASSET), "object name \"db.s.*\" has a * in it"),
        (mapping().schema("db.*", ASSET), "schema name \"db.*\" has a * in it"),
        (mapping().database("*", ASSET), "database name \"*\" has a * in it"),
    ] {
        let error = refused(builder).to_string();
        let end = ": it stands alone at the end, for everything in a schema or database";
        assert_eq!(error, format!("{message}{end}"));
    }
    assert!(mapping().objects("db.s.\"*\"", ASSET).build().is_ok(), "in quotes it is a letter");
    for (builder, message) in [
        (
            mapping().objects("db.s", ASSET),
            "object name \"db.s\" is not of the form DATABASE.SCHEMA.NAME, DATABASE.SCHEMA.* or DATABASE.*",
        ),
        (
            mapping().objects("db.s.t.*", ASSET),
            "object name \"db.s.t.*\" is not of the form DATABASE.SCHEMA.NAME, DATABASE.SCHEMA.* or DATABASE.*",
        ),
        (mapping().schema("db", ASSET), "schema name \"db\" is not of the form DATABASE.SCHEMA"),
        (mapping().schema("db.s.t", ASSET), "schema name \"db.s.t\" is not of the form DATABASE.SCHEMA"),
        (mapping().database("db.s", ASSET), "database name \"db.s\" is not of the form DATABASE"),
    ] {
        assert_eq!(refused(builder).to_string(), message);
    }
}

#[test]
fn a_tech_asset_that_holds_nothing_is_refused() {
    let empty = TechAssetId(Uuid::from_u128(7));
    let error = refused(mapping().tech_asset(empty, [PORT]));
    assert!(error.is_mapping());
    assert_eq!(
        error.to_string(),
        format!(
            "tech asset {empty} holds nothing: give it an object, a schema or a database, or leave it out"
        )
    );
}

#[test]
fn a_principal_with_two_consumers_is_refused() {
    let user = refused(mapping().user("\"ANA\"", OTHER_CONSUMER));
    assert!(user.is_mapping());
    assert_eq!(
        user.to_string(),
        format!("user \"ANA\" is mapped to two consumers: {CONSUMER} and {OTHER_CONSUMER}")
    );
    let role = refused(mapping().role("Reader", OTHER_CONSUMER));
    assert!(role.is_mapping());
    assert!(role.to_string().starts_with("role \"READER\" is mapped to two consumers"));
}

#[test]
fn a_user_and_a_role_of_one_name_and_repeated_mappings_are_accepted() {
    let builder = mapping().role("ana", OTHER_CONSUMER).user("Ana", CONSUMER).object("DB.S.T", ASSET);
    assert!(builder.build().is_ok());
}

#[test]
fn an_empty_mapping_is_refused() {
    let no_objects = Attribution::builder().tech_asset(ASSET, [PORT]).user("ana", CONSUMER);
    let no_principals = Attribution::builder().object("db.s.t", ASSET).tech_asset(ASSET, [PORT]);
    let no_domains = mapping().object_domains(Vec::<String>::new());
    for (builder, what) in [
        (no_objects, "object, schema or database"),
        (no_principals, "user or role"),
        (no_domains, "object domain"),
    ] {
        let error = refused(builder);
        assert!(error.is_mapping());
        assert_eq!(error.to_string(), format!("an attribution needs at least one {what}"));
    }
}

#[test]
fn a_tech_asset_without_an_output_port_is_refused() {
    let unlisted = TechAssetId(Uuid::from_u128(9));
    for builder in [mapping().object("db.s.u", unlisted), mapping().tech_asset(unlisted, [])] {
        let error = refused(builder);
        assert!(error.is_mapping());
        assert_eq!(error.to_string(), format!("tech asset {unlisted} stands behind no output port"));
    }
}

#[test]
fn an_unknown_time_zone_is_refused() {
    for name in ["", "Europe/Atlantis", "+01:00", "utc'; drop table x", "europe/brussels"] {
        let error = refused(mapping().time_zone(name));
        assert!(error.is_mapping());
        assert_eq!(error.to_string(), format!("unknown time zone: {name:?}"));
    }
}

#[test]
fn an_abbreviation_of_a_time_zone_is_refused() {
    for name in ["EST", "CET", "PST8PDT"] {
        let error = refused(mapping().time_zone(name));
        assert!(error.is_mapping());
        assert_eq!(
            error.to_string(),
            format!(
                "time zone {name} is an abbreviation, which Snowflake may not take: name a place, such as \
                 Europe/Brussels"
            )
        );
    }
}

#[test]
fn rules_of_a_time_zone_are_current_and_may_be_handed_in() {
    let version = output_port_usage::time_zone_version();
    assert!(version >= "2026f", "{version}");
    let instant = "2026-12-10T07:30:00Z".parse().unwrap();
    let date = |builder: AttributionBuilder| builder.build().unwrap().usage_date(instant).to_string();
    let vancouver = || mapping().time_zone("America/Vancouver");
    assert_eq!(date(vancouver()), "2026-12-10", "British Columbia keeps the time of its summers since 2026");
    // a file of the database, version 1: eight hours behind UTC for ever
    let mut rules = b"TZif".to_vec();
    rules.extend([0; 16]);
    for count in [0_u32, 0, 0, 0, 1, 4] {
        rules.extend(count.to_be_bytes());
    }
    rules.extend((-8 * 3600_i32).to_be_bytes());
    rules.extend(b"\0\0PST\0");
    assert_eq!(date(vancouver().time_zone_rules(rules.clone())), "2026-12-09");

    for broken in [&b""[..], b"TZif", &rules[..50], b"America/Vancouver\x1b[31m"] {
        let error = refused(vancouver().time_zone_rules(broken));
        assert!(error.is_mapping());
        let message = error.to_string();
        assert!(message.starts_with("the rules of time zone \"America/Vancouver\" are none: "), "{message}");
        assert!(message.len() < 300 && !message.contains('\u{1b}'), "{message}");
    }
}

#[test]
fn texts_that_are_no_names_are_refused_by_what_they_name() {
    for (builder, message) in [
        (mapping().object("orders", ASSET), "object name \"orders\" is not of the form DATABASE.SCHEMA.NAME"),
        (mapping().user("", CONSUMER), "user name \"\" has an empty part"),
        (
            mapping().role("a b", CONSUMER),
            "role name \"a b\" holds a character that needs double quotes around the name",
        ),
        (
            mapping().exclude_user("jane@x.org"),
            "user name \"jane@x.org\" holds a character that needs double quotes around the name",
        ),
        (mapping().exclude_user("\"a\0\""), "user name \"\\\"a\\0\\\"\" holds a NUL"),
        (
            mapping().object_domains(["TABLE'"]),
            "object domain \"TABLE'\" is not made of letters, single spaces and underscores",
        ),
        (
            mapping().object_domains([""]),
            "object domain \"\" is not made of letters, single spaces and underscores",
        ),
    ] {
        let error = refused(builder);
        assert!(error.is_mapping());
        assert_eq!(error.to_string(), message);
    }
    let long = refused(mapping().user("a".repeat(1 << 20), CONSUMER));
    assert!(long.is_mapping());
    assert!(long.to_string().len() < 300, "a message carries only the start of a long text");
}

#[test]
fn hostile_names_in_quotes_are_names() {
    let hostile = "\"'); drop table x; -- \\ \n \u{202e} \u{1f600} \"\"\"";
    let builder = mapping().user(hostile, OTHER_CONSUMER).object(format!("db.s.{hostile}"), ASSET);
    assert!(builder.build().is_ok());
}

#[test]
fn every_output_port_of_a_tech_asset_is_measured() {
    let other = OutputPortId(Uuid::from_u128(8));
    let attribution = mapping().tech_asset(OTHER_ASSET, [other]).build().unwrap();
    assert_eq!(attribution.output_ports(), [PORT, other].into());
}

#[test]
fn the_usage_date_of_any_instant_is_a_date_in_every_time_zone() {
    for zone in ["UTC", "Pacific/Kiritimati", "Asia/Tokyo", "America/Los_Angeles", "Etc/GMT+12"] {
        let attribution = mapping().time_zone(zone).build().unwrap();
        assert_eq!(attribution.usage_date(DateTime::<Utc>::MAX_UTC), NaiveDate::MAX, "{zone}");
        assert_eq!(attribution.usage_date(DateTime::<Utc>::MIN_UTC), NaiveDate::MIN, "{zone}");
    }
}

#[test]
fn the_usage_date_follows_the_time_zone() {
    let instant = DateTime::from_timestamp(1_773_097_199, 0).unwrap(); // 2026-03-09 22:59:59 UTC
    let date = |zone| mapping().time_zone(zone).build().unwrap().usage_date(instant).to_string();
    assert_eq!(date("UTC"), "2026-03-09");
    assert_eq!(date("Europe/Brussels"), "2026-03-09");
    assert_eq!(date("Asia/Tokyo"), "2026-03-10");
}

#[test]
fn counting_external_engines_otherwise_changes_the_rules_of_every_output_port() {
    let builder = mapping();
    let every = builder.clone().iceberg_events(IcebergEvents::Every).build().unwrap();
    let loads = builder.clone().iceberg_events(IcebergEvents::TableLoads).build().unwrap();
    assert_eq!(builder.build().unwrap().rules(), every.rules());
    for port in every.output_ports() {
        assert_ne!(every.rules().of(port), loads.rules().of(port));
    }
}
