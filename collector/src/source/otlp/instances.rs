//! All instances that push, and the series of each, within the memory that they may have.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::Pusher;
use super::point::{Amount, Reason};
use super::stream::{Mode, Stream, Taken};
use crate::exposed::{Exposed, Exposition};
use crate::{Labels, sample::LABEL_BYTES};

const MOST_INSTANCES: usize = 100;
/// All series of all instances, as they are kept here.
const KEPT_BYTES: usize = 10 << 20;
/// All series of one instance, as they are handed on.
const EXPOSED_BYTES: usize = 8 << 20;
/// An instance that has not pushed for so long is gone: 15 of the SDKs' usual intervals.
pub(super) const FORGOTTEN: SignedDuration = SignedDuration::from_mins(15);
/// A gauge that its instance no longer pushes is gone after so long, as in Prometheus.
const STALE: SignedDuration = SignedDuration::from_mins(5);
/// What an instance had before we listened may come in several requests, of which the last comes so
/// long after the first.
const WHOLE: SignedDuration = SignedDuration::from_secs(90);
/// Any other series is: it may only have nothing to add.
const IDLE: SignedDuration = SignedDuration::from_hours(1);

/// Name and labels of a series in one text, for most of the memory would be that of the labels.
/// Between the parts is NUL, of which there is none in them.
type Key = Box<str>;

/// The instances.
#[derive(Debug)]
pub(super) struct Instances {
    instances: HashMap<Pusher, Instance>,
    /// What began to count before, in ns, counted while nobody listened.
    since: u64,
    series_limit: usize,
    kept: usize,
    swept: Timestamp,
}

#[derive(Debug)]
struct Instance {
    first_pushed: Timestamp,
    pushed: Timestamp,
    /// Since when the first series of its process count.
    started: Option<Timestamp>,
    series: HashMap<Key, (Stream, Timestamp)>,
    exposed: usize,
}

/// A point on its way to its series.
#[derive(Debug)]
pub(super) struct Arriving<'a> {
    pub(super) name: &'a str,
    pub(super) labels: &'a Labels,
    pub(super) mode: Mode,
    pub(super) monotonic: bool,
    pub(super) start: u64,
    pub(super) time: u64,
    /// `None` ends the series.
    pub(super) amount: Option<Amount>,
}

impl Instances {
    /// Instances of at most so many series each, from `now` on.
    pub(super) fn new(series_limit: usize, now: Timestamp) -> Self {
        let since = u64::try_from(now.as_nanosecond()).unwrap_or(0);
        Self { instances: HashMap::new(), since, series_limit, kept: 0, swept: Timestamp::MIN }
    }

    #[cfg(test)]
    pub(super) fn listen_since(&mut self, now: Timestamp) {
        self.since = u64::try_from(now.as_nanosecond()).unwrap_or(0);
    }

    /// Takes a point of the instance `pusher`.
    pub(super) fn take(&mut self, pusher: &Pusher, point: Arriving<'_>, now: Timestamp) -> Result<Taken, Reason> {
        let key = key(point.name, point.labels);
        let Some(amount) = point.amount else {
            self.remove(pusher, &key);
            return Ok(Taken::Counted);
        };
        let known = self.instances.get_mut(pusher).and_then(|instance| instance.series.get_mut(&key));
        if let Some((stream, seen)) = known
            && stream.continues(point.mode, point.monotonic, &amount)
        {
            let taken = stream.take(point.start, point.time, amount)?;
            *seen = now;
            if let Taken::Anew(time) = taken {
                self.begin_anew(pusher, time);
            }
            return Ok(taken);
        }
        let stream = Stream::new(point.mode, point.monotonic, point.start, point.time, amount)?;
        self.remove(pusher, &key);
        self.insert(pusher, key, stream, now)?;
        Ok(Taken::Counted)
    }

    fn insert(&mut self, pusher: &Pusher, key: Key, stream: Stream, now: Timestamp) -> Result<(), Reason> {
        let (kept, exposed) = (kept_bytes(&key, &stream), exposed_bytes(&key, &stream));
        if self.kept + kept > KEPT_BYTES {
            return Err(Reason::memory);
        }
        if !self.instances.contains_key(pusher) && self.instances.len() >= MOST_INSTANCES {
            return Err(Reason::instance_limit);
        }
        let new = || Instance { first_pushed: now, pushed: now, started: None, series: HashMap::new(), exposed: 0 };
        let instance = self.instances.entry(pusher.clone()).or_insert_with(new);
        if instance.series.len() >= self.series_limit {
            return Err(Reason::series_limit);
        }
        if instance.exposed + exposed > EXPOSED_BYTES {
            return Err(Reason::memory);
        }
        instance.exposed += exposed;
        self.kept += kept;
        instance.series.insert(key, (stream, now));
        Ok(())
    }

