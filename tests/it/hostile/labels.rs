//! Labels that the database holds, read through every chart that carries names.

use output_port_usage::chart::*;

use super::{MEGABYTE, TEXTS};
use crate::driver::twins_agree::twins::Twins;
use crate::portal::{Portal, consumer, day, group, port};

/// Gives every parent the same name.
async fn rename(portal: &Portal, name: &str) {
    for table in ["datasets", "data_products", "technical_assets", "domains"] {
        let update = format!("UPDATE portal.{table} SET name = $1");
        sqlx::query(sqlx::AssertSqlSafe(update)).bind(name).execute(&portal.pool).await.unwrap();
    }
}

#[tokio::test]
async fn hostile_labels_come_back_as_they_are_by_both_drivers() {
    let twins = Twins::filled().await;
    let days = || day(2026, 1, 3)..day(2026, 1, 6);
    let over_time = || QueriesOverTime::new(port(1), days());
    let (distribution, before) = (|| QueryDistribution::new(port(1), days()), Comparison::PreviousPeriod);
    let megabyte = "🦀'\"\\".repeat(MEGABYTE / 7);
    // Postgres itself keeps NUL out of a text
    for name in TEXTS.into_iter().filter(|text| !text.contains('\0')).chain([megabyte.as_str()]) {
        rename(&twins.sqlx, name).await;
        rename(&twins.tokio, name).await;
        let label = Some(name.to_owned());
        let named = |of: &Member| match of {
            Member::Consumer { id, label: found } => *id >= consumer(1) && *found == label,
            _ => false,
        };
        let in_group = |of: &Member| match of {
            Member::Group { id, label: found } => *id >= group(0) && *found == label,
            _ => false,
        };

        assert!(named(&twins.agree(&distribution().top(2)).await[0].member), "{name:.100?}");
        let compared = twins.agree(&distribution().top(2).compared_with(before)).await;
        assert!(named(&compared[0].current.member), "{name:.100?}");
        assert!(in_group(&twins.agree(&distribution().by_group()).await[0].member), "{name:.100?}");
        let compared = twins.agree(&distribution().by_group().compared_with(before)).await;
        assert!(in_group(&compared[0].current.member), "{name:.100?}");
        let split = twins.agree(&over_time().split_by_consumer(1)).await;
        assert!(named(&split[0].member), "{name:.100?}");
        let overview = Overview::new(port(1), days()).top(1);
        let overview = overview.charts(twins.agree(&overview).await).unwrap();
        assert!(named(&overview.distribution[0].member), "{name:.100?}");

        let many = QueriesOverTime::of_ports([port(1)], day(2026, 1, 3)..day(2026, 1, 4));
        assert_eq!(
            twins.agree(&many).await[0].member,
            Member::OutputPort { id: port(1), label: label.clone() }
        );
        assert_eq!(twins.agree(&MostOftenCombinedWith::new(port(1), days()).top(1)).await[0].label, label);
        let assets = || MostPopularAssets::new(port(1), days()).top(1);
        assert_eq!(twins.agree(&assets()).await[0].label, label);
        assert_eq!(twins.agree(&assets().compared_with(before)).await[0].current.label, label);
    }
}
