//! Names of Snowflake's objects and principals, time zones and domains.

use chrono::NaiveDate;
use output_port_usage::query_log::{self, AccessedObject, Record};
use output_port_usage::{
    AccessedObjects, Attribution, AttributionBuilder, ConsumerId, CountedUnit, Error, OutputPortId,
    OverlappingSets, TechAssetId,
};
use uuid::Uuid;

use crate::text::{assert_names_one, assert_printable};
use crate::{attribution, text};

/// Each line is a letter for what is named, and its name; together and one by one they are attributions.
pub fn names(data: &[u8]) {
    let lines = text::lines(data);
    let named: Vec<(char, &str)> = lines
        .iter()
        .filter_map(|line| line.chars().next().map(|kind| (kind, &line[kind.len_utf8()..])))
        .take(64)
        .collect();
    let mut all = Attribution::builder();
    for (&(kind, name), place) in named.iter().zip(0..) {
        all = put(all, kind, name, place % 3);
        one(kind, name);
    }
    let texts: Vec<String> = named.iter().map(|(_, name)| (*name).to_owned()).collect();
    match all.build() {
        Ok(attribution) => attribution::check(&attribution, &texts),
        Err(error) => check_refusal(&error, &texts),
    }
}

/// Puts a name where its letter says; the place decides to what it belongs.
fn put(builder: AttributionBuilder, kind: char, name: &str, place: u128) -> AttributionBuilder {
    let (port, asset) = (OutputPortId(Uuid::from_u128(place)), TechAssetId(Uuid::from_u128(place)));
    let consumer = ConsumerId(Uuid::from_u128(7));
    match kind {
        'o' => builder.object(name, asset).tech_asset(asset, [port]),
        's' => builder.schema(name, asset).tech_asset(asset, [port]),
        'd' => builder.database(name, asset).tech_asset(asset, [port]),
        '*' => builder.objects(name, asset).tech_asset(asset, [port]),
        'u' => builder.user(name, consumer),
        'r' => builder.role(name, consumer),
        'x' => builder.exclude_user(name),
        'z' => builder.time_zone(name),
        'k' => builder.object_domains([name]),
        'Z' => builder.time_zone_rules(name),
        'm' => builder.overlapping_sets(OverlappingSets::MostSpecific),
        'b' => builder.accessed_objects(AccessedObjects::Base).counted_unit(CountedUnit::RootQuery),
        _ => builder,
    }
}

/// A name by itself: it is one where the grammar says so, and then counts what bears it.
fn one(kind: char, name: &str) {
    let parts = parts(name);
    let count = parts.as_ref().map_or(0, Vec::len);
    let is_name = match kind {
        'o' => count == 3,
        's' => count == 2,
        'd' | 'u' | 'r' | 'x' => count == 1,
        '*' => match name.strip_suffix(".*").and_then(self::parts) {
            Some(before) => matches!(before.len(), 1 | 2),
            None => count == 3,
        },
        _ => return,
    };
    let mut builder = put(Attribution::builder(), kind, name, 1);
    if matches!(kind, 'u' | 'r' | 'x') {
        builder = put(builder, 'o', "db.s.t", 1);
    }
    if !matches!(kind, 'u' | 'r') {
        builder = put(builder, 'u', "\"the user\"", 1);
    }
    let attribution = match builder.build() {
        Ok(attribution) => attribution,
        Err(error) => {
            assert!(!is_name, "{name:?} is refused: {error}");
            return check_refusal(&error, &[name.to_owned()]);
        }
    };
    assert!(is_name, "{name:?} is taken for a name");

    let mut record = Record::new("q", "2026-03-10T12:00:00Z".parse().expect("a timestamp"));
    record.user_name = Some("the user".to_owned());
    let mut object = "DB.S.T".to_owned();
    match (kind, parts) {
        ('u' | 'x', Some(parts)) => record.user_name = Some(parts[0].clone()),
        ('r', Some(parts)) => record.role_name = Some(parts[0].clone()),
        ('*', None) => {
            let parts = name.strip_suffix(".*").and_then(self::parts).unwrap_or_default();
            object = inside(&parts);
        }
        (_, Some(parts)) => object = inside(&parts),
        (_, None) => unreachable!("only a set is written with a star"),
    }
    record.direct_objects_accessed = vec![AccessedObject::new("Table", object.as_str())];
    let day = NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day of the calendar");
    let batch = query_log::aggregate(&attribution, day..day.succ_opt().expect("a day follows"), [&record])
        .expect("a day is a scope");
    assert_eq!(batch.queries().len(), usize::from(kind != 'x'), "{kind} {name:?}: {record:?}");
}

fn check_refusal(error: &Error, texts: &[String]) {
    assert!(error.is_mapping(), "{error}");
    let message = error.to_string();
    assert_printable(&message);
    let is_of_a_whole = ["attribution", "tech asset", "consumer", "user \"", "role \"", "rules"]
        .iter()
        .any(|part| message.contains(part));
    if !is_of_a_whole {
        assert_names_one(error, texts);
    }
}

/// An object of such a name, or in a schema or database of it, as Snowflake prints it.
fn inside(parts: &[String]) -> String {
    let filling = ["S", "T"].iter().skip(parts.len().saturating_sub(1)).map(|part| (*part).to_owned());
    let parts: Vec<String> = parts.iter().map(|part| printed(part)).chain(filling).collect();
    parts.join(".")
}

fn printed(part: &str) -> String {
    let plain = part.char_indices().all(|(at, char)| match char {
        'A'..='Z' | '_' => true,
        '0'..='9' | '$' => at > 0,
        _ => false,
    });
    if plain { part.to_owned() } else { format!("\"{}\"", part.replace('"', "\"\"")) }
}

/// The parts of a name as Snowflake stores them, by its page "Identifier requirements"; `None` if it is no name.
fn parts(name: &str) -> Option<Vec<String>> {
    enum State {
        Start,
        Unquoted,
        Quoted,
        /// Behind a double quote inside quotes: it was the last, or stands for itself.
        Closed,
    }
    let (mut parts, mut part, mut state) = (Vec::new(), String::new(), State::Start);
    for char in name.chars() {
        state = match (state, char) {
            (State::Start, '"') => State::Quoted,
            (State::Start, 'a'..='z' | 'A'..='Z' | '_') => {
                part.push(char.to_ascii_uppercase());
                State::Unquoted
            }
            (State::Unquoted, 'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '$') => {
                part.push(char.to_ascii_uppercase());
                State::Unquoted
            }
            (State::Quoted, '"') => State::Closed,
            (State::Closed, '"') | (State::Quoted, _) => {
                part.push(char);
                State::Quoted
            }
            (State::Unquoted | State::Closed, '.') => {
                parts.push(std::mem::take(&mut part));
                State::Start
            }
            _ => return None,
        };
    }
    parts.push(part);
    let is_ended = matches!(state, State::Unquoted | State::Closed);
    let is_part = |part: &String| (1..=255).contains(&part.chars().count()) && !part.contains('\0');
    (is_ended && parts.iter().all(is_part)).then_some(parts)
}
