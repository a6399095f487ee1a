//! A log's lines: `ACCESS_HISTORY` joined to `QUERY_HISTORY`, one JSON object each.

use std::io::{self, Write};

use chrono::SecondsFormat;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::events::Event;
use crate::portal::{Object, Portal};

#[derive(Serialize)]
struct Line<'a> {
    query_id: Uuid,
    parent_query_id: Option<Uuid>,
    root_query_id: Option<Uuid>,
    query_start_time: String,
    user_name: &'a str,
    role_name: &'a str,
    execution_status: &'static str,
    direct_objects_accessed: Vec<Accessed<'a>>,
    base_objects_accessed: Vec<Accessed<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accessed<'a> {
    object_domain: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "columns")]
    columns: &'static [&'static str],
}

fn columns<S: Serializer>(columns: &&'static [&'static str], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Column {
        column_name: &'static str,
    }
    serializer.collect_seq(columns.iter().map(|column_name| Column { column_name }))
}

/// Writes rows as newline-delimited JSON and returns how many.
///
/// # Errors
///
/// Whatever the writer says.
pub fn write_log(
    portal: &Portal,
    events: impl IntoIterator<Item = Event>,
    mut writer: impl Write,
) -> io::Result<u64> {
    let mut rows = 0;
    for event in events {
        serde_json::to_writer(&mut writer, &line(portal, &event))?;
        writer.write_all(b"\n")?;
        rows += 1;
    }
    Ok(rows)
}

fn line<'a>(portal: &'a Portal, event: &Event) -> Line<'a> {
    let actor = &portal.actors()[event.actor as usize];
    let objects = portal.objects();
    let direct = event.objects.iter().map(|object| &objects[*object as usize]);
    let base = direct.clone().flat_map(|object| match object.base.as_slice() {
        [] => vec![object],
        base => base.iter().map(|table| &objects[*table as usize]).collect(),
    });
    Line {
        query_id: Event::query_id(event.query),
        parent_query_id: event.parent.map(Event::query_id),
        root_query_id: event.root.map(Event::query_id),
        query_start_time: event.start.to_rfc3339_opts(SecondsFormat::Millis, false),
        user_name: &actor.user,
        role_name: &actor.role,
        execution_status: "SUCCESS",
        direct_objects_accessed: direct.map(accessed).collect(),
        base_objects_accessed: base.map(accessed).collect(),
    }
}

fn accessed(object: &Object) -> Accessed<'_> {
    Accessed {
        object_domain: object.domain,
        object_id: object.id,
        object_name: object.name.as_deref(),
        columns: object.columns,
    }
}
