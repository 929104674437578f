//! Firings on their way into `alert_history`, and read back.

use jiff::Timestamp;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::alert::{Alert, AlertPast, AlertRecord, DRILL, Severity};
use crate::buffer::{Entry, Record};

use super::samples::{replace_nul, without_nul};
use super::{Store, StoreError};

/// Which alerts of the past are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertQuery {
    /// Fired at this time or later.
    pub from: Option<Timestamp>,
    /// Fired before this time.
    pub to: Option<Timestamp>,
    /// Of this rule.
    pub rule_name: Option<String>,
    /// So bad.
    pub severity: Option<Severity>,
    /// At most so many, the newest first.
    pub limit: u16,
}

/// Writes the firings and resolutions of the entries, each once; answers the number of rows.
///
/// A firing whose id is known is left out. So is one of a rule and series that fires already, by
/// the word of another collector: it is one alert, which is over when one of them says so.
pub(super) async fn write_alerts(connection: &mut PgConnection, entries: &[&Entry]) -> Result<u64, StoreError> {
    let mut rows = 0;
    for entry in entries {
        let Record::Alert(record) = &entry.record else { continue };
        rows += match record.alert.resolved_at {
            None => fire(connection, record).await?,
            Some(at) => resolve(connection, &record.alert, at).await?,
        };
    }
    Ok(rows)
}

async fn fire(connection: &mut PgConnection, record: &AlertRecord) -> Result<u64, StoreError> {
    let AlertRecord { alert, snapshot } = record;
    let known: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM recipe_monitoring_state.firings WHERE id = $1 OR (series = md5($2) AND is_open))",
    )
    .bind(&alert.id)
    .bind(alert.series())
    .fetch_one(&mut *connection)
    .await?;
    if known {
        return Ok(0);
    }
    let inserted = sqlx::query(
        "WITH alert AS (
             INSERT INTO alert_history (timestamp, rule_name, severity, category, message, metrics_snapshot)
             VALUES ($3::text::timestamptz, $4, $5, $6, $7, $8) RETURNING id
         )
         INSERT INTO recipe_monitoring_state.firings (id, alert_id, series, details) SELECT $1, id, md5($2), $9 FROM alert",
    )
    .bind(&alert.id)
    .bind(alert.series())
    .bind(alert.fired_at.to_string())
    .bind(&alert.rule_name)
    .bind(alert.severity.name())
    .bind(&alert.category)
    .bind(replace_nul(&alert.message))
    .bind(Json(without_nul(snapshot.clone())))
    .bind(Json(without_nul(serde_json::to_value(alert).unwrap_or_default())))
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected())
}

/// Another collector's firing of the series is over, too; not one that began since, where this is told
/// a second time after a crash.
async fn resolve(connection: &mut PgConnection, alert: &Alert, resolved_at: Timestamp) -> Result<u64, StoreError> {
    let updated = sqlx::query(
        "WITH closed AS (
             UPDATE recipe_monitoring_state.firings SET is_open = FALSE
             WHERE is_open AND (id = $1 OR (series = md5($2) AND (
                 SELECT timestamp FROM alert_history WHERE alert_history.id = alert_id
             ) <= $3::text::timestamptz)) RETURNING alert_id
         )
         UPDATE alert_history SET resolved = TRUE, resolved_at = greatest(timestamp, $3::text::timestamptz)
         WHERE id IN (SELECT alert_id FROM closed) AND NOT resolved",
    )
    .bind(&alert.id)
    .bind(alert.series())
    .bind(resolved_at.to_string())
    .execute(connection)
    .await?;
    Ok(updated.rows_affected())
}

impl Store {
    /// How many alerts fired in the last 24 hours.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub async fn alert_past(&self) -> Result<AlertPast, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT severity, count(*) FROM alert_history
             WHERE timestamp > now() - INTERVAL '24 hours' AND category <> $1 GROUP BY 1",
        )
        .bind(DRILL)
        .fetch_all(&self.pool)
        .await?;
        let count = |severity: Severity| {
            let row = rows.iter().find(|(name, _)| *name == severity.name());
            row.map_or(0, |(_, count)| u64::try_from(*count).unwrap_or(0))
        };
        Ok(AlertPast { day: Severity::ALL.map(count) })
    }

    /// Alerts of the past, the newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub async fn alerts(&self, query: &AlertQuery) -> Result<Vec<Alert>, StoreError> {
        type Row = (i64, i64, String, String, String, String, Option<i64>, Option<Json<Alert>>);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT alert.id, (extract(epoch FROM timestamp) * 1000000)::bigint, rule_name, severity, category, message,
                    (extract(epoch FROM resolved_at) * 1000000)::bigint, details
             FROM alert_history AS alert LEFT JOIN recipe_monitoring_state.firings ON alert_id = alert.id
             WHERE ($1::text IS NULL OR timestamp >= $1::text::timestamptz)
               AND ($2::text IS NULL OR timestamp < $2::text::timestamptz)
               AND ($3::text IS NULL OR rule_name = $3) AND ($4::text IS NULL OR severity = $4)
             ORDER BY timestamp DESC, alert.id DESC LIMIT $5",
        )
        .bind(query.from.map(|at| at.to_string()))
        .bind(query.to.map(|at| at.to_string()))
        .bind(&query.rule_name)
        .bind(query.severity.map(Severity::name))
        .bind(i64::from(query.limit))
        .fetch_all(&self.pool)
        .await?;
        let time = |microsecond| Timestamp::from_microsecond(microsecond).unwrap_or_default();
        let alert = |(id, fired_at, rule_name, severity, category, message, resolved_at, details): Row| {
            let fired_at = time(fired_at);
            let severity = Severity::of_name(&severity).unwrap_or_default();
            // A row that somebody else has written has only its columns.
            let known = details.map_or_else(
                || Alert { id: id.to_string(), message_ja: message.clone(), active_at: fired_at, ..Alert::default() },
                |Json(alert)| alert,
            );
            Alert { rule_name, severity, category, message, fired_at, resolved_at: resolved_at.map(time), ..known }
        };
        Ok(rows.into_iter().map(alert).collect())
    }
}
