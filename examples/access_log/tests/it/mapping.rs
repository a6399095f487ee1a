//! A mapping that a person wrote, and what is said about its mistakes.

use access_log::{EventsCounted, Mapping, ObjectsRead, SetsCounted, UnitCounted};

const GOOD: &str = r#"{
  "time_zone": "Europe/Brussels",
  "domains": [{ "id": "00000000-0000-0000-0000-0000000000d1", "name": "Sales" }],
  "output_ports": [
    { "id": "00000000-0000-0000-0000-0000000000a1", "name": "Orders" },
    { "id": "00000000-0000-0000-0000-0000000000a2", "name": "Prices",
      "producer": "00000000-0000-0000-0000-0000000000c1" }
  ],
  "tech_assets": [
    { "id": "00000000-0000-0000-0000-0000000000b1", "name": "Order lines", "object": "SALES_DB.OUT.ORDER_LINE",
      "output_ports": ["00000000-0000-0000-0000-0000000000a1", "00000000-0000-0000-0000-0000000000a2"] }
  ],
  "consumers": [
    { "id": "00000000-0000-0000-0000-0000000000c1", "name": "Cockpit",
      "domain": "00000000-0000-0000-0000-0000000000d1", "users": ["ANNA"], "roles": ["SALES"] }
  ]
}"#;

#[test]
fn a_mapping_without_the_optional_entries_is_read_with_their_defaults() {
    let mapping =
        Mapping::read(GOOD.replace("  \"time_zone\": \"Europe/Brussels\",\n", "").as_bytes()).unwrap();
    assert_eq!(mapping.time_zone.name(), "UTC");
    assert_eq!((mapping.objects, mapping.unit), (ObjectsRead::Direct, UnitCounted::Statement));
    assert_eq!(mapping.excluded_users, Vec::<String>::new());
    assert_eq!(mapping.tech_assets[0].output_ports[1], mapping.output_ports[1].id);
    assert_eq!(mapping.output_ports[1].producer, Some(mapping.consumers[0].id));
}

