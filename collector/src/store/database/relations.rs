//! Tables and indexes: how large they are, and whether they are used and looked after.
//!
//! Asking for a size takes a lock on the table, for which a statement that rewrites it, such as
//! `VACUUM FULL`, would make us wait: of such a table the size is the one that was noted last.

use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::look::timestamp;
use super::unsigned;
use crate::database::{Growth, Index, Relations, Table};

/// Tables and indexes that are shown, and whose sizes are kept.
const LARGEST: i64 = 50;
/// Tables that are measured, by the size that was noted last.
const MEASURED: i64 = 1_000;
/// Lines for an administrator at the most.
const GRANTS: usize = 3;

/// Tables and indexes, each with its size: `(table, None or index, bytes)`.
pub(crate) type Sizes = Vec<(String, Option<String>, u64)>;

/// The largest tables as `largest`, with their sizes.
fn tables() -> String {
    format!(
        "busy AS MATERIALIZED (
             SELECT DISTINCT relation FROM pg_locks
             WHERE mode = 'AccessExclusiveLock' AND relation IS NOT NULL AND pid <> pg_backend_pid()
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
         known AS MATERIALIZED (
             SELECT pg_class.oid, nspname || '.' || relname AS name, nspname, relname, reltoastrelid, relpages, reltuples,
                    relfrozenxid, reloptions
             FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
             WHERE relkind IN ('r', 'm') AND relpersistence <> 't'
               AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
             ORDER BY relpages DESC, pg_class.oid LIMIT {MEASURED}),
         checked AS MATERIALIZED (
             SELECT known.*, EXISTS (
                 SELECT FROM busy WHERE relation IN (known.oid, known.reltoastrelid)
                    OR relation IN (SELECT indexrelid FROM pg_index WHERE indrelid IN (known.oid, known.reltoastrelid))
             ) AS is_busy FROM known),
         measured AS MATERIALIZED (
             SELECT checked.*,
                    CASE WHEN is_busy THEN relpages::bigint * current_setting('block_size')::bigint
                         ELSE pg_table_size(oid) END AS bytes,
                    CASE WHEN is_busy THEN (SELECT coalesce(sum(relpages), 0)::bigint * current_setting('block_size')::bigint
                                            FROM pg_index JOIN pg_class AS i ON i.oid = indexrelid WHERE indrelid = checked.oid)
                         ELSE pg_indexes_size(oid) END AS index_bytes
             FROM checked),
         largest AS MATERIALIZED (
             SELECT * FROM measured WHERE bytes IS NOT NULL ORDER BY bytes + coalesce(index_bytes, 0) DESC, name LIMIT {LARGEST})"
    )
}

/// Indexes of the measured tables as `indexes`, with their sizes.
const INDEXES: &str = "
    indexes AS MATERIALIZED (
        SELECT pg_class.oid, pg_class.relname::text AS name, measured.name AS on_table,
               CASE WHEN is_busy THEN pg_class.relpages::bigint * current_setting('block_size')::bigint
                    ELSE pg_relation_size(pg_class.oid) END AS bytes,
               coalesce(idx_scan, 0) AS scans,
               coalesce(idx_scan, 0) = 0 AND NOT indisunique AND NOT indisexclusion AND indisvalid
               AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = pg_class.oid) AS is_unused
        FROM (SELECT oid AS table_oid, name, is_busy FROM measured) AS measured
        JOIN pg_index ON indrelid = table_oid JOIN pg_class ON pg_class.oid = indexrelid
        LEFT JOIN pg_stat_all_indexes AS used ON used.indexrelid = pg_class.oid)";

/// Of the largest.
pub(super) async fn sizes(connection: &mut PgConnection) -> sqlx::Result<Sizes> {
    let sql = format!(
        "WITH {tables}, {INDEXES}
         SELECT name, NULL AS index, bytes FROM largest
         UNION ALL
         (SELECT on_table, name, bytes FROM indexes WHERE bytes IS NOT NULL ORDER BY bytes DESC, name LIMIT {LARGEST})",
        tables = tables()
    );
    let rows: Vec<(String, Option<String>, i64)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(table, index, bytes)| (table, index, unsigned(bytes))).collect())
}

#[derive(FromRow)]
struct TableRow {
    name: String,
    bytes: i64,
    index_bytes: Option<i64>,
    rows: Option<i64>,
    dead_rows: i64,
    bloat_bytes: Option<i64>,
    vacuumed_at: Option<i64>,
    analyzed_at: Option<i64>,
    transaction_age: i64,
    sequential_scans: i64,
    index_scans: i64,
    may_read: bool,
    grant_line: String,
}

