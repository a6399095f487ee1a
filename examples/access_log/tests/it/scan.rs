//! A log read again from its text, with nothing of the generator's but the mapping.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use access_log::{Mapping, Portal, Shape, write_log};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;

/// A log's lines with its mapping turned round.
pub(crate) struct Scan {
    pub(crate) rows: Vec<Row>,
    pub(crate) mapping: Mapping,
    /// Object name → places of its output ports.
    ports: BTreeMap<String, BTreeSet<usize>>,
}

pub(crate) struct Row {
    pub(crate) value: Value,
    pub(crate) start: DateTime<Utc>,
}

impl Row {
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.value[key].as_str()
    }

    pub(crate) fn direct(&self) -> impl Iterator<Item = &Value> {
        self.value["direct_objects_accessed"].as_array().expect("an array").iter()
    }

    pub(crate) fn has(&self, key: &str, wanted: impl Fn(&str) -> bool) -> bool {
        self.direct().any(|object| object[key].as_str().is_some_and(&wanted))
    }
}

impl Scan {
    /// The log of the default shape, made once.
    pub(crate) fn of_default() -> &'static Self {
        static DEFAULT: LazyLock<Scan> = LazyLock::new(|| Scan::of(Shape::default()));
        &DEFAULT
    }

    pub(crate) fn of(shape: Shape) -> Self {
        let portal = Portal::new(shape).expect("a good shape");
        let mut text = Vec::new();
        write_log(&portal, portal.events(), &mut text).expect("memory takes everything");
        let rows = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| {
                let value: Value = serde_json::from_slice(line).expect("JSON");
                let start = value["query_start_time"].as_str().expect("a text").parse().expect("RFC 3339");
                Row { value, start }
            })
            .collect();
        let mapping = portal.mapping().clone();
        let place = |id| mapping.output_ports.iter().position(|port| port.id == id).expect("known");
        let ports = mapping
            .tech_assets
            .iter()
            .map(|asset| (asset.objects[0].clone(), asset.output_ports.iter().map(|id| place(*id)).collect()))
            .collect();
        Self { rows, mapping, ports }
    }

    /// The output ports of each table or view that a row names, once for each time that it names it.
    pub(crate) fn ports<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = (&'a str, &'a BTreeSet<usize>)> {
        row.direct().filter(|object| object["objectDomain"] != "Stage").filter_map(|object| {
            let name = object["objectName"].as_str()?;
            Some((name, self.ports.get(name)?))
        })
    }

    /// The place of a row's consumer: by its user, else by its role.
    pub(crate) fn consumer(&self, row: &Row) -> Option<usize> {
        self.by_user(row).or_else(|| self.by_role(row))
    }

    pub(crate) fn by_user(&self, row: &Row) -> Option<usize> {
        let user = row.text("user_name")?;
        self.mapping.consumers.iter().position(|consumer| consumer.users.iter().any(|known| known == user))
    }

    pub(crate) fn by_role(&self, row: &Row) -> Option<usize> {
        let role = row.text("role_name")?;
        self.mapping.consumers.iter().position(|consumer| consumer.roles.iter().any(|known| known == role))
    }

    pub(crate) fn local(&self, row: &Row) -> NaiveDateTime {
        self.mapping.time_zone.local(row.start)
    }
}
