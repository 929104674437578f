//! What a backup and a restore ask PostgreSQL: what of the database is ours, counted in the very
//! snapshot that `pg_dump` reads, and what has to go before a restore. The database may be shared
//! with the application, of which nothing is read, dumped or dropped.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use super::schema::{migrations, public_names};
use super::turn::{Turn, fence, note_run};
use super::{Store, StoreError};

/// What the program keeps for itself.
pub(crate) const STATE_SCHEMA: &str = "recipe_monitoring_state";
/// Where systems keep the certificates of authorities, which libpq does not look for by itself.
const AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// A common beginning: where our tables lie, and which relations are ours.
const OURS: &str = "
    WITH home AS (
        SELECT coalesce((SELECT relnamespace FROM pg_class WHERE oid = to_regclass('system_metrics')),
                        to_regnamespace(quote_ident(current_schema())), to_regnamespace('public')) AS oid),
    relations AS (
        SELECT relation.oid, relname, relkind, nspname, nspname = 'recipe_monitoring_state' AS is_state,
               nspname = 'recipe_monitoring_state' OR relname = ANY($1)
               OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = relation.oid
                                                   AND inhparent = to_regclass('system_metrics')) AS is_ours
        FROM pg_class AS relation JOIN pg_namespace AS space ON space.oid = relnamespace CROSS JOIN home
        WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
          AND relnamespace IN (home.oid, to_regnamespace('recipe_monitoring_state')))";

/// The database as of one moment, for as long as this is held.
pub(crate) struct Frozen {
    connection: PgConnection,
    /// By which `pg_dump` reads the same moment.
    pub(crate) snapshot: String,
    /// The schema of the public tables.
    pub(crate) home: String,
    /// Rows of every table of ours, by its quoted name.
    pub(crate) tables: BTreeMap<String, u64>,
    /// Quoted names of what lies in the same schema and is not ours.
    pub(crate) others: Vec<String>,
    /// The newest migration that was run.
    pub(crate) migration: i64,
    /// `server_version_num`
    pub(crate) version: u32,
    /// Bytes of the whole database.
    pub(crate) bytes: u64,
}

/// A database that something is to be restored into.
#[derive(Debug)]
pub(crate) struct Target {
    /// The schema that tables without one are made in.
    pub(crate) home: String,
    /// `server_version_num`
    pub(crate) version: u32,
    /// A public table of ours that has rows.
    pub(crate) filled: Option<String>,
    /// Where the collector runs that works on it.
    pub(crate) worked_on_by: Option<String>,
    /// What takes away all that is ours, in order.
    pub(crate) drops: Vec<String>,
}

impl Frozen {
    /// Lets go of the moment.
    pub(crate) async fn thaw(self) {
        let _ = self.connection.close().await;
    }
}

