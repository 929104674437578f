//! The one thing to say about the whole, chosen from what is known and nothing else.

use jiff::{SignedDuration, Timestamp};

use super::Link;
use crate::format::Zone;
use crate::words::Words;

/// The worst of the alerts that fire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worst {
    /// How bad it is.
    pub severity: collector::alert::Severity,
    /// Name of its rule.
    pub rule: String,
    /// What is wrong, in the page's language.
    pub message: String,
    /// Since when it fires.
    pub since: Timestamp,
    /// Alerts that fire besides.
    pub others: usize,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing to do.
    Good,
    /// Nothing is known yet.
    Unknown,
    /// Look at it soon.
    Warning,
    /// Look at it now.
    Critical,
}

/// What the strip on top of a page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All parts answer; the newest sample is this many seconds old.
    Good(u64),
    /// No sample was taken yet, and nothing is wrong.
    Waiting,
    /// The page has had no connection since.
    Lost(Timestamp),
    /// Samples should arrive and do not; age of the newest in seconds.
    Silent(u64),
    /// The collector has not answered since, and there is no sample to go by.
    CollectorDown(Timestamp),
    /// The last of so many records that found no room and are lost was given up then.
    SamplesLost(u64, Timestamp),
    /// PostgreSQL has not answered since.
    PostgresqlDown(Timestamp),
    /// Alerts reach nobody, and why.
    PagingBroken(String),
    /// So many instances of the application do not answer, of so many.
    ApplicationDown(usize, usize),
    /// An alert fires, for so many seconds.
    Alert(Worst, u64),
    /// Redis has not answered since.
    RedisDown(Timestamp),
}

/// What a verdict is found from.
#[derive(Clone, Debug)]
pub struct Known {
    /// The page's link.
    pub link: Link,
    /// The server's clock.
    pub now: Timestamp,
    /// Age of the newest sample.
    pub age_seconds: Option<u64>,
    /// That age is more than it should be.
    pub stale: bool,
    /// Since when the collector does not answer.
    pub collector_down: Option<Timestamp>,
    /// Records that are lost since the start, and when the last of them was given up.
    pub given_up: Option<(u64, Timestamp)>,
    /// Since when PostgreSQL does not answer.
    pub postgresql_down: Option<Timestamp>,
    /// Why alerts reach nobody.
    pub paging_error: Option<String>,
    /// Instances of the application that do not answer, and all of them.
    pub application_down: (usize, usize),
    /// Since when Redis does not answer.
    pub redis_down: Option<Timestamp>,
    /// The worst alert that fires.
    pub alert: Option<Worst>,
}

/// A link that is back within this time is not worth a sentence.
const GRACE: SignedDuration = SignedDuration::from_secs(2);
/// That samples were lost is said for so long after the last of them.
const LOSS_SAID: SignedDuration = SignedDuration::from_hours(1);

