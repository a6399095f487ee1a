//! Locking readers out of the tables whose keys are dropped.

use crate::model::Table;
use crate::postgres::session::Session;
use crate::statement::{SqlWriter, Statement};

/// Locks the tables against readers, all of them, and never waits for one while another is locked.
///
/// A host may read charts of several tables in one transaction, in any order, so no order of locks is the right one: a
/// reader of this table that waits for the other would wait for the back-fill, and the back-fill for it.
pub(super) async fn lock_out_readers<S: Session>(session: &mut S, tables: &[&Table]) -> Result<(), S::Error> {
    let mut first = 0;
    while !tables.is_empty() {
        session.count(set_savepoint()).await?;
        session.count(lock(tables[first])).await?;
        match find_taken(session, tables, first).await? {
            None => {
                session.count(release_savepoint()).await?;
                break;
            }
            Some(taken) => {
                session.count(go_back()).await?;
                first = taken;
            }
        }
    }
    Ok(())
}

/// Locks the others where they are free, or says which one is not.
async fn find_taken<S: Session>(
    session: &mut S,
    tables: &[&Table],
    locked: usize,
) -> Result<Option<usize>, S::Error> {
    for (number, table) in tables.iter().enumerate().filter(|(number, _)| *number != locked) {
        match session.count(lock_at_once(table)).await {
            Ok(_) => {}
            Err(error) if S::is_lock_not_available(&error) => return Ok(Some(number)),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// What may run for these tables, for review.
pub(super) fn statements(tables: &[&Table]) -> Vec<Statement> {
    let mut statements = vec![set_savepoint()];
    statements.extend(tables.iter().flat_map(|table| [lock(table), lock_at_once(table)]));
    statements.extend([go_back(), release_savepoint()]);
    statements
}

fn set_savepoint() -> Statement {
    let mut sql = SqlWriter::new("set a savepoint before locks");
    sql.text("SAVEPOINT output_port_usage_locks");
    sql.into_statement()
}

fn go_back() -> Statement {
    let mut sql = SqlWriter::new("give back locks");
    sql.text("ROLLBACK TO SAVEPOINT output_port_usage_locks");
    sql.into_statement()
}

fn release_savepoint() -> Statement {
    let mut sql = SqlWriter::new("keep locks");
    sql.text("RELEASE SAVEPOINT output_port_usage_locks");
    sql.into_statement()
}

fn lock(table: &Table) -> Statement {
    let mut sql = SqlWriter::for_each("wait for readers of", table.stats.rows());
    sql.text("LOCK TABLE ").qualified(&table.schema, &table.name).text(" IN ACCESS EXCLUSIVE MODE");
    sql.into_statement()
}

fn lock_at_once(table: &Table) -> Statement {
    let mut sql = SqlWriter::for_each("find no readers of", table.stats.rows());
    sql.text("LOCK TABLE ").qualified(&table.schema, &table.name).text(" IN ACCESS EXCLUSIVE MODE NOWAIT");
    sql.into_statement()
}
