//! What the names of the tables and their number change in charts.

use output_port_usage::Granularity::Month;
use output_port_usage::chart::*;
use output_port_usage::*;

use super::{changes, days, over_time};
use crate::portal::{builder, port};

#[test]
fn names_of_the_tables_are_the_models() {
    let names = builder()
        .schema("stats")
        .queries_table(
            TableNames::new("queries")
                .column(Column::Date, "day")
                .column(Column::OutputPortId, "port")
                .column(Column::ConsumerId, "product")
                .column(Column::QueryCount, "n"),
        )
        .touches_table(TableNames::new("touches").column(Column::TechAssetId, "asset"))
        .combinations_table(
            TableNames::new("pairs")
                .column(Column::OutputPortId1, "smaller")
                .column(Column::OutputPortId2, "larger"),
        );
    let model = names.build().unwrap();
    let renamed = |chart: &dyn Fn(&UsageModel) -> String| {
        changes(&chart(&builder().combinations().build().unwrap()), &chart(&model))
    };
    let over_time = |model: &UsageModel| model.query(&over_time(Month)).unwrap().pretty();
    insta::assert_snapshot!(renamed(&over_time));
    let assets = |model: &UsageModel| model.query(&MostPopularAssets::new(port(1), days())).unwrap().pretty();
    insta::assert_snapshot!(renamed(&assets));
    let combined =
        |model: &UsageModel| model.query(&MostOftenCombinedWith::new(port(1), days())).unwrap().pretty();
    insta::assert_snapshot!(renamed(&combined));
    let reconcile = |model: &UsageModel| model.reconcile(days()).unwrap().pretty();
    insta::assert_snapshot!(renamed(&reconcile));
}

#[test]
fn table_3_and_ways_to_read_change_no_chart_of_the_other_tables() {
    let texts = |model: UsageModel| {
        [
            model.query(&over_time(Month)).unwrap().pretty(),
            model.query(&QueryDistribution::new(port(1), days()).by_group()).unwrap().pretty(),
            model.query(&MostPopularAssets::new(port(1), days())).unwrap().pretty(),
            model.query(&Summary::new(port(1), days())).unwrap().pretty(),
            model.query(&Overview::new(port(1), days()).granularity(Month)).unwrap().pretty(),
        ]
    };
    let without = texts(builder().build().unwrap());
    assert_eq!(texts(builder().combinations().build().unwrap()), without);
    assert_eq!(texts(builder().read_by_consumer().read_by_tech_asset().build().unwrap()), without);
}
