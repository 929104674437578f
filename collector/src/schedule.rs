//! The timetable: which work is due when, by whom. What each job does is in its own file.

mod clock;
mod collect;
mod lease;
mod runner;
mod save;
mod upkeep;

use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::Schedule;

pub use clock::{Clock, Sleep, SystemClock};
pub use collect::{CollectError, Collecting, collect_now};
pub use runner::{run_each, run_one};
pub use save::{SaveError, Saving};
pub use upkeep::Upkeep;

/// Scheduled work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// The newest values of each kind, one row of `metrics_raw` each.
    Collect,
    /// What is buffered, to PostgreSQL.
    Save,
    /// Full hours to `metrics_hourly`.
    Aggregate,
    /// The view of the last 24 hours.
    Refresh,
    /// Full local days to `daily_summaries`.
    Summarize,
    /// What is older than the retention.
    Cleanup,
    /// The partitions of the next months.
    Partitions,
    /// A backup.
    Backup,
}

/// When a job is due.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// Every so often.
    Every(fn(&Schedule) -> Duration),
    /// After every full hour.
    Hourly,
    /// Every local day, at this time of it.
    Daily(fn(&Schedule) -> Time),
}

/// Who does a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Every collector.
    Each,
    /// One of all collectors on the database.
    One,
    /// The same one, beside the other work: it may take long.
    OneBeside,
}

/// How long each transaction of a job may take; one that takes longer is taken back, and the work
/// left to another collector.
pub type Limit = fn(&Schedule) -> Duration;

/// All scheduled work. Jobs that are due together are done in this order.
pub const TIMETABLE: [(Job, When, By, Limit); 8] = [
    (Job::Collect, When::Every(|schedule| schedule.collect), By::Each, |schedule| schedule.save_limit),
    (Job::Save, When::Every(|schedule| schedule.save), By::Each, |schedule| schedule.save_limit),
    (Job::Partitions, When::Daily(|schedule| schedule.daily_at), By::One, |schedule| schedule.job_limit),
    (Job::Aggregate, When::Hourly, By::One, |schedule| schedule.job_limit),
    (Job::Refresh, When::Hourly, By::One, |schedule| schedule.job_limit),
    (Job::Summarize, When::Daily(|schedule| schedule.daily_at), By::One, |schedule| schedule.job_limit),
    (Job::Cleanup, When::Daily(|schedule| schedule.daily_at), By::One, |schedule| schedule.job_limit),
    (Job::Backup, When::Daily(|schedule| schedule.backup_at), By::OneBeside, |schedule| schedule.backup_limit),
];

impl Job {
    /// As on the command line, in the log and in `/metrics`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Collect => "collect",
            Self::Save => "save",
            Self::Aggregate => "aggregate",
            Self::Refresh => "refresh",
            Self::Summarize => "summarize",
            Self::Cleanup => "cleanup",
            Self::Partitions => "partitions",
            Self::Backup => "backup",
        }
    }

    /// How long a transaction of it may take.
    #[must_use]
    pub fn limit(self, schedule: &Schedule) -> Duration {
        let entry = TIMETABLE.iter().find(|(job, ..)| *job == self);
        entry.map_or(schedule.job_limit, |(_, _, _, limit)| limit(schedule))
    }
}

impl When {
    /// The last moment, not after `now`, at which a job is due.
    fn last_due(self, now: Timestamp, schedule: &Schedule, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Every(_) => floor(now, self.period(schedule)),
            Self::Hourly => {
                let delay = SignedDuration::try_from(schedule.aggregate_delay).unwrap_or_default();
                floor(now - delay, self.period(schedule)) + delay
            }
            Self::Daily(time) => {
                // A time that a change of the clocks leaves out is due after the gap, and one that
                // comes twice the first time.
                let on = |date: Date| zone.to_timestamp(date.to_datetime(time(schedule))).ok();
                let today = zone.to_datetime(now).date();
                let due = on(today).filter(|due| *due <= now).or_else(|| on(today.yesterday().ok()?));
                due.unwrap_or(now)
            }
        }
    }

    /// About the time between two runs.
    fn period(self, schedule: &Schedule) -> SignedDuration {
        match self {
            Self::Every(interval) => SignedDuration::try_from(interval(schedule)).unwrap_or(SignedDuration::MAX),
            Self::Hourly => SignedDuration::from_hours(1),
            Self::Daily(_) => SignedDuration::from_hours(24),
        }
    }
}

fn floor(at: Timestamp, step: SignedDuration) -> Timestamp {
    let step = step.as_millis().max(1);
    let floored = i128::from(at.as_millisecond()).div_euclid(step) * step;
    i64::try_from(floored).ok().and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or(at)
}

/// Which of the jobs of one party are due. Time is an argument.
#[derive(Debug)]
pub struct Timetable {
    schedule: Schedule,
    zone: TimeZone,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    job: Job,
    when: When,
    /// The due moment of the last success.
    done: Option<Timestamp>,
    /// After a failure: not before this.
    retry: Option<Timestamp>,
}

