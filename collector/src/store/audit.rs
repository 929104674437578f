//! Rows of the audit log, each of which arrives once.

use std::time::Duration;

use jiff::Timestamp;

use super::samples::{replace_nul, without_nul};
use super::{Store, StoreError};
use crate::audit::AuditEntry;

type Row = (String, i64, String, String, String, String, String, String, bool);

impl Store {
    /// Adds entries, all or none; one that is there is left as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLong`] after `limit`, or [`StoreError::Query`]; none was added then.
    pub(crate) async fn add_audit(&self, entries: &[AuditEntry], limit: Duration) -> Result<(), StoreError> {
        let of = |read: fn(&AuditEntry) -> String| entries.iter().map(read).collect::<Vec<_>>();
        let insert = async {
            sqlx::query(
                "INSERT INTO audit_log (id, timestamp, actor, role, action, object, detail, address, ok)
                 SELECT id::uuid, timestamp::timestamptz, actor, role, action, object, detail::jsonb, address, ok
                 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                             $8::text[], $9::bool[])
                      AS entry (id, timestamp, actor, role, action, object, detail, address, ok)
                 ON CONFLICT (id) DO NOTHING",
            )
            .bind(of(|entry| entry.id.clone()))
            .bind(of(|entry| entry.timestamp.to_string()))
            .bind(of(|entry| replace_nul(&entry.actor)))
            .bind(of(|entry| replace_nul(&entry.role)))
            .bind(of(|entry| replace_nul(&entry.action)))
            .bind(of(|entry| replace_nul(&entry.object)))
            .bind(of(|entry| without_nul(entry.detail.clone()).to_string()))
            .bind(of(|entry| replace_nul(&entry.address)))
            .bind(entries.iter().map(|entry| entry.ok).collect::<Vec<_>>())
            .execute(&self.pool)
            .await?;
            Ok(())
        };
        tokio::time::timeout(limit, insert).await.unwrap_or(Err(StoreError::TooLong(limit)))
    }

    /// The newest entries.
    ///
    /// # Errors
    ///
    /// As [`Store::add_audit`].
    pub(crate) async fn audit(&self, most: u16, limit: Duration) -> Result<Vec<AuditEntry>, StoreError> {
        let select = async {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT id::text, (extract(epoch FROM timestamp) * 1000000)::bigint, actor, role, action, object, detail::text,
                        address, ok
                 FROM audit_log ORDER BY timestamp DESC, id DESC LIMIT $1",
            )
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await?;
            Ok(rows.into_iter().map(of_row).collect())
        };
        tokio::time::timeout(limit, select).await.unwrap_or(Err(StoreError::TooLong(limit)))
    }
}

fn of_row((id, at, actor, role, action, object, detail, address, ok): Row) -> AuditEntry {
    AuditEntry {
        id,
        timestamp: Timestamp::from_microsecond(at).unwrap_or_default(),
        actor,
        role,
        action,
        object,
        detail: serde_json::from_str(&detail).unwrap_or_default(),
        address,
        ok,
    }
}
