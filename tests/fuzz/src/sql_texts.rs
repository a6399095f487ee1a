//! Every text that becomes SQL.

use output_port_usage::{
    Attribution, Column, ConsumerId, OnDelete, OutputPortId, Reference, TableNames, TechAssetId, UsageModel,
    UsageModelBuilder,
};
use uuid::Uuid;

use crate::{attribution, model, text};

/// The lines are names: of a model's tables and columns in turn, and all of them of Snowflake's objects and principals.
pub fn sql_texts(data: &[u8]) {
    let names = text::lines(data);
    model::check(&builder(&names));
    in_snowflake(&names);
}

/// A model with the names in the places where names go; lines that are missing leave the default.
fn builder(names: &[String]) -> UsageModelBuilder {
    let mut names = names.iter().map(String::as_str);
    let mut next = |default: &'static str| names.next().map_or(default.to_owned(), str::to_owned);
    let builder = UsageModel::builder().schema(next("usage"));
    let mut parent = |table: &'static str| {
        Reference::to(next(table)).schema(next("portal")).key(next("id")).label(next("name"))
    };
    let (ports, assets) = (parent("datasets"), parent("technical_assets"));
    let (consumers, groups) = (parent("data_products"), parent("domains"));
    let builder = builder
        .output_ports(ports)
        .tech_assets(assets.on_delete(OnDelete::Keep))
        .consumers(consumers.group(next("domain_id"), groups));
    let queries = TableNames::new(next("queries"))
        .column(Column::Date, next("date"))
        .column(Column::OutputPortId, next("output_port_id"))
        .column(Column::QueryCount, next("query_count"));
    let touches = TableNames::new(next("touches"))
        .column(Column::TechAssetId, next("tech_asset_id"))
        .column(Column::ConsumerId, next("consumer_id"));
    let combinations =
        TableNames::new(next("combinations")).column(Column::OutputPortId2, next("output_port_id_2"));
    builder
        .queries_table(queries)
        .touches_table(touches)
        .combinations_table(combinations)
        .read_by_consumer()
        .read_by_tech_asset()
}

/// An attribution to the names in quotes, of which those that cannot be names are left out.
fn in_snowflake(names: &[String]) {
    let id = Uuid::from_u128(1);
    let mut builder = Attribution::builder()
        .object("db.s.t", TechAssetId(id))
        .tech_asset(TechAssetId(id), [OutputPortId(id)])
        .user("ana", ConsumerId(id));
    let is_name = |name: &&String| (1..=255).contains(&name.chars().count()) && !name.contains('\0');
    for name in names.iter().filter(is_name) {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        builder = builder
            .object(format!("db.{quoted}.{quoted}"), TechAssetId(id))
            .schema(format!("{quoted}.{quoted}"), TechAssetId(id))
            .database(quoted.as_str(), TechAssetId(id))
            .user(quoted.as_str(), ConsumerId(id))
            .role(quoted.as_str(), ConsumerId(id))
            .exclude_user(quoted);
    }
    attribution::check(&builder.build().expect("quoted names are names"), names);
}
