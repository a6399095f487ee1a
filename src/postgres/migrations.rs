//! The tables as migrations for the host's own tool.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::ddl;
use super::ddl::index::Index;
use crate::model::UsageModel;
use crate::statement::Statement;

impl UsageModel {
    /// The model's tables as migrations, in the order of their ids.
    ///
    /// They are data: the host's own tool runs them and keeps the only history. Ids, names and, for one model, texts
    /// stay the same in every release. What a release adds comes as a migration of its own, and so does what the host
    /// turns on later. Create the schema beforehand, for instance with [`create_schema`](Self::create_schema).
    ///
    /// | id | name | present |
    /// | --- | --- | --- |
    /// | 1 | `usage_tables` | always |
    /// | 2 | `usage_combinations` | with [`combinations`](crate::UsageModelBuilder::combinations) |
    /// | 3 | `usage_by_consumer` | with [`read_by_consumer`](crate::UsageModelBuilder::read_by_consumer) |
    /// | 4 | `usage_combinations_by_consumer` | with `combinations` and `read_by_consumer` |
    /// | 5 | `usage_coverage` | with [`coverage`](crate::UsageModelBuilder::coverage) |
    /// | 6 | `usage_by_tech_asset` | with [`read_by_tech_asset`](crate::UsageModelBuilder::read_by_tech_asset) |
    ///
    /// They do not depend on each other, except that 3 and 6 come after 1, and 4 after 2. If your tool wants ascending
    /// numbers, number them yourself, in the order in which you adopt them. 3, 4 and 6 block writes while they build
    /// their indexes, unless these are [there already](crate::docs::migrations#turning-on-a-way-to-read).
    ///
    /// ```
    /// use output_port_usage::{Reference, UsageModel};
    ///
    /// let model = UsageModel::builder()
    ///     .schema("usage")
    ///     .output_ports(Reference::to("datasets"))
    ///     .consumers(Reference::to("data_products"))
    ///     .tech_assets(Reference::to("technical_assets"))
    ///     .combinations()
    ///     .build()?;
    /// for migration in model.migrations() {
    ///     println!("{}_{}.up.sql: {} bytes", migration.id(), migration.name(), migration.up().len());
    /// }
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn migrations(&self) -> Vec<Migration> {
        let first = [&self.0.queries, &self.0.touches];
        let mut migrations = vec![Migration {
            id: 1,
            name: "usage_tables",
            up: Script::of(first.into_iter().flat_map(|table| self.create_table(table))),
            down: Script::of(first.into_iter().rev().map(ddl::drop_table)),
        }];
        let combinations = self.0.combinations.as_ref();
        migrations.extend(combinations.map(|table| Migration {
            id: 2,
            name: "usage_combinations",
            up: Script::of(self.create_table(table)),
            down: Script::of([ddl::drop_table(table)]),
        }));
        if self.0.read_by.consumer {
            migrations.push(indexes(3, "usage_by_consumer", first.map(Index::by_consumer)));
            let of_combinations = combinations.map(Index::by_consumer);
            migrations
                .extend(of_combinations.map(|index| indexes(4, "usage_combinations_by_consumer", [index])));
        }
        migrations.extend(self.drop_coverage().map(|drop| Migration {
            id: 5,
            name: "usage_coverage",
            up: Script::of(self.create_coverage()),
            down: Script::of([drop]),
        }));
        if self.0.read_by.tech_asset {
            let by_tech_asset = Index::by_tech_asset(&self.0.touches);
            migrations.extend(by_tech_asset.map(|index| indexes(6, "usage_by_tech_asset", [index])));
        }
        migrations
    }
}

/// A step of the model's tables, for the host's migration tool.
///
/// Made by [`UsageModel::migrations`]. Both texts are scripts of several statements, which may run in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    id: u32,
    name: &'static str,
    up: Script,
    down: Script,
}

/// Statements, each by itself and as one text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Script {
    statements: Vec<Statement>,
    text: String,
}

impl Script {
    fn of(statements: impl IntoIterator<Item = Statement>) -> Self {
        let statements: Vec<Statement> = statements.into_iter().collect();
        let texts: Vec<&str> = statements.iter().map(Statement::sql).collect();
        let text = texts.join(";\n\n") + ";\n";
        Self { statements, text }
    }
}

impl Migration {
    /// Its number, the same in every release.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its name in letters and underscores, the same in every release.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The script that applies it; what exists already is left as it is, and needs no privilege.
    pub fn up(&self) -> &str {
        &self.up.text
    }

    /// The statements of [`up`](Self::up) one by one, for what takes no script, such as a prepared statement.
    ///
    /// They may run in one transaction.
    pub fn up_statements(&self) -> &[Statement] {
        &self.up.statements
    }

    /// The script that reverts it; it drops its tables with all their rows.
    pub fn down(&self) -> &str {
        &self.down.text
    }

    /// The statements of [`down`](Self::down) one by one.
    pub fn down_statements(&self) -> &[Statement] {
        &self.down.statements
    }

    /// Writes both scripts to files and returns their paths.
    ///
    /// For `sqlx migrate`, a review or any other tool. The names are like `0001_usage_tables.up.sql` and
    /// `0001_usage_tables.down.sql`. The directory is created if it is missing. A file that holds the same text already
    /// is left alone.
    ///
    /// # Errors
    ///
    /// Whatever the file system reports, and [`AlreadyExists`](io::ErrorKind::AlreadyExists), naming the file, if one
    /// of them holds another text: then neither is written.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn write(model: &output_port_usage::UsageModel) -> std::io::Result<()> {
    /// for migration in model.migrations() {
    ///     migration.write_to("migrations")?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn write_to(&self, directory: impl AsRef<Path>) -> io::Result<[PathBuf; 2]> {
        let directory = directory.as_ref();
        fs::create_dir_all(directory)?;
        let file = |direction| directory.join(format!("{:04}_{}.{direction}.sql", self.id, self.name));
        let files = [(file("up"), self.up()), (file("down"), self.down())];
        let mut missing = Vec::new();
        for (file, text) in &files {
            match fs::read(file) {
                Ok(there) if there == text.as_bytes() => {}
                Ok(_) => {
                    let message = format!("{} says something else", file.display());
                    return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push((file, text)),
                Err(error) => return Err(error),
            }
        }
        for (file, text) in missing {
            fs::write(file, text)?;
        }
        Ok(files.map(|(file, _)| file))
    }
}

fn indexes<const N: usize>(id: u32, name: &'static str, indexes: [Index<'_>; N]) -> Migration {
    let up = Script::of(indexes.iter().map(Index::create));
    let down = Script::of(indexes.iter().rev().map(Index::drop));
    Migration { id, name, up, down }
}
