//! The OpenAPI document says what the API does. (CI also has a validator read it: `.ci/openapi`.)

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::{ORDER_TABLE, ORDERS, SALES, World};

/// Every `$ref` in a document.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(array) => array.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    let document = World::new().await.json("/api/openapi.json").await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        let target = document.pointer(reference.strip_prefix('#').unwrap());
        assert!(target.is_some(), "{reference} leads nowhere");
    }
}

#[tokio::test]
async fn every_path_of_the_document_answers() {
    let world = World::new().await;
    let document = world.json("/api/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 33);
    for (path, item) in paths {
        let id = match path.split('/').nth(2) {
            Some("output-ports") => ORDERS.0,
            Some("tech-assets") => ORDER_TABLE.0,
            _ => SALES.0,
        };
        let answer = world.json(&path.replace("{id}", &id.to_string())).await;
        // the names of its parts are in the schema that the document gives it
        let schema = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        let reference = schema["$ref"].as_str().unwrap_or("array").rsplit('/').next().unwrap();
        let expected = match reference {
            "array" => return assert!(answer.is_array(), "{path}"),
            "Named" => "label",
            "About" => "today",
            "PortDays" => "gaps",
            chart if chart.starts_with("Compared_") || chart.starts_with("Answer_") => "rows",
            other => panic!("{path}: {other}"),
        };
        assert!(answer.get(expected).is_some(), "{path}: {answer}");
    }
}