impl Verdict {
    /// The worst of what is known. A lost connection comes first, because nothing else is known
    /// for certain any more.
    #[must_use]
    pub fn of(known: &Known) -> Self {
        if let Link::Lost(since) = known.link
            && known.now.duration_since(since) >= GRACE
        {
            return Self::Lost(since);
        }
        let lost = matches!(known.link, Link::Lost(_));
        match (known.age_seconds, known.collector_down) {
            (Some(age), down) if (known.stale && !lost) || down.is_some() => return Self::Silent(age),
            (None, Some(since)) => return Self::CollectorDown(since),
            _ => {}
        }
        if let Some((records, at)) = known.given_up
            && known.now.duration_since(at) < LOSS_SAID
        {
            return Self::SamplesLost(records, at);
        }
        if let Some(since) = known.postgresql_down {
            return Self::PostgresqlDown(since);
        }
        let alert = |severity| {
            let worst = known.alert.as_ref().filter(|worst| worst.severity >= severity)?;
            let seconds = known.now.duration_since(worst.since).as_secs();
            Some(Self::Alert(worst.clone(), u64::try_from(seconds).unwrap_or(0)))
        };
        if let Some(critical) = alert(collector::alert::Severity::Critical) {
            return critical;
        }
        if let Some(error) = &known.paging_error {
            return Self::PagingBroken(error.clone());
        }
        if let (down @ 1.., all) = known.application_down {
            return Self::ApplicationDown(down, all);
        }
        if let Some(since) = known.redis_down {
            return Self::RedisDown(since);
        }
        if let Some(warning) = alert(collector::alert::Severity::Warning) {
            return warning;
        }
        known.age_seconds.map_or(Self::Waiting, Self::Good)
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Alert(worst, _) if worst.severity == collector::alert::Severity::Critical => Severity::Critical,
            Self::Alert(..) => Severity::Warning,
            Self::Good(_) => Severity::Good,
            Self::Waiting => Severity::Unknown,
            Self::Lost(_) | Self::RedisDown(_) => Severity::Warning,
            Self::ApplicationDown(down, all) if down < all => Severity::Warning,
            Self::Silent(_)
            | Self::CollectorDown(_)
            | Self::SamplesLost(..)
            | Self::PostgresqlDown(_)
            | Self::PagingBroken(_)
            | Self::ApplicationDown(..) => Severity::Critical,
        }
    }

    /// Whether both say the same but for times and ages.
    #[must_use]
    pub fn is_same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Alert(one, _), Self::Alert(other, _)) => one.rule == other.rule && one.since == other.since,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// What it says first.
    #[must_use]
    pub fn headline(&self, words: &Words, zone: Zone, now: Timestamp) -> String {
        let moment = |at| zone.moment(at, now);
        match *self {
            Self::Good(_) => words.good.to_owned(),
            Self::Waiting => words.waiting.to_owned(),
            Self::Lost(since) => (words.lost)(&moment(since)),
            Self::Silent(age) => (words.silent)(&(words.duration)(age)),
            Self::CollectorDown(since) => (words.silent_always)(&moment(since)),
            Self::SamplesLost(records, at) => (words.samples_lost)(records, &moment(at)),
            Self::PostgresqlDown(since) => (words.postgresql_down)(&moment(since)),
            Self::PagingBroken(ref error) => (words.alerts.paging_error)(error),
            Self::ApplicationDown(down, all) => (words.application_down)(down, all),
            Self::Alert(ref worst, seconds) => {
                (words.alerts.firing)(&worst.rule, &(words.duration)(seconds.max(1)), &worst.message)
            }
            Self::RedisDown(since) => (words.redis_down)(&moment(since)),
        }
    }

    /// What to know or to do besides.
    #[must_use]
    pub fn more(&self, words: &Words, push_seconds: f64) -> String {
        match *self {
            Self::Good(age) => (words.newest)(&(words.ago)(&(words.duration)(age.max(1)))),
            Self::Waiting => (words.waiting_more)(&(words.duration)(whole(push_seconds))),
            Self::Lost(_) => words.lost_more.to_owned(),
            Self::Silent(_) | Self::CollectorDown(_) => words.silent_more.to_owned(),
            Self::SamplesLost(..) => words.samples_lost_more.to_owned(),
            Self::PostgresqlDown(_) => words.postgresql_down_more.to_owned(),
            Self::PagingBroken(_) => words.alerts.paging_more.to_owned(),
            Self::ApplicationDown(..) => words.application_down_more.to_owned(),
            Self::Alert(ref worst, _) => (words.alerts.others)(worst.others),
            Self::RedisDown(_) => words.redis_down_more.to_owned(),
        }
    }
}

