//! Numbers that a query of the settings answers, from the application's own database. It is only
//! ever read: every query runs in a transaction that may not write, and that is rolled back.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgPoolOptions, PgTypeInfo};
use sqlx::{AssertSqlSafe, Encode, Postgres, Type};

use crate::InJapanese;
use crate::sentence::seconds;
use crate::store::{Pool, StoreError, options};

/// Connections to the application's database.
const CONNECTIONS: u32 = 2;
/// A connection that is not used for so long is closed.
const IDLE: Duration = Duration::from_secs(300);
/// For the way there and back, beside the time of the statement.
const ROUND_TRIP: Duration = Duration::from_secs(5);

/// Why there is no number.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SqlError {
    /// No connection, or none in time.
    #[error("the database in business.database_url does not answer: check that it runs and lets this user in")]
    Unreachable,
    /// It ran into `business.statement_timeout` or waited so long for a lock.
    #[error(
        "its sql took longer than {0:?}: give it an index on the time that it selects by, or raise business.statement_timeout"
    )]
    TooSlow(Duration),
    /// It tried to write.
    #[error("its sql tries to write, which PostgreSQL has refused: let it only SELECT")]
    Writes,
    /// The user may not read what it reads.
    #[error("the user in business.database_url may not read what its sql reads: GRANT SELECT on it")]
    Denied,
    /// PostgreSQL makes nothing of it.
    #[error(
        "PostgreSQL refuses its sql with error {0}: see the collector's log, and let it SELECT one number between $1 and $2"
    )]
    Refused(String),
    /// What it answers is NaN or infinite.
    #[error("its sql answers what is not a finite number: let it SELECT one number")]
    NotANumber,
}

impl InJapanese for SqlError {
    fn ja(&self) -> String {
        match self {
            Self::Unreachable => "business.database_url のデータベースが応答しません。動作しているか、このユーザーで\
                                  接続できるかを確認してください"
                .to_owned(),
            Self::TooSlow(timeout) => format!(
                "sql が {}以内に終わりませんでした。条件に使う時刻の列に索引を付けるか、business.statement_timeout を\
                 長くしてください",
                seconds(*timeout)
            ),
            Self::Writes => {
                "sql が書き込もうとしたため、PostgreSQL が拒否しました。「SELECT」だけにしてください".to_owned()
            }
            Self::Denied => "business.database_url のユーザーには、sql が読む表の読み取り権限がありません。\
                             「GRANT SELECT」で許可してください"
                .to_owned(),
            Self::Refused(code) => format!(
                "PostgreSQL が sql をエラー {code} で拒否しました。コレクターのログを確認し、「$1」から「$2」までの数値を \
                 1 つだけ「SELECT」するようにしてください"
            ),
            Self::NotANumber => {
                "sql の結果が有限の数値ではありません。数値を 1 つだけ「SELECT」するようにしてください".to_owned()
            }
        }
    }
}

/// Asks the application's database.
#[derive(Clone, Debug)]
pub(crate) struct SqlReader {
    pool: Pool,
    timeout: Duration,
}

impl SqlReader {
    /// A reader of the database at `url`; connects when it is first asked.
    ///
    /// # Errors
    ///
    /// [`StoreError::Url`]
    pub(crate) fn new(url: &str, timeout: Duration) -> Result<Self, StoreError> {
        let options = options(url)?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .idle_timeout(IDLE)
            .acquire_timeout(ROUND_TRIP)
            .connect_lazy_with(options);
        Ok(Self { pool: Pool::new(pool), timeout })
    }

    /// The number that `sql` answers for the time from `from` until before `to`, which are its
    /// `$1` and `$2`; 0 where it answers NULL or no row, as sums do over nothing.
    ///
    /// # Errors
    ///
    /// See [`SqlError`]; the cause is in the log.
    pub(crate) async fn count(&self, sql: &str, from: Timestamp, to: Timestamp) -> Result<f64, SqlError> {
        let answer = tokio::time::timeout(self.timeout + ROUND_TRIP, self.ask(sql, from, to)).await;
        let answer = answer.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let number = answer.map_err(|error| {
            tracing::warn!(%error, sql, "a business metric's sql failed");
            self.reason(&error)
        })?;
        let number = number.unwrap_or(0.0);
        if number.is_finite() { Ok(number) } else { Err(SqlError::NotANumber) }
    }

    async fn ask(&self, sql: &str, from: Timestamp, to: Timestamp) -> Result<Option<f64>, sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN READ ONLY").await?;
        // As a subquery it is one statement of one number of whatever type; the end of the line
        // ends a comment.
        let asked = format!("SELECT (\n{}\n)::float8", sql.trim().trim_end_matches(';'));
        let milliseconds = self.timeout.as_millis().to_string();
        sqlx::query("SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $1, true)")
            .bind(milliseconds)
            .execute(&mut *transaction)
            .await?;
        let answer = sqlx::query_scalar(AssertSqlSafe(asked))
            .bind(Moment(from))
            .bind(Moment(to))
            .fetch_one(&mut *transaction)
            .await;
        transaction.rollback().await?;
        answer
    }

    /// By the codes of <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn reason(&self, error: &sqlx::Error) -> SqlError {
        let sqlx::Error::Database(error) = error else { return SqlError::Unreachable };
        let code = error.code().unwrap_or_default();
        match &*code {
            "57014" | "55P03" => SqlError::TooSlow(self.timeout),
            "25006" => SqlError::Writes,
            "42501" => SqlError::Denied,
            code if ["08", "28", "3D", "53", "57"].iter().any(|class| code.starts_with(class)) => SqlError::Unreachable,
            code => SqlError::Refused(code.to_owned()),
        }
    }

    /// Closes all connections.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A moment as `timestamptz`.
#[derive(Clone, Copy, Debug)]
struct Moment(Timestamp);

impl Type<Postgres> for Moment {
    fn type_info() -> PgTypeInfo {
        /// `timestamptz` in pg_type.
        const TIMESTAMPTZ: Oid = Oid(1184);
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for Moment {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        /// 2000-01-01, from where PostgreSQL counts, in microseconds since 1970.
        const EPOCH: i64 = 946_684_800_000_000;
        <i64 as Encode<Postgres>>::encode(self.0.as_microsecond() - EPOCH, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentence::assert_japanese;

    #[test]
    fn every_error_says_itself_in_japanese_with_its_values() {
        for (error, values) in [
            (SqlError::Unreachable, vec!["business.database_url"]),
            (SqlError::TooSlow(Duration::from_secs(3)), vec!["3 秒", "business.statement_timeout"]),
            (SqlError::Writes, vec!["SELECT"]),
            (SqlError::Denied, vec!["business.database_url", "GRANT SELECT"]),
            (SqlError::Refused("42P01".to_owned()), vec!["42P01", "$1", "$2"]),
            (SqlError::NotANumber, vec!["SELECT"]),
        ] {
            assert_japanese(&error.ja(), &values);
        }
    }
}