    fn remove(&mut self, pusher: &Pusher, key: &str) {
        let Some(instance) = self.instances.get_mut(pusher) else { return };
        if let Some((key, (stream, _))) = instance.series.remove_entry(key) {
            self.kept -= kept_bytes(&key, &stream);
            instance.exposed -= exposed_bytes(&key, &stream);
        }
    }

    /// Another process has the name of the instance: what the one before pushed last, at `time` in
    /// ns, is gone with it.
    fn begin_anew(&mut self, pusher: &Pusher, time: u64) {
        let Some(instance) = self.instances.get_mut(pusher) else { return };
        instance.started = None;
        let gone = instance.series.extract_if(|_, (stream, _)| stream.ended(time));
        for (key, (stream, _)) in gone {
            self.kept -= kept_bytes(&key, &stream);
            instance.exposed -= exposed_bytes(&key, &stream);
        }
    }

    /// What the instance exposes after a push; `None` where nothing of it was ever taken.
    pub(super) fn expose(&mut self, pusher: &Pusher, now: Timestamp) -> Option<Exposition> {
        let instance = self.instances.get_mut(pusher)?;
        instance.pushed = now;
        if instance.started.is_none() {
            let started = instance.series.values().filter_map(|(stream, _)| stream.started()).min();
            instance.started = started.and_then(|ns| Timestamp::from_nanosecond(i128::from(ns)).ok());
        }
        let series = instance.series.iter().map(|(key, (stream, _))| {
            let mut parts = key.split('\0');
            let name = parts.next().unwrap_or_default().to_owned();
            let mut labels = Labels::new();
            while let (Some(label), Some(value)) = (parts.next(), parts.next()) {
                labels.insert(label.to_owned(), value.to_owned());
            }
            Exposed { name, labels, value: stream.exposed() }
        });
        let is_new = now.duration_since(instance.first_pushed) < WHOLE;
        let is_partial = is_new && instance.series.values().any(|(stream, _)| stream.counts_since_before(self.since));
        Some(Exposition { at: now, started: instance.started, is_partial, series: series.collect() })
    }

    /// Forgets instances and series that are gone; looks once a minute.
    pub(super) fn forget(&mut self, now: Timestamp) {
        if now.duration_since(self.swept).abs() < SignedDuration::from_mins(1) {
            return;
        }
        self.swept = now;
        let mut kept = 0;
        self.instances.retain(|_, instance| {
            if now.duration_since(instance.pushed) > FORGOTTEN {
                return false;
            }
            instance.exposed = 0;
            instance.series.retain(|key, (stream, seen)| {
                let age = now.duration_since(*seen);
                let stays = age <= if stream.is_gauge() { STALE } else { IDLE };
                if stays {
                    kept += kept_bytes(key, stream);
                    instance.exposed += exposed_bytes(key, stream);
                }
                stays
            });
            instance.series.shrink_to(2 * instance.series.len());
            true
        });
        self.kept = kept;
    }

    /// Instances and series there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.instances.len(), self.instances.values().map(|instance| instance.series.len()).sum())
    }
}

fn key(name: &str, labels: &Labels) -> Key {
    let mut key = String::from(name);
    for (label, value) in labels {
        key.extend(["\0", label, "\0", value]);
    }
    key.into()
}

/// Cuts what is too long of a value, and puts what no text in PostgreSQL can hold out of it;
/// answers whether anything was cut.
pub(super) fn cut(value: &mut String) -> bool {
    if value.contains('\0') {
        *value = value.replace('\0', "\u{fffd}");
    }
    let too_long = value.len() > LABEL_BYTES;
    if too_long {
        value.truncate(value.floor_char_boundary(LABEL_BYTES));
    }
    too_long
}

/// A hash map has at least a seventh more places than entries, at most twice as many.
fn kept_bytes(key: &str, stream: &Stream) -> usize {
    let entry = size_of::<(Key, (Stream, Timestamp))>() + 1;
    key.len() + 16 + entry * 2 + stream.heap_bytes()
}

/// A node of a map of labels has 11 places, of which half may be empty.
fn exposed_bytes(key: &str, stream: &Stream) -> usize {
    let labels = key.bytes().filter(|byte| *byte == 0).count() / 2;
    let nodes = if labels == 0 { 0 } else { 1 + labels / 6 };
    let text = key.len() + 2 * labels * 16;
    size_of::<Exposed>() + text + nodes * 11 * size_of::<(String, String)>() + stream.bucket_count() * 16
}
