//! Which of several collectors tells people of an alert that all of them see.

use super::{Store, StoreError};

impl Store {
    /// Claims alerts, by their series, for this collector for half a minute, and gives up the others
    /// that it claimed before; answers those that are its own now. What another one has claimed stays
    /// with that one for as long as it claims it again.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]
    pub(crate) async fn claim(&self, collector: &str, series: &[String]) -> Result<Vec<String>, StoreError> {
        let claimed = sqlx::query_scalar(
            "WITH given_up AS (
                 DELETE FROM recipe_monitoring_state.tellers
                 WHERE (collector = $1 AND series NOT IN (SELECT md5(name) FROM unnest($2::text[]) AS name))
                    OR until < now() - INTERVAL '1 day'
             ), claimed AS (
                 INSERT INTO recipe_monitoring_state.tellers AS known (series, collector, until)
                 SELECT DISTINCT md5(name), $1, now() + INTERVAL '30 s' FROM unnest($2::text[]) AS name ORDER BY 1
                 ON CONFLICT (series) DO UPDATE SET collector = EXCLUDED.collector, until = EXCLUDED.until
                 WHERE known.collector = EXCLUDED.collector OR known.until < now()
                 RETURNING series
             )
             SELECT name FROM unnest($2::text[]) AS name WHERE md5(name) IN (SELECT series FROM claimed)",
        )
        .bind(collector)
        .bind(series)
        .fetch_all(&self.pool)
        .await?;
        Ok(claimed)
    }
}
