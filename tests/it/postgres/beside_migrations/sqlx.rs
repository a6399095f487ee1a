//! SQLx's migrator.

use output_port_usage::{Migration, UsageModel};
use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, MigrationType, Migrator};

use super::{HISTORY, HOST, counts, early, empty, has_all, late};

/// Where the model's numbers begin in a history that is the host's, too.
const NUMBERED_FROM: i64 = 20_260_301_000_000;

/// The recipe of the guide.
pub(super) fn migrations(model: &UsageModel, from: i64) -> Vec<sqlx::migrate::Migration> {
    let migration = |of: &Migration, direction, text: &str| {
        let sql = sqlx::AssertSqlSafe(text).into_sql_str();
        let number = from + i64::from(of.id());
        sqlx::migrate::Migration::new(number, of.name().into(), direction, sql, false)
    };
    let both = model.migrations().into_iter().flat_map(|of| {
        [
            migration(&of, MigrationType::ReversibleUp, of.up()),
            migration(&of, MigrationType::ReversibleDown, of.down()),
        ]
    });
    both.collect()
}

/// The recipe of the guide.
pub(super) fn with_own_history(model: &UsageModel, history: &str) -> Migrator {
    let mut migrator = Migrator::with_migrations(migrations(model, 0));
    migrator.dangerous_set_table_name(history.to_owned());
    migrator
}

/// The host's first migrations.
fn host(count: usize) -> Vec<sqlx::migrate::Migration> {
    let migration = |(number, name, text): (i64, &'static str, &'static str)| {
        let text = sqlx::AssertSqlSafe(text).into_sql_str();
        sqlx::migrate::Migration::new(number, name.into(), MigrationType::Simple, text, false)
    };
    HOST[..count].iter().copied().map(migration).collect()
}

#[tokio::test]
async fn a_migrator_refuses_the_versions_of_another_in_its_history() {
    let portal = empty(early()).await;
    // each on a connection of its own: SQLx 0.9 does not give its lock back where it fails
    for from in [10, NUMBERED_FROM] {
        let mut connection = portal.pool.acquire().await.unwrap().detach();
        Migrator::with_migrations(host(2)).run_direct(None, &mut connection, false).await.unwrap();
        let ours = Migrator::with_migrations(migrations(&early(), from));
        let error = ours.run_direct(None, &mut connection, false).await.unwrap_err();
        assert!(matches!(error, MigrateError::VersionMissing(1)), "{error}");
    }
    let mut connection = portal.pool.acquire().await.unwrap().detach();
    let mut ours = Migrator::with_migrations(migrations(&early(), 0));
    let ours = ours.set_ignore_missing(true);
    let error = ours.run_direct(None, &mut connection, false).await.unwrap_err();
    assert!(matches!(error, MigrateError::VersionMismatch(1)), "the same number: {error}");
}

#[tokio::test]
async fn a_history_of_its_own_is_right_in_either_order() {
    for usage_first in [false, true] {
        let mut portal = empty(early()).await;
        Migrator::with_migrations(host(2)).run(&portal.pool).await.unwrap();
        // a start of the first release, the same again, and two of the next, with a migration more of each
        for (own, model) in [(2, early()), (2, early()), (3, late()), (3, late())] {
            if usage_first {
                with_own_history(&model, HISTORY).run(&portal.pool).await.unwrap();
            }
            Migrator::with_migrations(host(own)).run(&portal.pool).await.unwrap();
            if !usage_first {
                with_own_history(&model, HISTORY).run(&portal.pool).await.unwrap();
            }
            counts(&portal).await;
        }
        let versions = "SELECT version::text FROM _sqlx_migrations ORDER BY version";
        assert_eq!(portal.texts(versions).await, ["1", "2", "3"]);
        let versions = "SELECT version::text FROM usage_migrations ORDER BY version";
        assert_eq!(portal.texts(versions).await, ["1", "2", "3", "4", "5"]);
        has_all(&mut portal).await;
        with_own_history(&late(), HISTORY).undo(&portal.pool, 0).await.unwrap();
        let tables = "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'usage'";
        assert_eq!(portal.texts(tables).await, ["0"]);
    }
}

#[tokio::test]
async fn one_list_is_right_whatever_either_adds() {
    let merged = |own, model| {
        let all = [host(own), migrations(&model, NUMBERED_FROM)].concat();
        Migrator::with_migrations(all)
    };
    // the host adds first, the model does, and both at once; the last is a database that is new
    let starts: [&[(usize, UsageModel)]; 4] = [
        &[(2, early()), (3, early()), (3, late())],
        &[(2, early()), (2, late()), (3, late())],
        &[(2, early()), (3, late())],
        &[(3, late())],
    ];
    for starts in starts {
        let mut portal = empty(early()).await;
        for (own, model) in starts {
            for _ in 0..2 {
                merged(*own, model.clone()).run(&portal.pool).await.unwrap();
                counts(&portal).await;
            }
        }
        has_all(&mut portal).await;
    }
}

#[tokio::test]
async fn two_migrators_that_ignore_each_other_share_a_history_in_either_order() {
    for usage_first in [false, true] {
        let mut portal = empty(early()).await;
        Migrator::with_migrations(host(2)).run(&portal.pool).await.unwrap();
        for (own, model) in [(2, early()), (2, early()), (3, late()), (3, late())] {
            let mut own = Migrator::with_migrations(host(own));
            let mut ours = Migrator::with_migrations(migrations(&model, NUMBERED_FROM));
            let mut both = [own.set_ignore_missing(true), ours.set_ignore_missing(true)];
            if usage_first {
                both.reverse();
            }
            for migrator in both {
                migrator.run(&portal.pool).await.unwrap();
            }
            counts(&portal).await;
        }
        has_all(&mut portal).await;
    }
}
