//! The library's migrations among the host's own.

use output_port_usage::Migration;
use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

use crate::model;

/// The host's migrator; its table `seaql_migrations` stays the only history.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let model = model().expect("the names in it are constants");
        let usage = model.migrations().into_iter().map(|migration| {
            let name = format!("m20260101_{:06}_{}", migration.id(), migration.name());
            Box::new(Usage { name, migration }) as Box<dyn MigrationTrait>
        });
        // A host puts them after those that make the parent tables.
        let own: [Box<dyn MigrationTrait>; 1] = [Box::new(Parents)];
        own.into_iter().chain(usage).collect()
    }
}

/// One migration of the library.
struct Usage {
    name: String,
    migration: Migration,
}

impl MigrationName for Usage {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Usage {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(self.migration.up()).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(self.migration.down()).await?;
        Ok(())
    }
}

/// What the host has already: its parent tables, and the schema.
struct Parents;

impl MigrationName for Parents {
    fn name(&self) -> &str {
        "m20250101_000001_portal"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Parents {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let portal = "CREATE TABLE datasets (id uuid PRIMARY KEY, name text NOT NULL);
            CREATE TABLE data_products (id uuid PRIMARY KEY, name text NOT NULL);
            CREATE TABLE technical_assets (id uuid PRIMARY KEY, name text NOT NULL);
            CREATE SCHEMA usage;";
        manager.get_connection().execute_unprepared(portal).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let nothing = "DROP SCHEMA usage; DROP TABLE datasets, data_products, technical_assets";
        manager.get_connection().execute_unprepared(nothing).await?;
        Ok(())
    }
}