impl Timetable {
    /// The jobs that `by` does.
    #[must_use]
    pub fn new(schedule: &Schedule, by: By) -> Self {
        let jobs = TIMETABLE.into_iter().filter(|(_, _, who, _)| *who == by);
        let entries = jobs.map(|(job, when, ..)| Entry { job, when, done: None, retry: None }).collect();
        Self { schedule: schedule.clone(), zone: schedule.zone(), entries }
    }

    /// The jobs that are due at `now`, each with the moment it was due. Work that was missed is
    /// due once, since a job does all that there is to do.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<(Job, Timestamp)> {
        let due = self.entries.iter().filter_map(|entry| {
            let at = entry.when.last_due(now, &self.schedule, &self.zone);
            let is_due = match entry.done {
                None => true,
                // Later than the last, or so much earlier that the clock was wrong then.
                Some(done) => at > done || done.duration_since(at) > entry.when.period(&self.schedule) * 2,
            };
            // A clock that was set back must not put off a retry.
            let waits = entry.retry.is_some_and(|retry| now < retry && retry.duration_since(now) <= self.pause(entry));
            (is_due && !waits).then_some((entry.job, at))
        });
        due.collect()
    }

    /// Notes that a job that was due at `due` is done.
    pub fn done(&mut self, job: Job, due: Timestamp) {
        if let Some(entry) = self.entry(job) {
            (entry.done, entry.retry) = (Some(due), None);
        }
    }

    /// Notes that a job failed at `now`: it is due again after the pause that is set, or when it is
    /// due anyway if that is sooner.
    pub fn failed(&mut self, job: Job, now: Timestamp) {
        let Some(pause) = self.entries.iter().find(|entry| entry.job == job).map(|entry| self.pause(entry)) else {
            return;
        };
        let retry = now + pause;
        if let Some(entry) = self.entry(job) {
            entry.retry = Some(retry);
        }
    }

    fn pause(&self, entry: &Entry) -> SignedDuration {
        // What reads everything is not begun anew every minute.
        let retries = if entry.job == Job::Backup { 10 } else { 1 };
        let pause = SignedDuration::try_from(self.schedule.retry * retries).unwrap_or_default();
        pause.min(entry.when.period(&self.schedule))
    }

    fn entry(&mut self, job: Job) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.job == job)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const MINUTE: i64 = 60;
    const DAY: i64 = 24 * 60 * MINUTE;

    fn timetable(zone: &str, by: By) -> Timetable {
        Timetable::new(&Schedule { time_zone: zone.to_owned(), ..Schedule::default() }, by)
    }

    /// Every run of every job, looked at every `look` seconds of a clock that shows `shown` of
    /// the seconds that have truly gone by.
    fn runs(
        timetable: &mut Timetable,
        start: &str,
        days: i64,
        look: usize,
        shown: impl Fn(i64) -> i64,
    ) -> BTreeMap<&'static str, Vec<Timestamp>> {
        let start: Timestamp = start.parse().unwrap();
        let mut runs: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for elapsed in (0..days * DAY).step_by(look) {
            let now = start + SignedDuration::from_secs(shown(elapsed));
            for (job, due) in timetable.due(now) {
                runs.entry(job.name()).or_default().push(due);
                timetable.done(job, due);
            }
        }
        runs
    }

    fn local_times(zone: &str, runs: &[Timestamp]) -> Vec<String> {
        let zone = TimeZone::get(zone).unwrap();
        runs.iter().map(|at| zone.to_datetime(*at).to_string()).collect()
    }

    #[test]
    fn a_month_has_each_run_once() {
        let collector = runs(&mut timetable("Asia/Tokyo", By::Each), "2026-11-01T00:00:00Z", 30, 1, |elapsed| elapsed);
        assert_eq!((collector["collect"].len(), collector["save"].len()), (30 * 24 * 60, 30 * 24 * 12));
        let one = runs(&mut timetable("Asia/Tokyo", By::One), "2026-11-01T00:00:00Z", 30, 7, |elapsed| elapsed);
        // The one that was due before the start is caught up with at the start.
        assert_eq!((one["aggregate"].len(), one["refresh"].len()), (30 * 24 + 1, 30 * 24 + 1));
        for job in ["partitions", "summarize", "cleanup"] {
            let times = local_times("Asia/Tokyo", &one[job]);
            assert_eq!(times.len(), 31, "{times:?}");
            assert!(times.iter().all(|time| time.ends_with("T03:00:00")), "{times:?}");
        }
    }

    #[test]
    fn days_on_which_the_clocks_change_and_leap_days_have_one_daily_run() {
        for (zone, start, from, to, special, time) in [
            // 02:00 becomes 03:00, and 03:00 becomes 02:00.
            ("Europe/Berlin", "2026-03-15T00:00:00Z", "2026-03-15", "2026-04-13", "2026-03-29", "03:00:00"),
            ("Europe/Berlin", "2026-10-15T00:00:00Z", "2026-10-15", "2026-11-13", "2026-10-25", "03:00:00"),
            // 02:00 becomes 02:30.
            ("Australia/Lord_Howe", "2026-09-20T00:00:00Z", "2026-09-20", "2026-10-19", "2026-10-04", "03:00:00"),
            // 00:00 becomes 01:00.
            ("America/Santiago", "2026-08-20T12:00:00Z", "2026-08-20", "2026-09-18", "2026-09-06", "03:00:00"),
            ("UTC", "2028-02-20T00:00:00Z", "2028-02-20", "2028-03-20", "2028-02-29", "03:00:00"),
        ] {
            let runs = runs(&mut timetable(zone, By::One), start, 30, 13, |elapsed| elapsed);
            let times = local_times(zone, &runs["summarize"]);
            let days: Vec<_> = times.iter().map(|time| &time[..10]).collect();
            let mut once = days.clone();
            once.dedup();
            assert_eq!(days, once);
            assert!(times.contains(&format!("{special}T{time}")), "{zone} {times:?}");
            assert!(days.iter().filter(|day| (from..=to).contains(*day)).count() >= 29, "{zone} {times:?}");
            // An hour of the day is an hour of time, whatever the clocks on the wall show.
            assert_eq!(runs["aggregate"].len(), 30 * 24 + 1);
        }
    }

    #[test]
    fn a_time_that_is_left_out_or_comes_twice_is_one_run() {
        let schedule = Schedule {
            time_zone: "Europe/Berlin".to_owned(),
            daily_at: jiff::civil::time(2, 30, 0, 0),
            ..Schedule::default()
        };
        for (start, expected) in [
            ("2026-03-28T12:00:00Z", ["2026-03-28T02:30:00", "2026-03-29T03:30:00", "2026-03-30T02:30:00"]),
            ("2026-10-24T12:00:00Z", ["2026-10-24T02:30:00", "2026-10-25T02:30:00", "2026-10-26T02:30:00"]),
        ] {
            let runs = runs(&mut Timetable::new(&schedule, By::One), start, 2, 10, |elapsed| elapsed);
            assert_eq!(local_times("Europe/Berlin", &runs["cleanup"]), expected);
        }
    }

    #[test]
    fn a_clock_that_steps_an_hour_either_way_repeats_no_daily_run_and_leaves_out_no_day() {
        // At every hour of a day, so also around 03:00.
        for step_at in (0..24).map(|hour| 5 * DAY + hour * 60 * MINUTE + 20 * MINUTE) {
            for step in [-60 * MINUTE, 60 * MINUTE] {
                let shown = |elapsed: i64| if elapsed < step_at { elapsed } else { elapsed + step };
                let one = runs(&mut timetable("UTC", By::One), "2026-06-01T00:00:00Z", 10, 30, shown);
                let mut days = local_times("UTC", &one["summarize"]);
                assert_eq!(days.len(), 11, "{step_at} {step} {days:?}");
                days.dedup();
                assert_eq!(days.len(), 11);
                let mut hours = one["aggregate"].clone();
                let all = hours.len();
                hours.dedup();
                assert_eq!((hours.len(), all.abs_diff(10 * 24 + 1) <= 1), (all, true), "{step_at} {step}");
                let each = runs(&mut timetable("UTC", By::Each), "2026-06-01T00:00:00Z", 10, 30, shown);
                // Time goes on being collected, also while the clock shows an hour again.
                assert!(each["collect"].len().abs_diff(10 * 24 * 60) <= 3, "{}", each["collect"].len());
            }
        }
    }

    #[test]
    fn a_clock_that_was_years_wrong_stops_nothing() {
        let wrong = 20 * 365 * DAY;
        let shown = |elapsed: i64| if elapsed < DAY { elapsed + wrong } else { elapsed };
        let runs = runs(&mut timetable("UTC", By::One), "2026-06-01T00:00:00Z", 5, 60, shown);
        assert_eq!(runs["summarize"].len(), 7, "{:?}", runs["summarize"]);
    }

    #[test]
    fn what_failed_is_tried_again_after_a_minute_also_when_the_clock_is_set_back() {
        let mut timetable = timetable("UTC", By::One);
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let is_due = |timetable: &Timetable, seconds: i64| {
            let at = now + SignedDuration::from_secs(seconds);
            timetable.due(at).iter().any(|(job, _)| *job == Job::Cleanup)
        };
        assert!(is_due(&timetable, 0));
        timetable.failed(Job::Cleanup, now);
        assert_eq!([0, 59, 60].map(|seconds| is_due(&timetable, seconds)), [false, false, true]);
        assert!(is_due(&timetable, -60 * MINUTE));
        timetable.done(Job::Cleanup, now);
        assert!(!is_due(&timetable, 60));
    }

    #[test]
    fn what_is_due_anyway_before_a_retry_does_not_wait_for_that() {
        let schedule = Schedule { save: Duration::from_secs(10), ..Schedule::default() };
        let mut timetable = Timetable::new(&schedule, By::Each);
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        timetable.failed(Job::Save, now);
        let is_due =
            |seconds| timetable.due(now + SignedDuration::from_secs(seconds)).iter().any(|(job, _)| *job == Job::Save);
        assert_eq!([0, 9, 10].map(is_due), [false, false, true]);
    }
}
