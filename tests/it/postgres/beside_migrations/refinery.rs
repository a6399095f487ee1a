//! refinery's runner.

use output_port_usage::UsageModel;
use refinery::error::Kind;
use refinery::{Migration, Runner};

use super::{HISTORY, HOST, counts, early, empty, has_all, late};
use crate::driver::twins_agree::twins::connect;
use crate::portal::Portal;

/// The recipe of the guide.
pub(super) fn migrations(model: &UsageModel, from: u32) -> Vec<Migration> {
    let migrations = model.migrations().into_iter().map(|of| {
        let name = format!("U{}__{}", from + of.id(), of.name());
        Migration::unapplied(&name, of.up()).unwrap()
    });
    migrations.collect()
}

/// The recipe of the guide.
pub(super) fn with_own_history(model: &UsageModel, history: &str) -> Runner {
    let mut runner = Runner::new(&migrations(model, 0));
    runner.set_migration_table_name(history);
    runner
}

/// The host's first migrations, as refinery reads them of files.
fn host(count: usize) -> Vec<Migration> {
    let migration = |(number, name, text)| Migration::unapplied(&format!("V{number}__{name}"), text).unwrap();
    HOST[..count].iter().copied().map(migration).collect()
}

/// Runs them as a host does; how many were applied.
async fn run(runner: &Runner, portal: &Portal) -> Result<usize, refinery::Error> {
    let mut client = connect(portal).await;
    Ok(runner.run_async(&mut client).await?.applied_migrations().len())
}

#[tokio::test]
async fn a_runner_refuses_the_versions_of_another_in_its_history() {
    let portal = empty(early()).await;
    run(&Runner::new(&host(2)), &portal).await.unwrap();
    for from in [10, 1000] {
        let error = run(&Runner::new(&migrations(&early(), from)), &portal).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::MissingVersion(_)), "{error}");
    }
}

/// Why the recipes do not use it.
#[tokio::test]
async fn a_runner_that_ignores_what_is_missing_leaves_out_what_is_numbered_lower() {
    let portal = empty(early()).await;
    run(&Runner::new(&host(2)), &portal).await.unwrap();
    let ours = Runner::new(&migrations(&early(), 1000)).set_abort_missing(false);
    assert_eq!(run(&ours, &portal).await.unwrap(), 2);
    let own = Runner::new(&host(3)).set_abort_missing(false);
    assert_eq!(run(&own, &portal).await.unwrap(), 0, "and no error");
}

#[tokio::test]
async fn a_history_of_its_own_is_right_in_either_order() {
    for usage_first in [false, true] {
        let mut portal = empty(early()).await;
        run(&Runner::new(&host(2)), &portal).await.unwrap();
        for (own, model, applied) in [(2, early(), 2), (2, early(), 0), (3, late(), 3), (3, late(), 0)] {
            let (own, ours) = (Runner::new(&host(own)), with_own_history(&model, HISTORY));
            if usage_first {
                assert_eq!(run(&ours, &portal).await.unwrap(), applied);
            }
            run(&own, &portal).await.unwrap();
            if !usage_first {
                assert_eq!(run(&ours, &portal).await.unwrap(), applied);
            }
            counts(&portal).await;
        }
        let versions = "SELECT version::text FROM refinery_schema_history ORDER BY version";
        assert_eq!(portal.texts(versions).await, ["1", "2", "3"]);
        let versions = "SELECT version::text FROM usage_migrations ORDER BY version";
        assert_eq!(portal.texts(versions).await, ["1", "2", "3", "4", "5"]);
        has_all(&mut portal).await;
    }
}

/// Refinery takes a `V` for missing where it is lower than the last that was applied.
#[tokio::test]
async fn what_is_turned_on_later_wants_another_prefix_than_v() {
    let portal = empty(early()).await;
    run(&Runner::new(&host(2)), &portal).await.unwrap();
    let versioned = |model: UsageModel| {
        let name = |of: &output_port_usage::Migration| format!("V{}__{}", of.id(), of.name());
        let migrations: Vec<_> =
            model.migrations().iter().map(|of| Migration::unapplied(&name(of), of.up()).unwrap()).collect();
        let mut runner = Runner::new(&migrations);
        runner.set_migration_table_name(HISTORY);
        runner
    };
    assert_eq!(run(&versioned(early()), &portal).await.unwrap(), 2);
    let error = run(&versioned(late()), &portal).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::MissingVersion(of) if of.version() == 2), "{error}");
    assert_eq!(run(&with_own_history(&late(), HISTORY), &portal).await.unwrap(), 3);
}

/// The host's next numbers are above the model's, because refinery refuses a `V` below the last that was applied.
#[tokio::test]
async fn one_list_is_right_where_the_host_numbers_on_behind_the_model() {
    let merged = |own: usize, model| {
        let mut all = [host(own.min(2)), migrations(&model, 1000)].concat();
        if own == 3 {
            all.push(Migration::unapplied("V2000__retired", HOST[2].2).unwrap());
        }
        Runner::new(&all)
    };
    let starts: [&[(usize, UsageModel)]; 4] = [
        &[(2, early()), (3, early()), (3, late())],
        &[(2, early()), (2, late()), (3, late())],
        &[(2, early()), (3, late())],
        &[(3, late())],
    ];
    for starts in starts {
        let mut portal = empty(early()).await;
        for (own, model) in starts {
            for again in [false, true] {
                let applied = run(&merged(*own, model.clone()), &portal).await.unwrap();
                assert!((applied == 0) == again);
                counts(&portal).await;
            }
        }
        has_all(&mut portal).await;
    }
}
