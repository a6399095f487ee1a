//! What of the mapping the portal does not know: found before anything is counted.

use std::collections::BTreeSet;

use access_log::Mapping;
use chrono::NaiveDate;
use output_port_usage::{
    ConsumerId, OutputPortId, OutputPortQueries, Role, Scope, Statement, TechAssetId, TechAssetTouches,
    UsageBatch, UsageModel,
};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Database, failed, unasked};
use crate::failure::Failure;

impl Database {
    /// The ids of the mapping that no parent table holds, where the model has foreign keys to it.
    pub(crate) async fn unknown(&self, mapping: &Mapping) -> Result<BTreeSet<Uuid>, Failure> {
        let statements = questions(&self.model, mapping)?;
        let mut connection = self.connect().await?;
        self.within(async {
            let mut transaction = self.begin(&mut connection).await?;
            let mut unknown = BTreeSet::new();
            for statement in statements {
                let rows = statement
                    .into_sqlx()
                    .fetch_all(&mut *transaction)
                    .await
                    .map_err(|error| self.denied(error, Role::Writer))?;
                for row in rows {
                    unknown.insert(row.try_get::<Uuid, _>(0).map_err(failed)?);
                }
            }
            transaction.commit().await.map_err(failed)?;
            Ok(unknown)
        })
        .await
    }
}

/// The statements by which an ingest of a batch with all of these ids would look for unknown ones.
fn questions(model: &UsageModel, mapping: &Mapping) -> Result<Vec<Statement>, Failure> {
    let date = NaiveDate::default();
    let ports: Vec<OutputPortId> = mapping.output_ports.iter().map(|port| OutputPortId(port.id)).collect();
    let consumers = mapping.consumers.iter().map(|consumer| ConsumerId(consumer.id));
    let Some(first) = consumers.clone().next() else { return Ok(Vec::new()) };
    let of_consumers = ports.iter().take(1).flat_map(|port| consumers.clone().map(|id| (*port, id)));
    let of_ports = ports.iter().skip(1).map(|port| (*port, first));
    let queries = of_consumers.chain(of_ports);
    let touches = mapping.tech_assets.iter().flat_map(|asset| {
        let of =
            |port: &Uuid| TechAssetTouches::new(date, OutputPortId(*port), TechAssetId(asset.id), first, 1);
        asset.output_ports.iter().map(of).collect::<Vec<_>>()
    });
    let scope = Scope::new(date..date + chrono::Days::new(1), ports.iter().copied()).map_err(unasked)?;
    let batch = UsageBatch::builder(scope)
        .queries(queries.map(|(port, consumer)| OutputPortQueries::new(date, port, consumer, 1)).collect())
        .touches(touches.collect())
        .build();
    let statements = model.upsert(&batch).map_err(unasked)?.statements();
    Ok(statements.into_iter().filter(|statement| statement.title().starts_with("find unknown ")).collect())
}

/// The mapping without these ids, and what follows from that.
pub(crate) fn without(mapping: &Mapping, ids: &BTreeSet<Uuid>) -> Mapping {
    let mut mapping = mapping.clone();
    mapping.output_ports.retain(|port| !ids.contains(&port.id));
    mapping.consumers.retain(|consumer| !ids.contains(&consumer.id));
    for port in &mut mapping.output_ports {
        port.producer = port.producer.filter(|producer| !ids.contains(producer));
    }
    for asset in &mut mapping.tech_assets {
        asset.output_ports.retain(|port| !ids.contains(port));
    }
    mapping.tech_assets.retain(|asset| !ids.contains(&asset.id) && !asset.output_ports.is_empty());
    mapping
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ingest_still_looks_for_every_kind_of_id() {
        let text = include_str!("../../../sample/mapping.json");
        let mapping = Mapping::read(text.as_bytes()).unwrap();
        let model = crate::model::read(None).unwrap().usage;
        let titles: Vec<String> = questions(&model, &mapping)
            .unwrap()
            .iter()
            .map(|statement| statement.title().to_owned())
            .collect();
        assert_eq!(
            titles,
            ["find unknown output ports", "find unknown tech assets", "find unknown consumers"]
        );
    }

    #[test]
    fn nothing_points_to_what_was_left_out() {
        let mapping = Mapping::read(include_str!("../../../sample/mapping.json").as_bytes()).unwrap();
        let pricing: Uuid = "7808da0c-5666-4455-afa2-d56ec8fff1f7".parse().unwrap(); // produces the catalogue
        let stock: Uuid = "fb797f4d-139c-43dd-92c2-b9fdd9c111ed".parse().unwrap(); // has two assets of its own
        let rest = without(&mapping, &BTreeSet::from([pricing, stock]));
        assert_eq!((rest.output_ports.len(), rest.tech_assets.len(), rest.consumers.len()), (7, 18, 11));
        assert!(rest.output_ports.iter().all(|port| port.producer.is_none()));
        rest.attribution().unwrap();
    }
}