impl Store {
    /// Holds the database still, as it looks from here; nobody else waits for that.
    pub(crate) async fn freeze(&self) -> Result<Frozen, StoreError> {
        // Not of the pool: it is held for long.
        let mut connection = self.pool.connect_options().connect().await?;
        let version = connection.server_version_num().unwrap_or(0);
        sqlx::raw_sql(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0;
             SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'",
        )
        .execute(&mut connection)
        .await?;
        let snapshot = sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut connection).await?;
        let (home, bytes): (String, i64) = sqlx::query_as(AssertSqlSafe(format!(
            "{OURS} SELECT nspname::text, pg_database_size(current_database())
             FROM home JOIN pg_namespace USING (oid) WHERE $1::text[] IS NOT NULL"
        )))
        .bind(public_names())
        .fetch_one(&mut connection)
        .await?;
        let ours: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "{OURS} SELECT format('%I.%I', nspname, relname) FROM relations WHERE is_ours AND relkind = 'r'"
        )))
        .bind(public_names())
        .fetch_all(&mut connection)
        .await?;
        let others = sqlx::query_scalar(AssertSqlSafe(format!(
            "{OURS} SELECT format('%I.%I', nspname, relname) FROM relations
             WHERE NOT is_ours AND NOT (relkind = 'S' AND EXISTS (
                 SELECT FROM pg_depend JOIN relations AS owner ON owner.oid = refobjid AND owner.is_ours
                 WHERE classid = 'pg_class'::regclass AND objid = relations.oid
                   AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')))"
        )))
        .bind(public_names())
        .fetch_all(&mut connection)
        .await?;
        let migration =
            sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations").fetch_one(&mut connection);
        let migration = migration.await?;
        let mut tables = BTreeMap::new();
        for table in ours {
            let rows = format!("SELECT count(*) FROM {table}");
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(&mut connection).await?;
            tables.insert(table, u64::try_from(rows).unwrap_or(0));
        }
        let bytes = u64::try_from(bytes).unwrap_or(0);
        Ok(Frozen { connection, snapshot, home, tables, others, migration, version, bytes })
    }

    /// What a restore into this database would meet.
    pub(crate) async fn before_restore(&self) -> Result<Target, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let version = connection.server_version_num().unwrap_or(0);
        let relations: Vec<(String, i8, bool, bool)> = sqlx::query_as(AssertSqlSafe(format!(
            "{OURS} SELECT format('%I.%I', nspname, relname), relkind, is_state, relname = '_sqlx_migrations'
             FROM relations WHERE is_ours
               AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = relations.oid)
             ORDER BY relkind DESC, relname"
        )))
        .bind(public_names())
        .fetch_all(&mut *connection)
        .await?;
        let functions: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "{OURS} SELECT format('%I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(function.oid))
             FROM pg_proc AS function JOIN pg_namespace AS space ON space.oid = pronamespace CROSS JOIN home
             WHERE nspname = 'recipe_monitoring_state' OR pronamespace = home.oid AND proname = ANY($1)"
        )))
        .bind(public_names())
        .fetch_all(&mut *connection)
        .await?;
        let home =
            sqlx::query_scalar("SELECT coalesce(current_schema(), 'public')::text").fetch_one(&mut *connection).await?;
        let has_state: bool = sqlx::query_scalar("SELECT to_regnamespace('recipe_monitoring_state') IS NOT NULL")
            .fetch_one(&mut *connection)
            .await?;
        let mut filled = None;
        for (name, kind, is_state, is_migrations) in &relations {
            if filled.is_none() && matches!(kind.cast_unsigned(), b'r' | b'p') && !is_state && !is_migrations {
                let sql = format!("SELECT EXISTS (SELECT FROM {name})");
                let has_rows: bool = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *connection).await?;
                filled = has_rows.then(|| name.clone());
            }
        }
        let leases: bool = sqlx::query_scalar("SELECT to_regclass('recipe_monitoring_state.leases') IS NOT NULL")
            .fetch_one(&mut *connection)
            .await?;
        let worked_on_by = match leases {
            true => {
                let sql = "SELECT host FROM recipe_monitoring_state.leases WHERE expires_at > clock_timestamp()";
                sqlx::query_scalar(sql).fetch_optional(&mut *connection).await?
            }
            false => None,
        };
        // What others have built on top of it, such as a view of their own, is never dropped: the
        // restore is refused then, by PostgreSQL and by name.
        let of = |wanted: &[u8], kind: &str| {
            let names = relations.iter().filter(|(_, kind, ..)| wanted.contains(&kind.cast_unsigned()));
            let names: Vec<_> = names.map(|(name, ..)| name.as_str()).collect();
            (!names.is_empty()).then(|| format!("DROP {kind} {};", names.join(", ")))
        };
        let mut drops: Vec<_> = of(b"v", "VIEW").into_iter().chain(of(b"m", "MATERIALIZED VIEW")).collect();
        drops.extend(of(b"rp", "TABLE"));
        drops.extend(functions.iter().map(|function| format!("DROP FUNCTION {function};")));
        drops.extend(has_state.then(|| format!("DROP SCHEMA {STATE_SCHEMA} CASCADE;")));
        Ok(Target { home, version, filled, worked_on_by, drops })
    }

    /// When the database was set up; `None` where it was not.
    pub(crate) async fn set_up_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT (extract(epoch FROM min(installed_on)) * 1000000)::bigint FROM _sqlx_migrations";
        let microsecond: Option<i64> = sqlx::query_scalar(sql).fetch_one(&*self.pool).await?;
        Ok(microsecond.and_then(|microsecond| Timestamp::from_microsecond(microsecond).ok()))
    }

    /// Notes that `turn`, which took so many seconds elsewhere, is done, if the right to do it still holds.
    pub(crate) async fn note_done(&self, turn: &Turn, seconds: f64, did: &str) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        note_run(&mut transaction, turn, seconds, did).await?;
        fence(&mut transaction, turn.right).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What PostgreSQL's own programs have to have in their environment to get to this database. The
    /// password is on no command line, which every user of the machine may read.
    pub(crate) fn client_environment(&self) -> Vec<(&'static str, OsString)> {
        environment(&self.pool.connect_options())
    }
}

