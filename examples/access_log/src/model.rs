//! The portal's own tables, and the model over them.

/// The model of the examples, as JSON of the library's `UsageModelBuilder`: parents in the schema `portal`, usage in
/// the schema `usage`.
pub const MODEL: &str = include_str!("../../sample/model.json");

/// What makes the parents of [`MODEL`], in an empty database.
pub const PARENTS: &str = "
    CREATE SCHEMA portal;
    CREATE TABLE portal.domains (id uuid PRIMARY KEY, name text NOT NULL);
    CREATE TABLE portal.data_products (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        domain_id uuid REFERENCES portal.domains
    );
    CREATE TABLE portal.datasets (id uuid PRIMARY KEY, name text NOT NULL);
    CREATE TABLE portal.technical_assets (id uuid PRIMARY KEY, name text NOT NULL);
";
