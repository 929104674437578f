//! Metrics that the application's own database is asked for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::Sentence;
use crate::config::Metric;
use crate::sample::{BusinessMetric, DayCount};
use crate::source::{SqlError, SqlReader};
use crate::store::StoreError;

use super::day::{Days, minute};

/// Days that are over are asked for again after this time, for rows that came late.
const PAST_FOR: Duration = Duration::from_secs(3_600);

/// Asks and remembers.
#[derive(Debug)]
pub(super) struct Asked {
    reader: SqlReader,
    answers: Mutex<HashMap<String, Answers>>,
}

/// What is known of one metric.
#[derive(Clone, Debug, Default)]
struct Answers {
    today: Option<(Date, f64)>,
    /// Up to the same time of day, by today.
    yesterday: Option<(Date, f64)>,
    /// Days that were over when asked.
    past: HashMap<Date, (f64, Instant)>,
    error: Option<Sentence>,
}

impl Asked {
    pub(super) fn new(url: &str, timeout: Duration) -> Result<Self, StoreError> {
        Ok(Self { reader: SqlReader::new(url, timeout)?, answers: Mutex::default() })
    }

    /// Asks for what is not known of these metrics at `now`.
    pub(super) async fn ask(&self, metrics: &[Metric], days: &Days, now: Timestamp) {
        for metric in metrics.iter().filter(|metric| !metric.sql.is_empty()) {
            let mut answers = self.lock().get(&metric.name).cloned().unwrap_or_default();
            let outcome = self.ask_for(&mut answers, &metric.sql, days, now).await;
            answers.error = outcome.err().map(|error| Sentence::of(&error));
            if answers.error.is_some() {
                answers.today = None;
                answers.yesterday = None;
            }
            self.lock().insert(metric.name.clone(), answers);
        }
    }

    async fn ask_for(&self, answers: &mut Answers, sql: &str, days: &Days, now: Timestamp) -> Result<(), SqlError> {
        let today = days.of(now);
        let (begin, end) = days.bounds(today);
        answers.today = Some((today, self.reader.count(sql, begin, end).await?));
        if let Ok(yesterday) = today.yesterday() {
            let same = Timestamp::from_second(minute(days.same_time_yesterday(now))).unwrap_or(now);
            answers.yesterday = Some((today, self.reader.count(sql, days.begin(yesterday), same).await?));
        }
        let week = days.week(now);
        answers.past.retain(|day, (_, asked)| week.contains(day) && *day != today && asked.elapsed() < PAST_FOR);
        for day in week.into_iter().rev().filter(|day| *day != today) {
            if let Entry::Vacant(unknown) = answers.past.entry(day) {
                let (begin, end) = days.bounds(day);
                unknown.insert((self.reader.count(sql, begin, end).await?, Instant::now()));
            }
        }
        Ok(())
    }

    /// Fills in what is known of a metric at `now`.
    pub(super) fn fill(&self, metric: &mut BusinessMetric, days: &Days, now: Timestamp) {
        let answers = self.lock().get(&metric.name).cloned().unwrap_or_default();
        let date = days.of(now);
        let of_today = |known: Option<(Date, f64)>| known.filter(|(day, _)| *day == date).map(|(_, count)| count);
        metric.today = of_today(answers.today);
        metric.yesterday = of_today(answers.yesterday);
        (metric.error, metric.error_ja) = answers.error.map(|Sentence { en, ja }| (en, ja)).unzip();
        let count = |day: Date| match day == date {
            true => metric.today,
            false => answers.past.get(&day).map(|(count, _)| *count),
        };
        metric.week =
            days.week(now).into_iter().map(|day| DayCount { date: day.to_string(), count: count(day) }).collect();
    }

    pub(super) async fn close(&self) {
        self.reader.close().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Answers>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
