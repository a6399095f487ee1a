//! The keys and indexes of the daily tables.

use super::catalog::{Described, Index};
use super::difference::{Difference, DifferenceKind as Kind, Severity};
use super::{Report, mend};
use crate::ident::Ident;
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
            let message = format!("index {} of {name} is invalid", Ident::found(&index.name));
            let invalid = Difference::new(Kind::InvalidIndex, Severity::Slow, message);
            let drop = mend::drop_index(table, &index.name, described.is_partitioned());
            self.found(invalid.mended_by([drop]));
        }
    }

    fn key(&mut self, described: Described<'_>, table: &Table, name: &str) {
        let key: Vec<&str> = table.stats.key().iter().map(|&column| table.column(column).as_str()).collect();
        let count = table.column(Column::QueryCount).as_str();
        let same: Vec<&Index> = described.indexes().filter(|index| index.is_unique_over(&key)).collect();
        let fits = |index: &Index| index.is("btree", &key, &[count]);
        let fitting = same.iter().copied().find(|index| fits(index));
        let others: Vec<&Index> = same.iter().copied().filter(|index| !fits(index)).collect();
        let deferrable = same.iter().find(|index| !index.immediate);
        let wanted = format!("({}) INCLUDE ({count})", key.join(", "));
        let (kind, severity, message) = match (deferrable, fitting, others.first()) {
            (Some(deferrable), ..) => {
                let message = format!(
                    "key {} of {name} is deferrable: an ingest fails with SQLSTATE 55000",
                    Ident::found(&deferrable.name)
                );
                (Kind::NoKey, Severity::Errors, message)
            }
            (None, Some(_), None) => return,
            (None, None, None) => {
                let message =
                    format!("{name} has no unique key {wanted}: an ingest fails with SQLSTATE 42P10");
                (Kind::NoKey, Severity::Errors, message)
            }
            (None, Some(fitting), Some(other)) => {
                let message = format!(
                    "key {} of {name} is {}, beside {}, which does the same",
                    Ident::found(&other.name),
                    shown(other),
                    Ident::found(&fitting.name)
                );
                (Kind::Key, Severity::Slow, message)
            }
            (None, None, Some(other)) => {
                let reads = if other.columns.first().map(String::as_str) == key.first().copied() {
                    "charts read the table too, or more than they need"
                } else {
                    "a chart reads its days of all output ports"
                };
                let message = format!(
                    "key {} of {name} is {}, not {wanted}: {reads}",
                    Ident::found(&other.name),
                    shown(other)
                );
                (Kind::Key, Severity::Slow, message)
            }
        };
        let by_hand = by_hand(described, &others);
        let difference = Difference::new(kind, severity, format!("{message}{}", by_hand.unwrap_or_default()));
        let mend = if by_hand.is_none() { mend::key(table, fitting, &others, described) } else { Vec::new() };
        self.found(difference.mended_by(mend));
    }

    /// A unique key that does not hold the whole of the model's takes one row where there may be several.
    fn narrow_keys(&mut self, described: Described<'_>, table: &Table, name: &str) {
        let columns: Vec<&str> =
            table.stats.columns().iter().map(|&column| table.column(column).as_str()).collect();
        let key: Vec<&str> = table.stats.key().iter().map(|&column| table.column(column).as_str()).collect();
        for index in described.indexes().filter(|index| index.refuses()) {
            // a column of the host's own may tell the rows apart
            let is_known = index.columns.iter().all(|column| columns.contains(&column.as_str()));
            let is_whole = key.iter().all(|column| index.columns.iter().any(|of| of == column));
            if is_known && !is_whole {
                let message = format!(
                    "unique key {} of {name} is {}: it refuses rows that differ in other columns",
                    Ident::found(&index.name),
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
                let is_taken =
                    described.indexes().any(|index| index.valid && index.name == wanted.name().as_str());
                let missing = if is_taken && !self.drops_index(table, wanted.name()) {
                    let message = format!("{message}, and another index bears its name {}", wanted.name());
                    Difference::new(Kind::NoIndex, Severity::Slow, message)
                } else {
                    let create = if described.is_partitioned() {
                        wanted.create()
                    } else {
                        wanted.create_concurrently()
                    };
                    Difference::new(Kind::NoIndex, Severity::Slow, message).mended_by([create])
                };
                self.found(missing);
            }
            for again in
                there.iter().filter(|index| Some(index.name.as_str()) != kept && index.constraint.is_none())
            {
                let message =
                    format!("index {} of {name} is there twice: {}", Ident::found(&again.name), shown(again));
                let twice = Difference::new(Kind::NeedlessIndex, Severity::Slow, message);
                let drop = mend::drop_index(table, &again.name, described.is_partitioned());
                self.found(twice.mended_by([drop]));
            }
        }
    }

    /// An index over one column alone tempts the planner to read all output ports' days; see `docs::scale`.
    fn needless_indexes(&mut self, described: Described<'_>, table: &Table, name: &str) {
        let wanted: Vec<_> = self.model.indexes(table).map(|wanted| wanted.definition()).collect();
        let key: Vec<&str> = table.stats.key().iter().map(|&column| table.column(column).as_str()).collect();
        let has_key = described.indexes().any(|index| index.is_key_over(&key));
        for index in described.indexes().filter(|index| index.valid && index.is_of_one_column()) {
            let column = index.columns[0].as_str();
            let is_wanted =
                wanted.iter().any(|(method, columns, _)| index.method == *method && *columns == [column]);
            if index.method != "brin" && !index.refuses() && key.contains(&column) && !is_wanted {
                let message = format!(
                    "index {} of {name} is over {column} alone: the planner may read all output ports for it",
                    Ident::found(&index.name)
                );
                let needless = Difference::new(Kind::NeedlessIndex, Severity::Slow, message);
                // it is better than nothing, as long as there is nothing better
                let drop = has_key.then(|| mend::drop_index(table, &index.name, described.is_partitioned()));
                self.found(needless.mended_by(drop));
            }
        }
    }

    /// Whether a statement so far drops the index.
    fn drops_index(&self, table: &Table, name: &Ident) -> bool {
        let concurrently = mend::drop_index(table, name.as_str(), false);
        let drop = mend::drop_index(table, name.as_str(), true);
        self.differences.iter().flat_map(Difference::mend).any(|of| *of == concurrently || *of == drop)
    }
}

/// Why nobody but the host can take away keys: what depends on them would go too, or stand in the way.
fn by_hand(described: Described<'_>, keys: &[&Index]) -> Option<&'static str> {
    if described.is_partitioned() {
        Some("; a partitioned table takes another key by hand alone")
    } else if keys.iter().any(|index| index.replica_identity) {
        Some("; it is the replica identity of the table, so change it by hand")
    } else if described.relation.referenced && !keys.is_empty() {
        Some("; foreign keys point to the table, so change it by hand")
    } else {
        None
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