/// A row takes four bytes for its place in the page, a header of 24 and its columns, in steps of
/// eight; a page has a header of 24. What of the pages that leaves over, beyond what the table's
/// fill factor keeps free, is taken for bloat, as the well-known query of ioguix' `pgsql-bloat-estimation` does.
const TABLE: &str = "
    SELECT name, bytes, index_bytes, CASE WHEN reltuples >= 0 THEN reltuples::bigint END AS rows,
           coalesce(n_dead_tup, 0) AS dead_rows,
           CASE WHEN reltuples > 0 AND width IS NOT NULL THEN
               (greatest(relpages - ceil(reltuples * (28 + ceil(width / 8) * 8) * 100 / fill
                                         / (current_setting('block_size')::int - 24)), 0)
                * current_setting('block_size')::int)::bigint END AS bloat_bytes,
           (extract(epoch FROM greatest(last_vacuum, last_autovacuum)) * 1000)::bigint AS vacuumed_at,
           (extract(epoch FROM greatest(last_analyze, last_autoanalyze)) * 1000)::bigint AS analyzed_at,
           CASE WHEN relfrozenxid <> '0' THEN age(relfrozenxid) ELSE 0 END::bigint AS transaction_age,
           coalesce(seq_scan, 0) AS sequential_scans, coalesce(idx_scan, 0) AS index_scans,
           has_any_column_privilege(largest.oid, 'SELECT') AS may_read,
           format('GRANT SELECT ON %I.%I TO %I;', largest.nspname, largest.relname, current_user) AS grant_line
    FROM largest LEFT JOIN pg_stat_all_tables ON relid = largest.oid
    LEFT JOIN LATERAL (
        SELECT coalesce(substring(array_to_string(reloptions, ' ') FROM 'fillfactor=([0-9]+)')::int, 100) AS fill) AS f ON true
    LEFT JOIN LATERAL (
        SELECT sum((1 - null_frac) * avg_width) AS width FROM pg_stats
        WHERE schemaname = largest.nspname AND tablename = largest.relname AND NOT inherited) AS w ON true
    ORDER BY bytes + coalesce(index_bytes, 0) DESC, name";

/// The relations, and what an administrator would have to grant so that all of it is seen.
pub(super) async fn relations(connection: &mut PgConnection) -> sqlx::Result<(Relations, Vec<String>)> {
    let sql = format!("WITH {tables} {TABLE}", tables = tables());
    let rows: Vec<TableRow> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
    let hidden = rows.iter().filter(|row| !row.may_read);
    let grants = hidden.take(GRANTS).map(|row| row.grant_line.clone()).collect();
    let sql = format!(
        "WITH {tables}, {INDEXES},
         large AS (SELECT * FROM indexes WHERE bytes IS NOT NULL ORDER BY bytes DESC, name LIMIT {LARGEST}),
         unused AS (SELECT * FROM indexes WHERE is_unused AND bytes IS NOT NULL ORDER BY bytes DESC, name LIMIT {LARGEST})
         SELECT false, name, on_table, bytes, scans FROM large UNION ALL SELECT true, name, on_table, bytes, scans FROM unused",
        tables = tables()
    );
    let found: Vec<(bool, String, String, i64, i64)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(connection).await?;
    let table = |row: TableRow| Table {
        name: row.name,
        bytes: unsigned(row.bytes),
        index_bytes: row.index_bytes.map_or(0, unsigned),
        rows: row.rows.map(unsigned),
        dead_rows: unsigned(row.dead_rows),
        bloat_bytes: row.bloat_bytes.map(unsigned),
        vacuumed_at: timestamp(row.vacuumed_at),
        analyzed_at: timestamp(row.analyzed_at),
        transaction_age: unsigned(row.transaction_age),
        sequential_scans: unsigned(row.sequential_scans),
        index_scans: unsigned(row.index_scans),
        growth: Growth::default(),
    };
    let mut relations = Relations { tables: rows.into_iter().map(table).collect(), ..Relations::default() };
    for (is_unused, name, table, bytes, scans) in found {
        let index = Index { name, table, bytes: unsigned(bytes), scans: unsigned(scans), growth: Growth::default() };
        if is_unused { relations.unused_indexes.push(index) } else { relations.indexes.push(index) }
    }
    Ok((relations, grants))
}
