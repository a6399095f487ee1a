//! Ids, and the rest of what is read from JSON.

use std::collections::HashMap;
use std::fmt::Debug;
use std::str::FromStr;

use output_port_usage::chart::*;
use output_port_usage::*;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::corpus;

fn is_refused_as_an_id<I>(text: &str)
where
    I: FromStr<Err = Error> + DeserializeOwned + Debug + Eq + std::hash::Hash,
{
    let error = text.parse::<I>().unwrap_err().to_string();
    assert!(error.contains(" id is not a UUID: \"") && error.len() < 400, "{error}");
    let json = serde_json::to_string(text).unwrap();
    assert!(serde_json::from_str::<I>(&json).unwrap_err().to_string().len() < 400);
    let key = format!("{{{json}: 1}}");
    assert!(serde_json::from_str::<HashMap<I, u64>>(&key).unwrap_err().to_string().len() < 400);
}

#[test]
fn a_hostile_text_is_no_id() {
    for text in corpus() {
        is_refused_as_an_id::<OutputPortId>(&text);
        is_refused_as_an_id::<ConsumerId>(&text);
        is_refused_as_an_id::<TechAssetId>(&text);
        is_refused_as_an_id::<GroupId>(&text);
    }
}

#[test]
fn a_hostile_text_is_no_word_of_the_vocabulary() {
    fn refused<T: DeserializeOwned + Debug>(json: &str) {
        assert!(serde_json::from_str::<T>(json).is_err(), "{:.100}", json);
    }
    for text in corpus() {
        let json = serde_json::to_string(&text).unwrap();
        refused::<Granularity>(&json);
        refused::<Comparison>(&json);
        refused::<AccessedObjects>(&json);
        refused::<CountedUnit>(&json);
        refused::<Scope>(&format!(r#"{{"days":{{"start":{json},"end":"2026-01-02"}},"output_ports":[]}}"#));
        refused::<Scope>(&format!(
            r#"{{"days":{{"start":"2026-01-01","end":"2026-01-02"}},"output_ports":[{json}]}}"#
        ));
        refused::<QueriesOverTimePoint>(&format!(r#"{{"bucket":{json},"query_count":1,"partial":false}}"#));
        refused::<Member>(&format!(r#"{{"kind":{json},"members":1}}"#));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_an_id_or_an_error_that_shows_it(text in "\\PC{0,60}|[0-9a-fA-F-]{30,38}|\\{?[0-9a-f]{32}\\}?") {
        match text.parse::<OutputPortId>() {
            // the same digits, whatever their case and their punctuation
            Ok(id) => {
                let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
                prop_assert_eq!(id, OutputPortId(Uuid::from_u128(u128::from_str_radix(&digits, 16).unwrap())));
            }
            Err(error) => prop_assert!(error.to_string().contains("is not a UUID"), "{}", error),
        }
    }
}