fn whole(seconds: f64) -> u64 {
    std::time::Duration::try_from_secs_f64(seconds.round().max(1.0)).map_or(1, |duration| duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::new(second, 0).unwrap()
    }

    fn well() -> Known {
        Known {
            link: Link::Live,
            now: at(100),
            age_seconds: Some(2),
            stale: false,
            collector_down: None,
            given_up: None,
            postgresql_down: None,
            paging_error: None,
            application_down: (0, 2),
            redis_down: None,
            alert: None,
        }
    }

    fn worst(severity: collector::alert::Severity) -> Worst {
        Worst {
            severity,
            rule: "HighCPU".to_owned(),
            message: "CPU usage is 97 %".to_owned(),
            since: at(40),
            others: 1,
        }
    }

    #[test]
    fn the_worst_that_is_known_is_said() {
        use collector::alert::Severity::{Critical, Info, Warning};
        let (redis, postgresql, collector) = (Some(at(1)), Some(at(2)), Some(at(3)));
        for (known, verdict) in [
            (well(), Verdict::Good(2)),
            (Known { age_seconds: None, ..well() }, Verdict::Waiting),
            (Known { redis_down: redis, ..well() }, Verdict::RedisDown(at(1))),
            (Known { redis_down: redis, application_down: (1, 2), ..well() }, Verdict::ApplicationDown(1, 2)),
            (Known { postgresql_down: postgresql, application_down: (2, 2), ..well() }, Verdict::PostgresqlDown(at(2))),
            (
                Known { postgresql_down: postgresql, given_up: Some((7, at(50))), ..well() },
                Verdict::SamplesLost(7, at(50)),
            ),
            (Known { now: at(3_700), given_up: Some((7, at(50))), ..well() }, Verdict::Good(2)),
            (Known { redis_down: redis, postgresql_down: postgresql, ..well() }, Verdict::PostgresqlDown(at(2))),
            (Known { postgresql_down: postgresql, age_seconds: Some(45), stale: true, ..well() }, Verdict::Silent(45)),
            (Known { collector_down: collector, ..well() }, Verdict::Silent(2)),
            (Known { collector_down: collector, age_seconds: None, ..well() }, Verdict::CollectorDown(at(3))),
            (
                Known { link: Link::Lost(at(90)), stale: true, postgresql_down: postgresql, ..well() },
                Verdict::Lost(at(90)),
            ),
            (Known { link: Link::Lost(at(99)), stale: true, ..well() }, Verdict::Good(2)),
            (Known { link: Link::None, ..well() }, Verdict::Good(2)),
            (Known { alert: Some(worst(Info)), ..well() }, Verdict::Good(2)),
            (Known { alert: Some(worst(Warning)), ..well() }, Verdict::Alert(worst(Warning), 60)),
            (Known { alert: Some(worst(Warning)), redis_down: redis, ..well() }, Verdict::RedisDown(at(1))),
            (
                Known { paging_error: Some("x".to_owned()), alert: Some(worst(Warning)), ..well() },
                Verdict::PagingBroken("x".to_owned()),
            ),
            (
                Known { alert: Some(worst(Critical)), redis_down: redis, application_down: (1, 2), ..well() },
                Verdict::Alert(worst(Critical), 60),
            ),
            (
                Known { alert: Some(worst(Critical)), postgresql_down: postgresql, ..well() },
                Verdict::PostgresqlDown(at(2)),
            ),
        ] {
            assert_eq!(Verdict::of(&known), verdict, "{known:?}");
        }
    }

    #[test]
    fn only_the_kind_counts_as_news() {
        assert!(Verdict::Good(1).is_same_kind(&Verdict::Good(2)));
        assert!(!Verdict::Good(1).is_same_kind(&Verdict::Silent(1)));
        let alert = |rule: &str, seconds| {
            Verdict::Alert(Worst { rule: rule.to_owned(), ..worst(collector::alert::Severity::Critical) }, seconds)
        };
        assert!(alert("HighCPU", 1).is_same_kind(&alert("HighCPU", 2)));
        assert!(!alert("HighCPU", 1).is_same_kind(&alert("HighDisk", 1)));
    }

    #[test]
    fn every_verdict_has_two_sentences_in_every_language() {
        for words in [&crate::words::EN, &crate::words::JA] {
            for verdict in [
                Verdict::Good(3),
                Verdict::Waiting,
                Verdict::Lost(at(1)),
                Verdict::Silent(45),
                Verdict::CollectorDown(at(1)),
                Verdict::SamplesLost(1, at(1)),
                Verdict::PostgresqlDown(at(1)),
                Verdict::ApplicationDown(1, 1),
                Verdict::PagingBroken("team: it answers 404".to_owned()),
                Verdict::RedisDown(at(1)),
                Verdict::Alert(worst(collector::alert::Severity::Warning), 60),
            ] {
                let text = [verdict.headline(words, Zone::Utc, at(5)), verdict.more(words, 2.0)];
                assert!(text.iter().all(|text| text.ends_with(['.', '。'])), "{text:?}");
            }
        }
        let down = Verdict::PostgresqlDown(at(1)).headline(&crate::words::EN, Zone::Local(540), at(5));
        assert_eq!(down, "PostgreSQL has not answered since 09:00:01.");
        assert_eq!(Verdict::ApplicationDown(1, 2).severity(), Severity::Warning);
        assert_eq!(Verdict::ApplicationDown(2, 2).severity(), Severity::Critical);
    }
}
