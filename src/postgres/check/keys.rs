//! The keys and indexes of the daily tables.

use super::catalog::{Described, Index};
use super::difference::{Difference, DifferenceKind as Kind, Severity};
use super::{Report, mend};
use crate::model::{Column, Table};

impl Report<'_> {
    pub(super) fn keys(&mut self, table: &Table) {
        let Some(described) = self.catalog.of(table.stats.rows()).filter(Described::is_table) else { return };
        let name = format!("{}.{}", table.schema, table.name);
        self.invalid_indexes(described, table, &name);
        self.key(described, table, &name);
        self.narrow_keys(described, table, &name);
        // first what goes: an ORM's index on the date may bear the name of the one that comes
        self.needless_indexes(described, table, &name);
        self.indexes(described, table, &name);
    }

    /// What `CREATE INDEX CONCURRENTLY` leaves when it breaks off: it costs every write, and nothing reads it.
    fn invalid_indexes(&mut self, described: Described<'_>, table: &Table, name: &str) {
        for index in described.indexes().filter(|index| !index.valid && index.constraint.is_none()) {
            let message = format!("index {:?} of {name} is invalid", index.name);
            let invalid = Difference::new(Kind::InvalidIndex, Severity::Slow, message);
            let drop = mend::drop_index(table, &index.name, described.is_partitioned());
            self.found(invalid.mended_by([drop]));
        }
    }

    fn key(&mut self, described: Described<'_>, table: &Table, name: &str) {
        let key: Vec<&str> = table.stats.key().iter().map(|&column| table.column(column).as_str()).collect();
        let count = table.column(Column::QueryCount).as_str();
        let same: Vec<&Index> = described.indexes().filter(|index| index.is_unique_over(&key)).collect();
        let fits = |index: &&Index| index.is("btree", &key, &[count]);
        let fitting = same.iter().copied().find(|index| fits(index));
        let others: Vec<&Index> = same.iter().copied().filter(|index| !fits(index)).collect();
        let wanted = format!("({}) INCLUDE ({count})", key.join(", "));
        let difference = match (fitting, others.first()) {
            (Some(_), None) => return,
            (None, None) => {
                let message =
                    format!("{name} has no unique key {wanted}: an ingest fails with SQLSTATE 42P10");
                Difference::new(Kind::NoKey, Severity::Errors, message)
            }
            (Some(fitting), Some(other)) => {
                let message = format!(
                    "key {:?} of {name} is {}, beside {:?}, which does the same",
                    other.name,
                    shown(other),
                    fitting.name
                );
                Difference::new(Kind::Key, Severity::Slow, message)
            }
            (None, Some(other)) => {
                let reads = if other.columns.first().map(String::as_str) == key.first().copied() {
                    "charts read the table too, or more of it than they need"
                } else {
                    "a chart reads its days of all output ports"
                };
                let message =
                    format!("key {:?} of {name} is {}, not {wanted}: {reads}", other.name, shown(other));
                Difference::new(Kind::Key, Severity::Slow, message)
            }
        };
        let primary = described.indexes().find(|index| index.primary);
        let mend = mend::key(table, fitting, &others, primary, described.is_partitioned());
        self.found(difference.mended_by(mend));
    }

    /// A unique key over some of the key's columns takes one row where there may be several.
    fn narrow_keys(&mut self, described: Described<'_>, table: &Table, name: &str) {
        let key: Vec<&str> = table.stats.key().iter().map(|&column| table.column(column).as_str()).collect();
        for index in described.indexes() {
            let is_narrow = index.unique
                && !index.columns.is_empty()
                && index.columns.len() < key.len()
                && index.columns.iter().all(|column| key.contains(&column.as_str()));
            if is_narrow {
                let message = format!(
                    "unique key {:?} of {name} is {}: it refuses rows that differ in other columns",
                    index.name,
                    shown(index)
                );
                self.found(Difference::new(Kind::NarrowKey, Severity::Errors, message));
            }
        }
    }

    fn indexes(&mut self, described: Described<'_>, table: &Table, name: &str) {
        for wanted in self.model.indexes(table) {
            let (method, columns, included) = wanted.definition();
            let fits = |there: &&Index| there.is(method, &columns, &included);
            let there: Vec<&Index> = described.indexes().filter(fits).collect();
            let by_name = there.iter().find(|there| there.name == wanted.name().as_str()).or(there.first());
            let kept = by_name.map(|there| there.name.as_str());
            if kept.is_none() {
                let message = format!("{name} has no {method} index {}", shown_parts(&columns, &included));
                let missing = Difference::new(Kind::NoIndex, Severity::Slow, message);
                let create =
                    if described.is_partitioned() { wanted.create() } else { wanted.create_concurrently() };
                self.found(missing.mended_by([create]));
            }
            for again in
                there.iter().filter(|index| Some(index.name.as_str()) != kept && index.constraint.is_none())
            {
                let message = format!("index {:?} of {name} is there twice: {}", again.name, shown(again));
                let twice = Difference::new(Kind::NeedlessIndex, Severity::Slow, message);
                let drop = mend::drop_index(table, &again.name, described.is_partitioned());
                self.found(twice.mended_by([drop]));
            }
        }
    }

    /// A b-tree over one column alone tempts the planner to read all output ports' days; see `docs::scale`.
    fn needless_indexes(&mut self, described: Described<'_>, table: &Table, name: &str) {
        let wanted: Vec<_> = self.model.indexes(table).map(|wanted| wanted.definition()).collect();
        for index in described.indexes() {
            let is_single =
                index.valid && index.method == "btree" && !index.unique && index.columns.len() == 1;
            let is_ours = table.stats.key().iter().any(|&of| table.column(of).as_str() == index.columns[0]);
            let is_wanted = wanted
                .iter()
                .any(|(method, columns, _)| index.method == *method && *columns == index.columns);
            if is_single && is_ours && !is_wanted {
                let message = format!(
                    "index {:?} of {name} is over {} alone: the planner may read all output ports for it",
                    index.name, index.columns[0]
                );
                let needless = Difference::new(Kind::NeedlessIndex, Severity::Slow, message);
                let drop = mend::drop_index(table, &index.name, described.is_partitioned());
                self.found(needless.mended_by([drop]));
            }
        }
    }
}

/// An index as a message shows it.
fn shown(index: &Index) -> String {
    shown_parts(&index.columns, &index.included)
}

fn shown_parts<T: AsRef<str>>(columns: &[T], included: &[T]) -> String {
    let list = |of: &[T]| of.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    if included.is_empty() {
        format!("({})", list(columns))
    } else {
        format!("({}) INCLUDE ({})", list(columns), list(included))
    }
}
