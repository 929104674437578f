//! Whether PostgreSQL can be used, and if not why not: asked over a connection of its own, so that
//! nothing else that happens here is in its way, and then of the pool.

use std::time::Duration;

use sqlx::{ConnectOptions, PgConnection, Row};

use super::{Store, notice_our_death};
use crate::PartFault;
use crate::failure::{Failure, of_the_way};

/// For a connection and its answer together.
const ANSWER: Duration = Duration::from_millis(1_500);
/// How long the pool may take to give a connection.
const POOL: Duration = Duration::from_secs(1);

/// A connection that is kept, and made anew after an error.
#[derive(Debug)]
pub(crate) struct StoreProbe {
    store: Store,
    connection: Option<PgConnection>,
}

impl StoreProbe {
    /// A probe that connects when it is first asked.
    pub(crate) fn new(store: Store) -> Self {
        Self { store, connection: None }
    }

    /// Whether PostgreSQL answers, takes writes and has a connection for us; two and a half seconds
    /// later at the most.
    pub(crate) async fn ask(&mut self) -> Result<(), Failure> {
        if self.is_read_only().await? {
            return Err(Failure::new(PartFault::ReadOnly, "transaction_read_only is on"));
        }
        if !self.store.is_open() {
            return Err(Failure::new(PartFault::Other, "its tables are not known to be up to date"));
        }
        let pool = &self.store.pool;
        match tokio::time::timeout(POOL, pool.acquire()).await {
            Ok(Ok(_)) => Ok(()),
            Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) => {
                if pool.size() >= pool.options().get_max_connections() {
                    return Err(Failure::new(PartFault::PoolExhausted, "all connections of the pool are in use"));
                }
                // It wanted another one from the server, and tries that for longer than we wait.
                self.connection = None;
                self.is_read_only().await?;
                Err(Failure::new(PartFault::Hanging, format!("no connection of the pool within {POOL:?}")))
            }
            Ok(Err(error)) => Err(failure(&error)),
        }
    }

    async fn is_read_only(&mut self) -> Result<bool, Failure> {
        match tokio::time::timeout(ANSWER, self.try_is_read_only()).await {
            Ok(answer) => answer.map_err(|error| failure(&error)),
            Err(_) => Err(Failure::new(PartFault::Hanging, format!("no answer within {ANSWER:?}"))),
        }
    }

    async fn try_is_read_only(&mut self) -> Result<bool, sqlx::Error> {
        // Taken out: one that fails or is given up in the middle of it is not used again.
        if let Some(mut connection) = self.connection.take()
            // That somebody ended it says nothing of the server.
            && let Ok(answer) = read_only(&mut connection).await
        {
            self.connection = Some(connection);
            return Ok(answer);
        }
        let mut connection = self.store.pool.connect_options().connect().await?;
        notice_our_death(&mut connection).await?;
        let answer = read_only(&mut connection).await?;
        self.connection = Some(connection);
        Ok(answer)
    }
}

/// Whether its transactions may not write: on a standby, and where that was switched off.
async fn read_only(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // By the simple protocol, which every pooler carries.
    let row = sqlx::raw_sql("SHOW transaction_read_only").fetch_one(connection).await?;
    Ok(row.try_get::<String, _>(0)? == "on")
}

pub(super) fn failure(error: &sqlx::Error) -> Failure {
    let fault = match error {
        sqlx::Error::Database(error) => of_code(&error.code().unwrap_or_default()),
        sqlx::Error::Io(error) => of_the_way(&format!("{error:?}")),
        sqlx::Error::Tls(_) => PartFault::Tls,
        sqlx::Error::PoolTimedOut => PartFault::PoolExhausted,
        _ => PartFault::Other,
    };
    Failure::new(fault, error)
}

/// By the codes of <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn of_code(code: &str) -> PartFault {
    match code {
        "28P01" | "28000" => PartFault::WrongPassword,
        "3D000" => PartFault::NoDatabase,
        "25006" => PartFault::ReadOnly,
        "53100" => PartFault::DiskFull,
        "53200" => PartFault::OutOfMemory,
        "53300" => PartFault::TooManyConnections,
        // Ended by an administrator, by a crash of another process, or not ready yet.
        "57P01" | "57P02" | "57P03" => PartFault::StartingUp,
        _ => PartFault::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_code_and_kind() {
        for (code, fault) in [
            ("28P01", PartFault::WrongPassword),
            ("53300", PartFault::TooManyConnections),
            ("57P03", PartFault::StartingUp),
            ("25006", PartFault::ReadOnly),
            ("42P01", PartFault::Other),
        ] {
            assert_eq!(of_code(code), fault, "{code}");
        }
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(failure(&refused.into()).fault, PartFault::Refused);
        assert_eq!(failure(&sqlx::Error::Tls("no".into())).fault, PartFault::Tls);
        assert_eq!(failure(&sqlx::Error::WorkerCrashed).fault, PartFault::Other);
    }
}
