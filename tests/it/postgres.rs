//! What the model says to Postgres: tables, writes, upkeep.

pub(crate) mod backfill;
pub(crate) mod check;
pub(crate) mod combinations;
pub(crate) mod concurrency;
pub(crate) mod coverage;
pub(crate) mod ddl;
pub(crate) mod distribute;
pub(crate) mod dropped;
pub(crate) mod foreign_keys;
pub(crate) mod found;
pub(crate) mod grants;
pub(crate) mod ingest;
pub(crate) mod killed;
pub(crate) mod large_batch;
pub(crate) mod migrations;
pub(crate) mod partitioned;
pub(crate) mod pooled;
pub(crate) mod reconcile;
pub(crate) mod reconcile_random;
pub(crate) mod relay;
pub(crate) mod removal;
pub(crate) mod row_security;
pub(crate) mod shadowed;
pub(crate) mod upsert;
pub(crate) mod ways_to_read;
pub(crate) mod writes_random;
