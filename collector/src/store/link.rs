//! A connection beside the pool: what is told of PostgreSQL must be told also while the pool is
//! exhausted, and must not make it so.

use futures_util::future::BoxFuture;
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::{Store, notice_our_death};
use crate::sample::Pool;

/// A connection that is kept while it works, and made when it is first needed.
#[derive(Debug)]
pub(crate) struct Link {
    store: Store,
    /// Sets how long a statement may take.
    limits: &'static str,
    connection: Option<PgConnection>,
}

impl Link {
    pub(crate) fn new(store: Store, limits: &'static str) -> Self {
        Self { store, limits, connection: None }
    }

    /// Does some work on it. Whoever gives up in the middle of it, or loses it, ends the connection.
    pub(super) async fn with<T>(
        &mut self,
        work: impl for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, sqlx::Result<T>> + Send,
    ) -> sqlx::Result<T> {
        let known = self.connection.take();
        let was_known = known.is_some();
        let mut connection = match known {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let mut outcome = work(&mut connection).await;
        // That somebody ended the old one says nothing of the server.
        if was_known && outcome.as_ref().is_err_and(is_lost) {
            connection = self.connect().await?;
            outcome = work(&mut connection).await;
        }
        if !outcome.as_ref().is_err_and(is_lost) {
            self.connection = Some(connection);
        }
        outcome
    }

    /// How the pool beside it stands.
    pub(super) fn pool(&self) -> Pool {
        self.store.pool.state()
    }

    /// Ends the connection.
    pub(crate) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            let _ = connection.close().await;
        }
    }

    async fn connect(&self) -> sqlx::Result<PgConnection> {
        let mut connection = self.store.pool.connect_options().connect().await?;
        notice_our_death(&mut connection).await?;
        sqlx::raw_sql(self.limits).execute(&mut connection).await?;
        Ok(connection)
    }
}

/// Whether this is what the server says last on a connection: that it or the connection ends.
pub(super) fn is_last_word(code: &str) -> bool {
    code.starts_with("57P") || code.starts_with("08")
}

/// Whether the connection is none any more: whatever the server did not say, and what it says last.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_last_word(&code)),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound => false,
        _ => true,
    }
}
