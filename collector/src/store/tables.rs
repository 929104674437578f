//! How large our own tables are, as PostgreSQL's statistics have it.

use serde::Serialize;

use super::backup::{STATE_SCHEMA, newest_migration};
use super::schema::public_names;
use super::{Store, StoreError};

/// A table of ours, with its partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OwnTable {
    /// Its name; one that the program keeps for itself has its schema before it.
    pub name: String,
    /// Rows, about.
    pub rows: u64,
    /// Bytes with its indexes.
    pub bytes: u64,
}

impl Store {
    /// Our tables, the largest first.
    pub(crate) async fn own_tables(&self) -> Result<Vec<OwnTable>, StoreError> {
        let sql = "
            WITH ours AS (
                SELECT oid, CASE relnamespace WHEN to_regnamespace($2) THEN $2 || '.' ELSE '' END || relname AS name
                FROM pg_class
                WHERE relkind IN ('r', 'p', 'm')
                  AND (relnamespace = to_regnamespace($2)
                       OR relname = ANY($1) AND relnamespace = (
                           SELECT relnamespace FROM pg_class WHERE oid = to_regclass('system_metrics')))),
            parts AS (
                SELECT name, oid FROM ours
                UNION ALL
                SELECT name, inhrelid FROM ours JOIN pg_inherits ON inhparent = oid)
            SELECT name::text, sum(coalesce(n_live_tup, 0))::bigint, sum(pg_total_relation_size(oid))::bigint
            FROM parts LEFT JOIN pg_stat_all_tables ON relid = oid
            GROUP BY name ORDER BY 3 DESC, 1";
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as(sql).bind(public_names()).bind(STATE_SCHEMA).fetch_all(&self.pool).await?;
        let number = |value| u64::try_from(value).unwrap_or(0);
        let table = |(name, rows, bytes)| OwnTable { name, rows: number(rows), bytes: number(bytes) };
        Ok(rows.into_iter().map(table).collect())
    }

    /// What PostgreSQL calls itself.
    pub(crate) async fn version(&self) -> Result<String, StoreError> {
        Ok(sqlx::query_scalar("SELECT version()").fetch_one(&self.pool).await?)
    }

    /// The migrations that were run, the oldest first.
    pub(crate) async fn migrations_applied(&self) -> Result<Vec<AppliedMigration>, StoreError> {
        let sql = "SELECT version, description, installed_on::text, success FROM _sqlx_migrations ORDER BY version";
        let rows: Vec<(i64, String, String, bool)> = sqlx::query_as(sql).fetch_all(&self.pool).await?;
        let migration = |(version, description, applied_at, succeeded)| {
            let is_known = version <= newest_migration();
            AppliedMigration { version, description, applied_at, succeeded, is_known }
        };
        Ok(rows.into_iter().map(migration).collect())
    }
}

/// A migration that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AppliedMigration {
    version: i64,
    description: String,
    applied_at: String,
    succeeded: bool,
    /// Whether this program is as new as it.
    is_known: bool,
}
