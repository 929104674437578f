//! Annotations, which are saved at once or not at all.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::PgConnection;

use super::{Store, StoreError};
use crate::annotation::Annotation;

/// Which annotations are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationQuery {
    /// Begins at this time or later, or lasts until then.
    pub from: Option<Timestamp>,
    /// Begins at this time or before.
    pub to: Option<Timestamp>,
    /// Has this tag.
    pub tag: Option<String>,
    /// At most so many, those that begin last.
    pub limit: u16,
}

/// What an annotation has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The annotation as it is kept.
    pub annotation: Annotation,
    /// False where its id was known, which has changed nothing.
    pub is_new: bool,
}

/// Those annotations that are meant.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT id, (extract(epoch FROM timestamp) * 1000000)::bigint,
                    (extract(epoch FROM ends_at) * 1000000)::bigint, text, tags, created_by,
                    (extract(epoch FROM created_at) * 1000000)::bigint
             FROM annotations ",
            $which
        )
    };
}

/// Of what the server does for us, and of how long it waits for us.
const LIMITS: &str = "SELECT set_config('statement_timeout', $1, TRUE),
    set_config('idle_in_transaction_session_timeout', $1, TRUE)";

type Row = (String, i64, Option<i64>, String, Vec<String>, String, i64);

fn of_row((id, at, ends_at, text, tags, created_by, created_at): Row) -> Annotation {
    let time = |microsecond| Timestamp::from_microsecond(microsecond).unwrap_or_default();
    Annotation { id, at: time(at), ends_at: ends_at.map(time), text, tags, created_by, created_at: time(created_at) }
}

impl Store {
    /// Keeps an annotation, unless one of its id is kept, and answers the one that is.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLong`] after `limit`, or [`StoreError::Query`]; nothing was kept then.
    pub async fn annotate(&self, annotation: &Annotation, limit: Duration) -> Result<Marked, StoreError> {
        self.at_once(limit, async |connection| {
            let insert = "INSERT INTO annotations (id, timestamp, ends_at, text, tags, created_by, created_at)
                          VALUES ($1, $2::text::timestamptz, $3::text::timestamptz, $4, $5, $6, $7::text::timestamptz)
                          ON CONFLICT (id) DO NOTHING";
            let inserted = sqlx::query(insert)
                .bind(&annotation.id)
                .bind(annotation.at.to_string())
                .bind(annotation.ends_at.map(|ends_at| ends_at.to_string()))
                .bind(&annotation.text)
                .bind(&annotation.tags)
                .bind(&annotation.created_by)
                .bind(annotation.created_at.to_string())
                .execute(&mut *connection)
                .await?;
            let kept = sqlx::query_as(select!("WHERE id = $1")).bind(&annotation.id).fetch_one(connection).await?;
            Ok(Marked { annotation: of_row(kept), is_new: inserted.rows_affected() > 0 })
        })
        .await
    }

    /// Removes the annotation of this id; answers whether there was one.
    ///
    /// # Errors
    ///
    /// As [`Store::annotate`].
    pub async fn remove_annotation(&self, id: &str, limit: Duration) -> Result<bool, StoreError> {
        self.at_once(limit, async |connection| {
            let deleted = sqlx::query("DELETE FROM annotations WHERE id = $1").bind(id).execute(connection).await?;
            Ok(deleted.rows_affected() > 0)
        })
        .await
    }

    /// Annotations, those that begin last first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub async fn annotations(&self, query: &AnnotationQuery) -> Result<Vec<Annotation>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(select!(
            "WHERE ($1::text IS NULL OR coalesce(ends_at, timestamp) >= $1::text::timestamptz)
               AND ($2::text IS NULL OR timestamp <= $2::text::timestamptz)
               AND ($3::text IS NULL OR $3 = ANY (tags))
             ORDER BY timestamp DESC, id DESC LIMIT $4"
        ))
        .bind(query.from.map(|at| at.to_string()))
        .bind(query.to.map(|at| at.to_string()))
        .bind(&query.tag)
        .bind(i64::from(query.limit))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(of_row).collect())
    }

    /// Does something that is there as a whole within `limit`, or not at all: the server takes back
    /// what we have given up.
    async fn at_once<T>(
        &self,
        limit: Duration,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transact = async {
            let mut transaction = self.pool.begin().await?;
            sqlx::query(LIMITS).bind(limit.as_millis().to_string()).execute(&mut *transaction).await?;
            let done = work(&mut transaction).await?;
            transaction.commit().await?;
            Ok(done)
        };
        tokio::time::timeout(limit, transact).await.unwrap_or(Err(StoreError::TooLong(limit)))
    }
}
