//! The pool of connections. It counts those who wait for one, which sqlx's own does not say; and it begins transactions to
//! their end.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Describe, Either, Execute, Executor, Postgres, SqlSafeStr, SqlStr, Transaction};
use tokio::sync::mpsc;

use crate::sample::Pool as State;

/// Rows on their way from a connection to whoever reads them.
const ROWS: usize = 64;

/// A pool like sqlx's. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    inner: PgPool,
    waiting: Arc<AtomicU64>,
}

/// Somebody who waits, until this is dropped.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicU64) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is not about taking a connection is as it is.
impl Deref for Pool {
    type Target = PgPool;

    fn deref(&self) -> &PgPool {
        &self.inner
    }
}

impl Pool {
    pub(crate) fn new(inner: PgPool) -> Self {
        Self { inner, waiting: Arc::default() }
    }

    /// How it stands.
    pub(crate) fn state(&self) -> State {
        let (size, idle) = (u64::from(self.inner.size()), self.inner.num_idle() as u64);
        State {
            idle,
            active: size.saturating_sub(idle),
            waiting: self.waiting.load(Ordering::Relaxed),
            most: self.inner.options().get_max_connections().into(),
        }
    }

    pub(crate) async fn acquire(&self) -> sqlx::Result<PoolConnection<Postgres>> {
        let _waiting = Waiting::begin(&self.waiting);
        self.inner.acquire().await
    }

    pub(crate) async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        begin(self.acquire().await?, None).await
    }

    pub(crate) async fn begin_with(&self, statement: &'static str) -> sqlx::Result<Transaction<'static, Postgres>> {
        begin(self.acquire().await?, Some(statement.into_sql_str())).await
    }
}

/// Begins a transaction in a task of its own, so also where whoever asked has given up. sqlx 0.9.0 takes no notice of a
/// transaction whose BEGIN nobody waits for, and hands on a connection that is still in it: what the next one writes there
/// is never committed, and after the first error everybody's queries fail
/// (<https://github.com/transact-rs/sqlx/issues/4385>).
async fn begin(
    connection: PoolConnection<Postgres>,
    statement: Option<SqlStr>,
) -> sqlx::Result<Transaction<'static, Postgres>> {
    let beginning = tokio::spawn(Transaction::begin(connection, statement));
    // It neither panics nor is it stopped, except by the end of the program.
    beginning.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

/// As sqlx does it for its own, one connection for each statement.
impl<'p> Executor<'p> for &'_ Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let pool = self.clone();
        let (rows, mut taken) = mpsc::channel(ROWS);
        let work = async move {
            let mut connection = match pool.acquire().await {
                Ok(connection) => connection,
                Err(error) => return drop(rows.send(Err(error)).await),
            };
            let mut answers = connection.fetch_many(query);
            while let Some(answer) = answers.next().await {
                if rows.send(answer).await.is_err() {
                    return;
                }
            }
        };
        // The work has no items of its own, and goes on while they are read.
        let work = work.into_stream().filter_map(|()| async { None });
        stream::select(work, stream::poll_fn(move |context| taken.poll_recv(context))).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let pool = self.clone();
        async move { pool.acquire().await?.fetch_optional(query).await }.boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'p: 'e,
    {
        let pool = self.clone();
        async move { pool.acquire().await?.prepare_with(sql, parameters).await }.boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'p: 'e,
    {
        let pool = self.clone();
        async move { pool.acquire().await?.describe(sql).await }.boxed()
    }
}