#[test]
fn every_mistake_is_reported_with_its_entry() {
    let mistakes = [
        // What is replaced, by what, and the whole message.
        (
            "0000a2\"]",
            "0000a3\"]",
            "tech_assets[0].output_ports[1]: no output port has the id 00000000-0000-0000-0000-0000000000a3",
        ),
        (
            "\"producer\": \"00000000-0000-0000-0000-0000000000c1\"",
            "\"producer\": \"00000000-0000-0000-0000-0000000000c2\"",
            "output_ports[1].producer: no consumer has the id 00000000-0000-0000-0000-0000000000c2",
        ),
        (
            "\"domain\": \"00000000-0000-0000-0000-0000000000d1\"",
            "\"domain\": \"00000000-0000-0000-0000-0000000000d2\"",
            "consumers[0].domain: no domain has the id 00000000-0000-0000-0000-0000000000d2",
        ),
        (
            "0000a2\", \"name\"",
            "0000a1\", \"name\"",
            "output_ports[1]: repeats the id 00000000-0000-0000-0000-0000000000a1 of output_ports[0]",
        ),
        ("\"Cockpit\"", "\" \"", "consumers[0].name: empty"),
        ("\"SALES_DB.OUT.ORDER_LINE\"", "\"\"", "tech_assets[0].object: empty"),
        ("[\"ANNA\"]", "[\"ANNA\", \"\"]", "consumers[0].users[1]: empty"),
        (
            "\"users\": [\"ANNA\"], \"roles\": [\"SALES\"]",
            "\"users\": []",
            "consumers[0]: has neither users nor roles",
        ),
        (
            "[\"00000000-0000-0000-0000-0000000000a1\", \"00000000-0000-0000-0000-0000000000a2\"]",
            "[]",
            "tech_assets[0].output_ports: lists none, at least one is needed",
        ),
        (
            "Europe/Brussels",
            "Europe/Brusels",
            "time_zone: invalid value: string \"Europe/Brusels\", expected the IANA name of a time zone, such as \
             Europe/Brussels at line 2 column 31",
        ),
        (
            "\"object\":",
            "\"objekt\":",
            "tech_assets[0].objekt: unknown field `objekt`, expected one of `id`, `name`, `object`, `objects`, \
             `output_ports` at line 10 column 84",
        ),
        (
            "0000b1\"",
            "0000b\"",
            "tech_assets[0].id: UUID parsing failed: invalid group length in group 4: expected 12, found 11 \
             at line 10 column 49",
        ),
        ("\"name\": \"Cockpit\",", "", "consumers[0]: missing field `name` at line 15 column 95"),
        (
            "\"time_zone\"",
            "\"unit\": \"query\", \"time_zone\"",
            "unit: unknown variant `query`, expected `statement` or `root_query` at line 2 column 17",
        ),
    ];
    for (good, bad, message) in mistakes {
        assert_eq!(GOOD.matches(good).count(), 1, "{good}");
        let error = Mapping::read(GOOD.replace(good, bad).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn text_that_ends_early_or_goes_on_is_reported_with_its_line() {
    let message = |text: &str| Mapping::read(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(message(""), ".: EOF while parsing a value at line 1 column 0");
    assert_eq!(message(&format!("{GOOD}\n]")), ".: trailing characters at line 18 column 1");
    assert_eq!(message("7"), ".: invalid type: integer `7`, expected struct Mapping at line 1 column 1");
}

#[test]
fn a_tech_asset_is_one_name_or_a_list_of_them() {
    let with = |objects: &str| Mapping::read(GOOD.replace("\"SALES_DB.OUT.ORDER_LINE\"", objects).as_bytes());
    let objects = |objects: &str| with(objects).unwrap().tech_assets[0].objects.clone();
    assert_eq!(objects(r#""SALES_DB.OUT.*""#), ["SALES_DB.OUT.*"]);
    assert_eq!(objects(r#"["SALES_DB.OUT.OLD", "SALES_DB.*"]"#), ["SALES_DB.OUT.OLD", "SALES_DB.*"]);
    let plural = GOOD.replace("\"object\"", "\"objects\"");
    assert_eq!(Mapping::read(plural.as_bytes()).unwrap(), Mapping::read(GOOD.as_bytes()).unwrap());
    for (wrong, message) in [
        ("[]", "tech_assets[0].object: lists none, at least one is needed"),
        (r#"["A.B.C", " "]"#, "tech_assets[0].object[1]: empty"),
        (
            "7",
            "tech_assets[0].object: invalid type: integer `7`, expected a name, or a list of names \
             at line 10 column 87",
        ),
        (
            "[7]",
            "tech_assets[0].object[0]: invalid type: integer `7`, expected a string at line 10 column 88",
        ),
    ] {
        assert_eq!(with(wrong).unwrap_err().to_string(), message);
    }
    for written in [r#""A.B.*""#, r#"["A.B.C","A.*"]"#] {
        let mapping = with(written).unwrap();
        let json = serde_json::to_string(&mapping).unwrap();
        assert!(json.contains(&format!("\"object\":{written}")), "{json}");
        assert_eq!(Mapping::read(json.as_bytes()).unwrap(), mapping);
    }
}

#[test]
fn overlapping_sets_events_and_domains_can_be_chosen() {
    let mapping = Mapping::read(GOOD.as_bytes()).unwrap();
    assert_eq!((mapping.overlapping_sets, mapping.object_domains), (SetsCounted::CountAll, None));
    assert_eq!(mapping.iceberg_events, EventsCounted::Every);
    let chosen = r#"{ "overlapping_sets": "most_specific", "iceberg_events": "table_loads", "object_domains": ["TABLE", "STREAM"],"#;
    let mapping = Mapping::read(GOOD.replacen('{', chosen, 1).as_bytes()).unwrap();
    assert_eq!(mapping.overlapping_sets, SetsCounted::MostSpecific);
    assert_eq!(mapping.iceberg_events, EventsCounted::TableLoads);
    assert_eq!(mapping.object_domains.unwrap(), ["TABLE", "STREAM"]);
    for (wrong, message) in
        [("[]", ": lists none, at least one is needed"), (r#"["TABLE", ""]"#, "[1]: empty")]
    {
        let chosen = GOOD.replacen('{', &format!("{{ \"object_domains\": {wrong},"), 1);
        let error = Mapping::read(chosen.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("object_domains{message}"));
    }
}

#[test]
fn no_mistake_reaches_a_terminal_as_an_order() {
    let hostile = "\\u001b]0;title\\u0007\\u009b31m\\u202e\\r\\n";
    for (good, bad) in [
        ("\"object\":", format!("\"{hostile}\":")),
        ("\"time_zone\":", format!("\"{hostile}\": 1, \"time_zone\":")),
        ("\"time_zone\":", format!("\"unit\": \"{hostile}\", \"time_zone\":")),
        ("\"time_zone\":", format!("\"objects\": \"{hostile}\", \"time_zone\":")),
        ("\"time_zone\": \"Europe/Brussels\"", format!("\"time_zone\": \"{hostile}\"")),
        ("\"00000000-0000-0000-0000-0000000000d1\", \"name\"", format!("\"{hostile}\", \"name\"")),
        ("\"object\":", format!("\"{}\":", "long".repeat(1 << 18))),
    ] {
        let text = GOOD.replacen(good, &bad, 1);
        assert_ne!(text, GOOD, "{good}");
        let message = Mapping::read(text.as_bytes()).unwrap_err().to_string();
        assert!(!message.chars().any(|char| char.is_control() || char == '\u{202e}'), "{message:?}");
        assert!(message.chars().count() < 1_100, "a message stays short");
    }
}
