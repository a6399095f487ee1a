//! What operators do to parent tables, and what becomes of usage and of coverage.

use std::collections::BTreeSet;

use output_port_usage::chart::{Coverage, QueriesOverTime};
use output_port_usage::*;
use sqlx::AssertSqlSafe;

use crate::portal::{
    COVERAGE, Portal, QUERY_STATS, TOUCH_STATS, asset, builder, consumer, day, port, queries, scope, touches,
};

/// Two output ports, each used by two consumers on the first of two days.
fn batch() -> UsageBatch {
    let days = day(2026, 1, 1)..day(2026, 1, 3);
    let cells = || [(1, 1), (1, 2), (2, 1), (2, 2)];
    UsageBatch::builder(scope(days.clone(), [port(1), port(2)]))
        .queries(cells().map(|(of, by)| queries(days.start, port(of), consumer(by), 3)).to_vec())
        .touches(cells().map(|(of, by)| touches(days.start, port(of), asset(1), consumer(by), 3)).to_vec())
        .build()
}

async fn filled(builder: UsageModelBuilder) -> Portal {
    let portal = Portal::with(builder.coverage().build().unwrap()).await;
    portal.replace(&batch()).await;
    assert_eq!(rows(&portal).await, [4, 4, 2]);
    portal
}

fn kept() -> UsageModelBuilder {
    let keep = |table| Reference::to(table).schema("portal").on_delete(OnDelete::Keep);
    builder()
        .output_ports(keep("datasets"))
        .consumers(keep("data_products"))
        .tech_assets(keep("technical_assets"))
}

/// The rows of queries, of touches and of coverage.
async fn rows(portal: &Portal) -> [usize; 3] {
    let mut rows = [0; 3];
    for (rows, table) in rows.iter_mut().zip([QUERY_STATS, TOUCH_STATS, COVERAGE]) {
        *rows = portal.contents(table).await.len();
    }
    rows
}

/// Runs a script, which the server takes as one transaction, or gives the SQLSTATE.
async fn run(portal: &Portal, script: &str) -> Result<(), String> {
    let done = sqlx::raw_sql(AssertSqlSafe(script.to_owned())).execute(&portal.pool).await;
    done.map(drop).map_err(|error| error.as_database_error().unwrap().code().unwrap().into_owned())
}

/// What a check of the schema finds.
async fn differences(portal: &Portal) -> Vec<Difference> {
    let check = portal.model.check(day(2026, 1, 3)).of_role(Role::Owner);
    let rows = check.query().into_sqlx().fetch_all(&portal.pool).await.unwrap();
    check.differences(rows).unwrap()
}

/// What a chart shows for both days of port 1, and whether it calls them measured.
async fn shown(portal: &Portal) -> (i64, Option<Coverage>) {
    let chart = QueriesOverTime::new(port(1), day(2026, 1, 1)..day(2026, 1, 3));
    let points = portal.rows(&chart.granularity(Granularity::Month)).await;
    (points[0].query_count, points[0].coverage)
}

#[tokio::test]
async fn a_truncate_of_a_parent_is_refused() {
    let portal = filled(builder()).await;
    for parent in ["datasets", "data_products", "technical_assets"] {
        assert_eq!(
            run(&portal, &format!("TRUNCATE portal.{parent}")).await,
            Err("0A000".to_owned()),
            "{parent}"
        );
    }
    assert_eq!(rows(&portal).await, [4, 4, 2]);
}

/// Whatever the reference does on delete.
#[tokio::test]
async fn a_truncate_that_cascades_empties_whole_tables_and_leaves_days_measured() {
    for (parent, left) in
        [("datasets", [0, 0, 0]), ("data_products", [0, 0, 2]), ("technical_assets", [4, 0, 2])]
    {
        let portal = filled(builder()).await;
        run(&portal, &format!("TRUNCATE portal.{parent} CASCADE")).await.unwrap();
        assert_eq!(rows(&portal).await, left, "{parent}");
    }

    // measured days without a row are days without use, until somebody takes the coverage away
    let portal = filled(builder()).await;
    run(&portal, "TRUNCATE portal.data_products CASCADE").await.unwrap();
    assert_eq!(shown(&portal).await, (0, Some(Coverage::Measured)));
    run(&portal, "DELETE FROM usage.output_port_usage_coverage").await.unwrap();
    assert_eq!(shown(&portal).await, (0, Some(Coverage::NotMeasured)));
    let gaps = portal.model.gaps(&Gaps::of(batch().scope().clone())).unwrap();
    let gaps = gaps.into_sqlx().fetch_all(&portal.pool).await.unwrap();
    assert!(!gaps.is_empty(), "the days are to be ingested again");
}

