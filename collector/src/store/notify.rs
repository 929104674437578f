//! Live events through PostgreSQL's NOTIFY: for readers in other processes where Redis is away, and
//! of annotations, which the database itself tells.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};

use crate::Frame;

use super::{Store, StoreError, notice_our_death};

const CHANNEL: &str = "recipe_monitoring_live";
/// A payload must be shorter than 8000 bytes
/// (<https://www.postgresql.org/docs/current/sql-notify.html>); this leaves room for the head.
const PART_BYTES: usize = 7_900;
const PAUSE: Duration = Duration::from_secs(1);

impl Store {
    /// Sends a live event to whoever listens, in as many parts as it needs.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]; no part was sent.
    pub async fn notify(&self, frame: &Frame) -> Result<(), StoreError> {
        let text = String::from_utf8_lossy(&frame.text);
        // One statement is one transaction: all parts arrive, in order, or none.
        sqlx::query("SELECT pg_notify($1, part) FROM unnest($2::text[]) WITH ORDINALITY AS parts(part, n) ORDER BY n")
            .bind(CHANNEL)
            .bind(split(frame.seq, &text))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Live events that others send from now on.
    pub(crate) fn notifications(&self) -> Notifications {
        // One of its own, which is held all the time: the pool is for those who ask.
        let options = (*self.pool.connect_options()).clone();
        let connection = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(self.connect_timeout)
            .after_connect(|connection, _| Box::pin(notice_our_death(connection)))
            .connect_lazy_with(options);
        Notifications { connection, listener: None, has_listened: false, assembly: Assembly::default() }
    }
}

/// Live events as they come in through NOTIFY.
#[derive(Debug)]
pub(crate) struct Notifications {
    connection: PgPool,
    listener: Option<PgListener>,
    has_listened: bool,
    assembly: Assembly,
}

impl Notifications {
    /// The next event's text; `None` where it listens again, and may have missed some. Connects, and
    /// connects again, for as long as it takes.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            let Some(listener) = &mut self.listener else {
                match self.listen().await {
                    Ok(listener) => {
                        self.listener = Some(listener);
                        if std::mem::replace(&mut self.has_listened, true) {
                            return None;
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, "cannot listen to PostgreSQL now");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                continue;
            };
            match listener.try_recv().await {
                Ok(Some(part)) => {
                    if let Some(text) = self.assembly.add(part.payload()) {
                        return Some(text);
                    }
                }
                lost => {
                    tracing::debug!(error = ?lost.err(), "no longer listens to PostgreSQL");
                    self.listener = None;
                }
            }
        }
    }

    async fn listen(&self) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.connection).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }
}

/// `<seq> <number of this part> <number of parts> <text>`
fn split(seq: u64, text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(PART_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    let count = parts.len();
    parts.into_iter().enumerate().map(|(number, part)| format!("{seq} {number} {count} {part}")).collect()
}

/// Parts of the event that is coming in.
#[derive(Debug, Default)]
struct Assembly {
    seq: u64,
    parts: usize,
    text: String,
}

impl Assembly {
    /// Adds a part; answers the text when it was the last. A part that does not follow the one
    /// before belongs to an event whose beginning was missed, and is dropped.
    fn add(&mut self, payload: &str) -> Option<String> {
        let mut fields = payload.splitn(4, ' ');
        let seq: u64 = fields.next()?.parse().ok()?;
        let number: usize = fields.next()?.parse().ok()?;
        let count: usize = fields.next()?.parse().ok()?;
        let part = fields.next()?;
        if number == 0 {
            self.text.clear();
        } else if seq != self.seq || number != self.parts {
            return None;
        }
        (self.seq, self.parts) = (seq, number + 1);
        self.text.push_str(part);
        (self.parts == count).then(|| std::mem::take(&mut self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_arrive_whole_and_short_ones_in_one_part() {
        let long = "レシピ".repeat(5_000);
        let mut assembly = Assembly::default();
        for (seq, text) in [(1, "{}"), (2, long.as_str()), (3, "[]")] {
            let parts = split(seq, text);
            assert!(parts.iter().all(|part| part.len() < 8_000));
            let whole: Vec<_> = parts.iter().filter_map(|part| assembly.add(part)).collect();
            assert_eq!(whole, [text]);
        }
    }

    #[test]
    fn an_event_whose_beginning_was_missed_is_dropped_and_nonsense_ignored() {
        let parts = split(7, &"x".repeat(20_000));
        let mut assembly = Assembly::default();
        assert_eq!(assembly.add("nonsense"), None);
        assert_eq!(parts.len(), 3);
        assert_eq!(assembly.add(&parts[1]), None);
        assert_eq!(assembly.add(&parts[2]), None);
        let next = split(8, "{}");
        assert_eq!(assembly.add(&next[0]).as_deref(), Some("{}"));
    }
}