/// The newest migration that this program knows.
pub(crate) fn newest_migration() -> i64 {
    migrations().iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Whether `name` is one of our relations or functions.
pub(crate) fn is_ours(name: &str) -> bool {
    public_names().contains(&name)
}

/// Statements that end a restore if a table has other than these rows.
pub(crate) fn comparison(tables: &BTreeMap<String, u64>) -> String {
    let mut sql = "DO $check$ DECLARE found BIGINT; BEGIN\n".to_owned();
    for (table, rows) in tables {
        let _ = writeln!(
            sql,
            "SELECT count(*) INTO found FROM {table}; IF found <> {rows} THEN RAISE EXCEPTION '% has % rows instead of {rows}', {}, found; END IF;",
            literal(table)
        );
    }
    sql + "END $check$;\n"
}

/// What is not of the time of the backup any more: nobody works on the database now.
pub(crate) const LAST_WORDS: &str = "UPDATE recipe_monitoring_state.leases SET expires_at = '-infinity';\nCOMMIT;\n";

/// An SQL string.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn environment(options: &PgConnectOptions) -> Vec<(&'static str, OsString)> {
    let host = match options.get_socket() {
        Some(directory) => directory.clone().into_os_string(),
        None => options.get_host().trim_matches(['[', ']']).into(),
    };
    let mode = match options.get_ssl_mode() {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    };
    let mut environment: Vec<(&str, OsString)> = vec![
        ("PGHOST", host),
        ("PGPORT", options.get_port().to_string().into()),
        ("PGUSER", options.get_username().into()),
        ("PGDATABASE", super::database(options).into()),
        ("PGSSLMODE", mode.into()),
        ("PGAPPNAME", "recipe-monitoring backup".into()),
        ("PGCONNECT_TIMEOUT", "10".into()),
    ];
    // The only way to what sqlx keeps to itself; the other parts of this URL are not always one.
    let url = options.clone().host("localhost").username("nobody").to_url_lossy();
    let file = |value: &str| value.strip_prefix("file: ").map(OsString::from);
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    environment.extend(url.password().map(|password| ("PGPASSWORD", plain(password).into())));
    for (name, value) in url.query_pairs() {
        match &*name {
            "sslrootcert" => environment.extend(file(&value).map(|file| ("PGSSLROOTCERT", file))),
            "sslcert" => environment.extend(file(&value).map(|file| ("PGSSLCERT", file))),
            "sslkey" => environment.extend(file(&value).map(|file| ("PGSSLKEY", file))),
            _ => {}
        }
    }
    let is_checked = matches!(options.get_ssl_mode(), PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    if is_checked && !environment.iter().any(|(name, _)| *name == "PGSSLROOTCERT") {
        let found = AUTHORITIES.into_iter().find(|path| std::fs::exists(path).unwrap_or(false));
        environment.extend(found.map(|path| ("PGSSLROOTCERT", path.into())));
    }
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(url: &str, name: &str) -> Option<String> {
        let environment = environment(&super::super::options(url).unwrap());
        let value = environment.into_iter().find(|(known, _)| *known == name)?.1;
        Some(value.into_string().unwrap())
    }

    #[test]
    fn postgresqls_own_programs_get_what_the_url_says_whatever_it_holds() {
        let address = super::super::Address {
            host: "::1".to_owned(),
            port: 5433,
            database: "レシピ".to_owned(),
            user: "a/b:c@d".to_owned(),
        };
        let url = address.url("p:/?#[]@!$&'()*+,;= %\"\\日", "sslmode=require");
        for (name, expected) in [
            ("PGHOST", "::1"),
            ("PGPORT", "5433"),
            ("PGDATABASE", "レシピ"),
            ("PGUSER", "a/b:c@d"),
            ("PGPASSWORD", "p:/?#[]@!$&'()*+,;= %\"\\日"),
            ("PGSSLMODE", "require"),
        ] {
            assert_eq!(value(&url, name).as_deref(), Some(expected), "{name}");
        }
        let socket = "postgres://cook@localhost:5433/recipe_db?host=%2Fvar%2Frun%2Fpost%20gres";
        assert_eq!(value(socket, "PGHOST").as_deref(), Some("/var/run/post gres"));
        let remote = "postgres://cook@db.example.com/recipe_db";
        assert_eq!(value(remote, "PGSSLMODE").as_deref(), Some("verify-full"));
        let own = "postgres://cook@db.example.com/recipe_db?sslmode=verify-ca&sslrootcert=/etc/own.pem";
        assert_eq!(value(own, "PGSSLROOTCERT").as_deref(), Some("/etc/own.pem"));
    }

    #[test]
    fn rows_are_compared_in_sql_that_says_which_table_lacks_them() {
        let sql = comparison(&BTreeMap::from([("public.\"it's\"".to_owned(), 7)]));
        assert!(sql.contains("FROM public.\"it's\"; IF found <> 7") && sql.contains("E'public.\"it''s\"'"), "{sql}");
    }
}