#[tokio::test]
async fn a_reload_of_a_parent_takes_usage_along_is_refused_or_does_nothing_as_on_delete_says() {
    let reload = |table: &str| {
        format!(
            "CREATE TEMPORARY TABLE fresh ON COMMIT DROP AS TABLE portal.{table};
             DELETE FROM portal.{table};
             INSERT INTO portal.{table} SELECT * FROM fresh"
        )
    };
    let portal = filled(builder()).await;
    // Cascade: the same ids are back, their usage is not
    run(&portal, &reload("technical_assets")).await.unwrap();
    assert_eq!(rows(&portal).await, [4, 0, 2]);
    run(&portal, &reload("datasets")).await.unwrap();
    assert_eq!(rows(&portal).await, [0, 0, 0]);

    // Restrict: at once, not at the end of the transaction
    let portal = filled(builder()).await;
    let refused = run(&portal, &reload("data_products")).await.unwrap_err();
    assert!(["23503", "23001"].contains(&refused.as_str()), "{refused}");

    let portal = filled(kept()).await;
    for table in ["technical_assets", "datasets", "data_products"] {
        run(&portal, &reload(table)).await.unwrap();
    }
    assert_eq!(rows(&portal).await, [4, 4, 2]);
}

/// What a nightly job does instead.
#[tokio::test]
async fn a_reload_that_changes_rows_in_place_loses_only_what_vanished() {
    let portal = filled(builder()).await;
    let merge = format!(
        "CREATE TEMPORARY TABLE fresh ON COMMIT DROP AS
            SELECT id, 'new ' || name AS name FROM portal.datasets WHERE id <> '{}';
         INSERT INTO portal.datasets SELECT * FROM fresh ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name;
         DELETE FROM portal.datasets AS d WHERE NOT EXISTS (SELECT FROM fresh AS f WHERE f.id = d.id)",
        port(2)
    );
    run(&portal, &merge).await.unwrap();
    assert_eq!(rows(&portal).await, [2, 2, 1]);
    assert_eq!(shown(&portal).await, (6, Some(Coverage::Measured)));
}

/// The foreign keys of a table that was renamed stay with it, whatever takes its name.
#[tokio::test]
async fn a_table_that_takes_a_parents_name_is_the_parent_once_the_foreign_keys_are_added_again() {
    let portal = filled(builder()).await;
    let swap = format!(
        "CREATE TABLE portal.fresh (LIKE portal.datasets INCLUDING ALL);
         INSERT INTO portal.fresh SELECT * FROM portal.datasets;
         INSERT INTO portal.fresh VALUES ('{}', 'a new one');
         ALTER TABLE portal.datasets RENAME TO datasets_before;
         ALTER TABLE portal.fresh RENAME TO datasets",
        port(77)
    );
    run(&portal, &swap).await.unwrap();
    assert_eq!(rows(&portal).await, [4, 4, 2]);

    // the new table knows it, the foreign key does not
    let row = queries(day(2026, 1, 1), port(77), consumer(1), 3);
    let of_new =
        UsageBatch::builder(scope(day(2026, 1, 1)..day(2026, 1, 3), [port(77)])).queries(vec![row]).build();
    let refused = portal.try_ingest(portal.model.replace(&of_new).unwrap()).await.unwrap_err();
    let WriteError::Driver(refused) = refused else { panic!("{refused}") };
    assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "23503");
    // and what is deleted from the new table keeps its usage
    run(&portal, &format!("DELETE FROM portal.datasets WHERE id = '{}'", port(2))).await.unwrap();
    assert_eq!(rows(&portal).await, [4, 4, 2]);

    let keys = "SELECT conrelid::regclass || ' ' || confrelid::regclass || ' ' || confdeltype::text FROM pg_constraint
        WHERE contype = 'f' AND connamespace = 'usage'::regnamespace AND confrelid::regclass::text LIKE 'portal.datasets%'";
    let before: BTreeSet<String> = portal.texts(keys).await.into_iter().collect();
    assert!(before.iter().all(|key| key.contains(" portal.datasets_before ")), "{before:?}");

    assert_eq!(run(&portal, "DROP TABLE portal.datasets_before").await, Err("2BP01".to_owned()));
    assert!(!differences(&portal).await.is_empty());

    // the rows whose parent is gone go first, or no key is valid
    let orphans = [QUERY_STATS, TOUCH_STATS, COVERAGE].map(|table| {
        format!("DELETE FROM usage.{table} WHERE output_port_id NOT IN (SELECT id FROM portal.datasets)")
    });
    run(&portal, &orphans.join("; ")).await.unwrap();
    // its foreign keys go along, also that of the coverage, which a long load leaves alone
    run(&portal, "DROP TABLE portal.datasets_before CASCADE").await.unwrap();
    for statement in portal.model.add_foreign_keys() {
        statement.into_sqlx().execute(&portal.pool).await.unwrap();
    }
    let of_coverage = "ALTER TABLE usage.output_port_usage_coverage
        ADD CONSTRAINT output_port_usage_coverage_output_port_id_fkey
        FOREIGN KEY (output_port_id) REFERENCES portal.datasets ON DELETE CASCADE";
    run(&portal, of_coverage).await.unwrap();
    let after: BTreeSet<String> = portal.texts(keys).await.into_iter().collect();
    let expected: BTreeSet<String> =
        before.iter().map(|key| key.replace("datasets_before", "datasets")).collect();
    assert_eq!(after, expected);
    assert_eq!(differences(&portal).await, []);
    portal.replace(&of_new).await;
    assert_eq!(rows(&portal).await, [3, 2, 2]);
}
