//! The pool, and the tables made at the start.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};

/// A request that waits longer for a connection is answered with 503.
const WAIT: Duration = Duration::from_secs(3);
const CONNECTIONS: u32 = 10;

/// Why there is no database to work on.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The URL is none.
    #[error("the database URL is not valid: {0}; use the form postgres://user:password@host/database")]
    Url(#[source] sqlx::Error),
    /// PostgreSQL did not do what was asked.
    #[error("PostgreSQL does not do it: {0}; check that it runs and that the user may create schemas there")]
    Postgres(#[from] sqlx::Error),
    /// Names of databases are written into a statement as they are.
    #[error("'{0}' is no name for a database; use letters, digits and _")]
    Name(String),
}

/// Connects, to another database of the server where one is named, and makes what is missing.
pub async fn open(url: &str, database: Option<&str>) -> Result<PgPool, DatabaseError> {
    let mut options = PgConnectOptions::from_str(url).map_err(DatabaseError::Url)?;
    if let Some(name) = database {
        create(&options, name).await?;
        options = options.database(name);
    }
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(WAIT).connect_with(options).await?;
    sqlx::raw_sql(include_str!("tables.sql")).execute(&pool).await?;
    Ok(pool)
}

async fn create(options: &PgConnectOptions, name: &str) -> Result<(), DatabaseError> {
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
    if !is_name(name) {
        return Err(DatabaseError::Name(name.to_owned()));
    }
    let mut connection = options.connect().await?;
    let known = sqlx::query("SELECT FROM pg_database WHERE datname = $1").bind(name);
    if known.fetch_optional(&mut connection).await?.is_none() {
        let create = format!("CREATE DATABASE \"{name}\"");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}
