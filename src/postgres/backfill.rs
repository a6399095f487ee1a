//! Back-filling: years of batches from a stream, in one transaction of the host's.

mod cover;
mod load;
mod lock;
mod progress;
mod statements;

use std::fmt;

pub(crate) use self::load::Load;
pub use self::progress::{BackfillProgress, BackfillStep};
use super::coverage::Mark;
use super::ddl::key;
use super::empty::Empty;
use super::rows::Part;
use super::session;
use super::unknown::{self, Unknown};
use crate::error::Error;
use crate::model::{Table, UsageModel};
use crate::statement::Statement;
use crate::usage::Scope;

impl UsageModel {
    /// Loads a history, batch by batch, into days and output ports that hold nothing yet.
    ///
    /// A driver takes the batches from a stream and loads each in turn, so memory holds one of them. Rows are
    /// sent in parts, as arrays, by `INSERT … SELECT pg_catalog.unnest(…)`, whatever the driver. The batches
    /// cover the scope as that of a [`replace`](Self::replace) would, in parts: they come in the order of
    /// their days and without gaps, the first begins and the last ends with the scope, and each covers all of
    /// its output ports. So no key comes twice, and a stream that ends early is an error rather than a time
    /// without usage. What the first batch does not measure is left alone, and no other batch may measure it.
    ///
    /// All or nothing: after an error the transaction is as before, keys included.
    ///
    /// Where a table holds no row at all, its key and its indexes are dropped first and added again after the last
    /// batch, exactly as they were: this is faster than loading into them, and leaves a dense key. From then to the
    /// host's commit, readers of that table wait; see [`Backfill::keep_keys`]. Foreign keys stay, because dropping them
    /// would lock the parent tables too. They are most of what a long load costs, so a host whose parent tables can
    /// wait for a moment drops them [before](Self::drop_foreign_keys) and adds them again
    /// [afterwards](Self::add_foreign_keys). Run [`vacuum`](Self::vacuum) after the commit.
    ///
    /// # Errors
    ///
    /// A scope without output ports, or with days that are empty, reversed or outside the years 1 to 9999.
    /// What is wrong with a table or a batch is an error of the run.
    ///
    /// # Example
    ///
    /// ```
    /// # use output_port_usage::*;
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// # let port = OutputPortId(uuid::Uuid::nil());
    /// # let today = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    /// let scope = Scope::new(last_days(3 * 365, today), [port])?;
    /// let backfill = model.backfill(scope)?.on_progress(|progress| println!("until {}", progress.days.end));
    /// // let outcome = backfill.run_sqlx(&mut transaction, batches).await?;
    /// let statements = backfill.statements();
    /// assert!(statements.iter().any(|statement| statement.title() == "load queries"));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn backfill(&self, scope: Scope) -> Result<Backfill, Error> {
        scope.check_ports()?;
        Ok(Backfill {
            model: self.clone(),
            scope,
            existing: Existing::Refused,
            keys: Keys::AfterLoading,
            unknown: Unknown::Rejected,
            empty: Empty::Refused,
            on_progress: |_| {},
        })
    }
}

/// Loads a history; made by [`UsageModel::backfill`].
///
/// A driver runs it in a transaction that the host opens and commits, for instance `run_sqlx` with the feature `sqlx`.
#[derive(Clone)]
#[must_use = "a back-fill does nothing until a driver runs it"]
pub struct Backfill<F = fn(&BackfillProgress)> {
    model: UsageModel,
    scope: Scope,
    existing: Existing,
    keys: Keys,
    unknown: Unknown,
    empty: Empty,
    on_progress: F,
}

/// What becomes of rows that the scope holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Existing {
    Refused,
    Replaced,
}

/// When the rows of an empty table are put into its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    AfterLoading,
    WhileLoading,
}

impl<F> Backfill<F> {
    /// First removes the rows that the scope already holds. Defaults to an error that names one of them.
    ///
    /// Rows outside the scope stay, and so do those of tables that the batches do not measure. The old row
    /// versions are left for a vacuum.
    pub fn replace_existing(mut self) -> Self {
        self.existing = Existing::Replaced;
        self
    }

    /// Loads into the keys as they are, so that readers never wait. Defaults to dropping the keys of empty tables and
    /// adding them after the last batch, which is faster.
    ///
    /// Without it, a table without rows takes an `ACCESS EXCLUSIVE` lock until the host commits.
    pub fn keep_keys(mut self) -> Self {
        self.keys = Keys::WhileLoading;
        self
    }

    /// Leaves out rows with an unknown output port, tech asset or consumer, as [`Ingest::skip_unknown`] does. Defaults
    /// to an error that names each unknown id of a batch ([`Error::unknown_ids`]).
    ///
    /// [`Ingest::skip_unknown`]: crate::Ingest::skip_unknown
    pub fn skip_unknown(mut self) -> Self {
        self.unknown = Unknown::Skipped;
        self
    }

    /// Accepts a back-fill in which no batch has a row. Defaults to an error ([`Error::is_empty_batch`]);
    /// single batches may always be empty.
    pub fn allow_empty(mut self) -> Self {
        self.empty = Empty::Allowed;
        self
    }

    /// Calls `on_progress` after each batch, and before the dropped keys are added. Defaults to no call.
    ///
    /// It is called between statements of the transaction, so it should not take long.
    pub fn on_progress<G: FnMut(&BackfillProgress)>(self, on_progress: G) -> Backfill<G> {
        let Self { model, scope, existing, keys, unknown, empty, on_progress: _ } = self;
        Backfill { model, scope, existing, keys, unknown, empty, on_progress }
    }

    /// The statements of a first load of one batch that measures everything, in the order in which they run,
    /// for review.
    ///
    /// The texts are the same whatever the batches. The statements that find unknown ids and those that load
    /// run again for each batch; a key is dropped and added only where that leaves no trace. No table is
    /// waited for while another is locked: if one is not free at once, the locks are given back and that one
    /// is waited for first. All of them run inside a savepoint of the driver's.
    pub fn statements(&self) -> Vec<Statement> {
        let mut statements = session::entrance(&self.model).to_vec();
        let tables: Vec<&Table> = self.model.tables().collect();
        for table in &tables {
            statements.push(key::find_any(table));
            if self.existing == Existing::Refused {
                statements.push(statements::any_in_scope(&self.scope, table));
            }
        }
        let mut again = Vec::new();
        for table in &tables {
            if self.existing == Existing::Replaced {
                statements.push(statements::remove(&self.scope, table));
            }
            if self.keys == Keys::AfterLoading {
                statements.extend([statements::any(table), key::find_droppable(table)]);
            }
        }
        if self.keys == Keys::AfterLoading {
            statements.extend(lock::statements(&tables));
            for table in &tables {
                statements.push(key::drop(table));
                again.push(key::add(table));
                for index in self.model.indexes(table) {
                    statements.extend([index.find_droppable(), index.drop_found()]);
                    again.push(index.create_again());
                }
            }
        }
        statements
            .extend(unknown::enforced(&self.model).map(|(_, parent)| unknown::statement(parent, [].into())));
        statements
            .extend(tables.iter().map(|table| statements::load(table, &Part::empty(&self.scope, table))));
        statements.extend(again);
        statements.extend(Mark::of_scope(&self.model, &self.scope).map(|mark| mark.statement()));
        statements
    }
}

impl<F> fmt::Debug for Backfill<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backfill")
            .field("model", &self.model)
            .field("scope", &self.scope)
            .field("existing", &self.existing)
            .field("keys", &self.keys)
            .field("unknown", &self.unknown)
            .field("empty", &self.empty)
            .finish_non_exhaustive()
    }
}
