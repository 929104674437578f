//! Puts the parts together, starts them in order and stops them in reverse. Both programs do it
//! here; they differ only in their [`Role`].

mod carried;
mod opening;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use crate::access::{Access, AccessError};
use crate::alerting::{AlertDesk, Alerting, Front};
use crate::audit::AuditLog;
use crate::backup::{self, Backups, Looking, Place};
use crate::buffer::Buffer;
use crate::business::{Counting, CountingError, Occasion};
use crate::cache::{Cache, CacheError};
use crate::config::{CollectorMode, ConfigError, Settings};
use crate::database_desk::DatabaseDesk;
use crate::embedded::{self, Connections, Embedded, EmbeddedError};
use crate::instruments::{self, Instruments, JobInstruments, PartInstruments, watch_jobs};
use crate::monitor::{Monitor, Reading};
use crate::notify;
use crate::outlet::{self, Outlet};
use crate::relay::{Entrance, Relay};
use crate::reload::Reloads;
use crate::request::SaveRequests;
use crate::rules::{Rules, RulesError};
use crate::schedule::{self, Clock, Collecting, Job, Saving, SystemClock, Upkeep};
use crate::source::{self, SystemReader, Watched, host_name};
use crate::store::{Store, StoreError};
use crate::top::Top;
use crate::vitals::{VitalSigns, VitalsDesk};
use crate::{APPLICATION_SPAN_SECONDS, Archive, Feed, LIVE_SPAN, PartName, PartState, Unsaved, intake};

/// How long the end may wait for the lease to be given up.
const LAST_WORD: Duration = Duration::from_secs(1);
/// How long the end may wait for the last save.
const LAST_SAVE: Duration = Duration::from_secs(10);
/// The same where another run follows, since nothing is sampled until then.
const SAVE_BETWEEN: Duration = Duration::from_secs(2);

pub use carried::Carried;
pub(crate) use carried::Process;

/// Points of the application's past that a start reads back.
const APPLICATION_POINTS: u32 = 360;

/// What the program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes the samples and shows them.
    Both,
    /// Takes the samples; others show them.
    Collector,
    /// Shows the samples that a separate collector takes.
    Dashboard,
}

impl Role {
    /// The role of a dashboard with these settings.
    #[must_use]
    pub fn of_dashboard(settings: &Settings) -> Self {
        match settings.server.collector {
            CollectorMode::InProcess => Self::Both,
            CollectorMode::Separate => Self::Dashboard,
        }
    }
}

impl Role {
    /// As people and scripts read it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Both => "collector and dashboard",
            Self::Collector => "collector",
            Self::Dashboard => "dashboard",
        }
    }
}

/// Why the program could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings that are only seen to be wrong where they are used.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// The private servers.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// PostgreSQL.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Redis.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The spool of samples that are not yet in PostgreSQL.
    #[error(
        "the spool {directory} cannot be used: {source}; correct its permissions or choose another place with --data-dir"
    )]
    Spool {
        /// Where.
        directory: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The alert rules.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Users, sessions and API tokens.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Business events cannot be counted.
    #[error(transparent)]
    Counting(#[from] CountingError),
    /// The operating system gives us no signals.
    #[error("signals cannot be listened for: {0}; see the limits of this user's processes")]
    Signals(#[source] std::io::Error),
    /// There is no collector whose samples could be shown.
    #[error("no collector runs on {}: start recipe-monitoring-collector run first, or set DATABASE_URL to the database it writes to", .directory.display())]
    NoCollector {
        /// Where one was looked for.
        directory: PathBuf,
    },
}

/// The running parts.
#[derive(Debug)]
pub struct Running {
    feed: Feed,
    store: Store,
    cache: Option<Cache>,
    archive: Archive,
    audit: AuditLog,
    sampling: Option<Sampling>,
    tasks: JoinSet<()>,
    embedded: Option<Embedded>,
    process: Process,
    vitals: VitalSigns,
}

/// What has to be brought to an end in order.
#[derive(Debug)]
struct Sampling {
    monitor: Arc<Monitor>,
    buffer: Buffer,
    saving: Saving,
    watched: Watched,
    counting: Option<Counting>,
    front: Front,
    /// Of the lease on scheduled work.
    holder: Uuid,
}

impl Running {
    /// Starts everything that the role needs.
    ///
    /// # Errors
    ///
    /// See [`StartError`]. Whatever was started is stopped again then.
    pub async fn start(settings: &Settings, role: Role, registry: &mut Registry) -> Result<Self, StartError> {
        let mut carried = Carried::begin(env!("CARGO_PKG_NAME"), Reloads::begin(Timestamp::now()));
        Self::start_with(settings, role, registry, &mut carried).await
    }

    /// The same where another run has ended, with what that has left. After an error `carried` has what is still
    /// there of it, for a run by the settings of before.
    ///
    /// # Errors
    ///
    /// See [`StartError`]. Whatever was started anew is stopped again then.
    pub fn start_with<'a>(
        settings: &'a Settings,
        role: Role,
        registry: &'a mut Registry,
        carried: &'a mut Carried,
    ) -> BoxFuture<'a, Result<Self, StartError>> {
        // Boxed here, all of it is compiled here: an `async fn` would be once more in each program that waits for it.
        Self::start_after(settings, role, registry, carried).boxed()
    }

    async fn start_after(
        settings: &Settings,
        role: Role,
        registry: &mut Registry,
        carried: &mut Carried,
    ) -> Result<Self, StartError> {
        // Before anybody can read in the data directory whom to ask: unheard, the signal would end us.
        let requests = SaveRequests::listen().map_err(StartError::Signals)?;
        let was_running = carried.embedded.is_some();
        let (embedded, connections) = stores(settings, role, carried.embedded.take()).await?;
        match Self::start_on(settings, role, registry, &connections, &carried.process).await {
            Ok(mut running) => {
                running.embedded = embedded;
                if let Some(embedded) = &mut running.embedded {
                    embedded.keep_directory();
                }
                running.save_on(requests);
                Ok(running)
            }
            Err(error) => {
                match embedded {
                    Some(embedded) if was_running => carried.embedded = Some(embedded),
                    Some(embedded) => embedded.abandon().await,
                    None => {}
                }
                Err(error)
            }
        }
    }

    /// Sees, without disturbing the run by the settings `used`, whether one by those that are new could follow it: as
    /// far as that can be seen before.
    ///
    /// # Errors
    ///
    /// See [`StartError`]
    pub fn foresee<'a>(used: &'a Settings, new: &'a Settings) -> BoxFuture<'a, Result<(), StartError>> {
        let foresee = async {
            Rules::load(&new.alerts.rules)?;
            if let Some(url) = new.database.url.expose().filter(|url| used.database.url.expose() != Some(url)) {
                let data_dir = embedded::data_dir(&new.storage).ok();
                opening::open(url, &new.database, data_dir.as_deref()).await?.close().await;
            }
            Ok(())
        };
        foresee.boxed()
    }

    async fn start_on(
        settings: &Settings,
        role: Role,
        registry: &mut Registry,
        connections: &Connections,
        process: &Process,
    ) -> Result<Self, StartError> {
        process.reloads.register(registry);
        instruments::register_process(registry, process.started_at);
        let url = connections.database_url.as_deref().unwrap_or_default();
        let data_dir = embedded::data_dir(&settings.storage).ok();
        let store = opening::open(url, &settings.database, data_dir.as_deref()).await?;
        let cache = match &connections.redis_url {
            Some(url) => Some(Cache::connect(url, settings.redis.password.expose())?),
            None => None,
        };
        let feed = Feed::new(settings.live.push, Timestamp::now());
        let host = host_name(&settings.system.host);
        let sample_seconds = settings.sampling.system.as_secs_f64();
        let spool = embedded::spool_dir(&settings.storage).ok();
        let vitals = VitalSigns::new(process.clone(), role, feed.clone());
        let mut running = Self {
            archive: Archive::new(store.clone(), spool.as_deref().map(Unsaved::of_others), sample_seconds),
            audit: AuditLog::new(data_dir.as_deref().unwrap_or(Path::new("")), Some(store.clone())),
            feed,
            store,
            cache,
            sampling: None,
            tasks: JoinSet::new(),
            embedded: None,
            process: process.clone(),
            vitals,
        };
        if let Some(data_dir) = data_dir.clone().filter(|data_dir| data_dir.is_dir()) {
            running.tasks.spawn(running.vitals.clone().tell(data_dir));
        }
        if let (Some(spool), Role::Both | Role::Collector) = (&spool, role) {
            running.start_sampling(settings, role, registry, &host, spool).await?;
        }
        let monitor = running.sampling.as_ref().map(|sampling| Arc::clone(&sampling.monitor));
        let on_news = {
            let host = host.clone();
            move || {
                if let Some(monitor) = &monitor {
                    monitor.record(Reading::Parts(host.clone()));
                }
            }
        };
        if let (Some(data_dir), Ok(place)) = (data_dir.clone(), Place::of(settings)) {
            let (store, is_daily) = (running.store.clone(), backup::is_daily(settings));
            let looking = Looking { place, data_dir, store, host: host.clone(), is_daily };
            running.tasks.spawn(source::watch_backup(running.feed.clone(), looking));
        }
        running.tasks.spawn(running.audit.clone().keep_moving());
        running.begin_with_history(host, data_dir, role).await;
        let parts = PartInstruments::register(registry);
        let watching = source::watch_store(running.feed.clone(), running.store.clone(), parts.clone(), on_news.clone());
        running.tasks.spawn(watching);
        running.tasks.spawn(source::watch_readings(running.feed.clone()));
        running.tasks.spawn(source::watch_alert_past(running.feed.clone(), running.store.clone()));
        if let Some(cache) = running.cache.clone() {
            running.tasks.spawn(source::watch_cache(running.feed.clone(), cache, parts, on_news));
        }
        if role == Role::Dashboard {
            let intake = intake::run(running.feed.clone(), running.store.clone(), running.cache.clone());
            running.tasks.spawn(intake);
            let desk = running.alert_desk(settings);
            running.tasks.spawn(source::watch_desk(running.feed.clone(), desk));
        }
        let (store, instruments) = (running.store.clone(), JobInstruments::register(registry));
        running.tasks.spawn(async move {
            store.opened().await;
            watch_jobs(store, instruments).await;
        });
        Ok(running)
    }

    /// Begins what needs PostgreSQL: at once, or where it is away, when it is back.
    async fn begin_with_history(&mut self, host: String, data_dir: Option<PathBuf>, role: Role) {
        let (store, archive, feed) = (self.store.clone(), self.archive.clone(), self.feed.clone());
        let saving = self.sampling.as_ref().map(|sampling| sampling.saving.clone());
        let is_dashboard = role == Role::Dashboard;
        let begin = async move {
            let to = Timestamp::now();
            let span = (to - SignedDuration::from_secs(APPLICATION_SPAN_SECONDS), to);
            let of = Some(host.as_str()).filter(|_| !is_dashboard);
            let application = archive.application_history(span, APPLICATION_POINTS, of).await;
            feed.remember_application(application.points().copied());
            match archive.recent(LIVE_SPAN, Some(host.as_str()).filter(|_| !is_dashboard)).await {
                Ok(points) => feed.remember(points),
                Err(error) => tracing::warn!(%error, "the recent history could not be read"),
            }
            // A dashboard's data directory is its collector's.
            if let Some(data_dir) = data_dir.filter(|_| !is_dashboard) {
                opening::remember(&store, &data_dir);
            }
        };
        if self.store.is_open() {
            return begin.await;
        }
        self.feed.report(PartName::Postgresql, PartState::Down, Timestamp::now());
        let store = self.store.clone();
        self.tasks.spawn(async move {
            opening::keep_trying(&store).await;
            tracing::info!("PostgreSQL answers: saving and the scheduled work begin");
            if let Some(saving) = saving {
                saving.ask();
            }
            begin.await;
        });
    }

    async fn start_sampling(
        &mut self,
        settings: &Settings,
        role: Role,
        registry: &mut Registry,
        host: &str,
        spool: &Path,
    ) -> Result<(), StartError> {
        let (instruments, schedule) = (Instruments::register(registry), &settings.schedule);
        let (limit, in_memory) = (settings.storage.spool_limit_bytes(), settings.storage.memory_records);
        let buffer = Buffer::open(spool, limit, in_memory, instruments.clone())
            .map_err(|source| StartError::Spool { directory: spool.to_owned(), source })?;
        self.archive = Archive::new(self.store.clone(), Some(buffer.unsaved()), settings.sampling.system.as_secs_f64());
        let (outgoing, taken_out) = mpsc::channel(outlet::QUEUE);
        let notify = (role == Role::Collector).then(|| self.store.clone());
        let outlet =
            Outlet { feed: self.feed.clone(), cache: self.cache.clone(), notify, instruments: instruments.clone() };
        self.tasks.spawn(outlet.run(taken_out));
        let seconds = settings.sampling.system.as_secs_f64();
        let retention = settings.schedule.retention();
        let data_dir = embedded::data_dir(&settings.storage)?;
        let top = Top::default();
        let alerting = Alerting::open(settings, &data_dir, buffer.clone(), self.feed.clone(), top.clone())?;
        self.tasks.spawn(source::watch_processes(top.clone()));
        self.tasks.spawn(source::watch_queries(top.clone(), self.feed.clone(), self.store.clone()));
        let monitor =
            Monitor::new(self.feed.clone(), outgoing, seconds, buffer.clone(), retention, instruments.clone());
        let monitor = Arc::new(monitor.alerting(alerting.clone()));
        let mut hang_ups = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
        self.tasks.spawn({
            let monitor = Arc::clone(&monitor);
            // There is no end of signals.
            let asked = async move || {
                hang_ups.recv().await;
            };
            alerting.clone().watch_rules(asked, move |events| monitor.tell(events))
        });
        self.start_notifying(settings, &alerting, &monitor);
        self.tasks.spawn(intake::run_annotations(Arc::clone(&monitor), self.store.clone()));
        let front = Front { alerting, monitor: Arc::clone(&monitor), notify: settings.notify.clone() };
        let (name, disk) = (host.to_owned(), data_disk(settings));
        let reader = move || SystemReader::new(&name, &disk);
        self.tasks.spawn(sample_system(Arc::clone(&monitor), reader, settings.live.push, instruments.clone()));
        let parts = (self.feed.clone(), self.store.clone(), self.cache.clone());
        let (kept_every, name) = (settings.sampling.system, host.to_owned());
        if settings.database.watch {
            self.tasks.spawn(source::watch_database(Arc::clone(&monitor), parts, kept_every, name));
        }
        let counting = match settings.business.enabled {
            true => {
                let zone = settings.business.zone(schedule);
                Some(Counting::open(&settings.business, zone, self.store.clone(), buffer.clone(), host).await?)
            }
            false => None,
        };
        let watched = Watched::new(&settings.application, counting.clone(), instruments.clone());
        if settings.application.enabled {
            let interval = settings.sampling.application;
            let (watched, monitor) = (watched.clone(), Arc::clone(&monitor));
            let application = settings.application.clone();
            let watching = source::watch_application(watched, application, interval, monitor, top, host.to_owned());
            self.tasks.spawn(watching);
        }
        if role == Role::Collector {
            let entrance = Entrance {
                receiver: watched.receiver(settings.application.series_limit, registry),
                counting: counting.clone(),
                kept: retention,
                limit: settings.application.body_limit_bytes(),
                front: front.clone(),
            };
            self.tasks.spawn(entrance.open(data_dir.clone()));
        }
        if let Some(counting) = counting.clone() {
            let (monitor, every) = (Arc::clone(&monitor), settings.sampling.business);
            self.tasks.spawn(async move {
                let give =
                    |business, occasion| monitor.record(Reading::Business(business, occasion == Occasion::Sample));
                counting.watch(every, give).await;
            });
        }
        buffer.ask_at(settings.schedule.save_records);
        let saving = Saving::new(self.store.clone(), buffer.clone(), host, instruments.clone());
        let saving = saving.within(Job::Save.limit(&settings.schedule));
        let collecting =
            Collecting { feed: self.feed.clone(), buffer: buffer.clone(), instruments: instruments.clone() };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        self.tasks.spawn(schedule::run_each(Arc::clone(&clock), schedule.clone(), collecting, saving.clone()));
        self.tasks.spawn(source::watch_unsaved(self.feed.clone(), buffer.clone(), instruments.clone()));
        let mut upkeep = Upkeep::new(self.store.clone(), self.cache.clone(), schedule, host);
        if backup::is_daily(settings)
            && let Ok(backups) = Backups::new(self.store.clone(), self.cache.clone(), settings, host)
        {
            upkeep = upkeep.with_backups(backups, data_dir);
        }
        let (store, holder) = (self.store.clone(), Uuid::now_v7());
        let schedule = schedule.clone();
        self.tasks.spawn(async move {
            store.opened().await;
            schedule::run_one(clock, schedule, store, upkeep, holder, instruments).await;
        });
        self.sampling = Some(Sampling { monitor, buffer, saving, watched, counting, front, holder });
        Ok(())
    }

    /// Starts whoever tells the receivers.
    fn start_notifying(&mut self, settings: &Settings, alerting: &Alerting, monitor: &Arc<Monitor>) {
        self.tasks.spawn({
            let monitor = Arc::clone(monitor);
            alerting.clone().watch_time(move |events| monitor.tell(events))
        });
        let senders = alerting.senders();
        if !senders.is_empty() {
            let (alerting, store) = (alerting.clone(), self.store.clone());
            self.tasks.spawn(alerting.watch_claims(store));
        }
        for sender in senders {
            let (next, reports) = (alerting.clone(), alerting.clone());
            self.tasks.spawn(notify::deliver(
                sender,
                async move |receiver: String| next.next_message(&receiver).await,
                move |receiver, key, outcome| reports.report_delivery(receiver, key, outcome),
            ));
        }
        let (feed, alerting) = (self.feed.clone(), alerting.clone());
        let is_alive = move || feed.health().part(PartName::Collector).is_some_and(|part| part.state == PartState::Up);
        let report = move |outcome, now| alerting.report_heartbeat(outcome, now);
        self.tasks.spawn(notify::send_heartbeats(settings.notify.clone(), is_alive, report));
    }

    /// The history.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The way into the audit log.
    #[must_use]
    pub fn audit(&self) -> &AuditLog {
        &self.audit
    }

    /// Who may.
    ///
    /// # Errors
    ///
    /// See [`AccessError`]
    pub fn access(settings: &Settings) -> Result<Access, StartError> {
        Ok(Access::open(&embedded::data_dir(&settings.storage)?)?)
    }

    /// Where pushed events are counted; `None` where a separate collector does it, or nothing is counted.
    #[must_use]
    pub fn counting(&self) -> Option<&Counting> {
        self.sampling.as_ref()?.counting.as_ref()
    }

    /// Where what instances of the application push goes; `None` where a separate collector takes
    /// the samples.
    #[must_use]
    pub fn watched(&self) -> Option<&Watched> {
        self.sampling.as_ref().map(|sampling| &sampling.watched)
    }

    /// The way to alerting: that of this process, or of the separate collector of these settings.
    #[must_use]
    pub fn alert_desk(&self, settings: &Settings) -> AlertDesk {
        match &self.sampling {
            Some(sampling) => AlertDesk::here(sampling.front.clone()),
            None => AlertDesk::there(Self::relay(settings)),
        }
    }

    /// The way to a look into PostgreSQL and Redis, from this process.
    #[must_use]
    pub fn database_desk(&self) -> DatabaseDesk {
        DatabaseDesk::new(self.feed.clone(), self.archive.clone(), self.store.clone(), self.cache.clone())
    }

    /// The way to the separate collector of these settings, for what is pushed.
    #[must_use]
    pub fn relay(settings: &Settings) -> Relay {
        Relay::to(&embedded::data_dir(&settings.storage).unwrap_or_default())
    }

    /// Asks for a save before its time.
    pub fn save_soon(&self) {
        if let Some(sampling) = &self.sampling {
            sampling.saving.ask();
        }
    }

    /// Saves whenever it is asked for by signal.
    fn save_on(&mut self, mut requests: SaveRequests) {
        let saving = self.sampling.as_ref().map(|sampling| sampling.saving.clone());
        self.tasks.spawn(async move {
            loop {
                requests.next().await;
                if let Some(saving) = &saving {
                    tracing::info!("asked to save by signal");
                    saving.ask();
                }
            }
        });
    }

    /// The live feed of this process.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The way to how the monitoring itself stands, in all of its processes.
    #[must_use]
    pub fn vitals_desk(&self, settings: &Settings) -> VitalsDesk {
        let data_dir = embedded::data_dir(&settings.storage).ok();
        let stores = (self.store.clone(), self.feed.clone());
        VitalsDesk::new(self.vitals.clone(), data_dir, stores, self.alert_desk(settings))
    }

    /// How this process stands.
    #[must_use]
    pub fn vitals(&self) -> &VitalSigns {
        &self.vitals
    }

    /// Stops sampling, saves what is buffered and stops the private servers.
    pub fn stop(self) -> BoxFuture<'static, ()> {
        self.finish(LAST_SAVE).then(Carried::end).boxed()
    }

    /// The same where another run follows, which finds the private servers running.
    pub fn hand_over(self) -> BoxFuture<'static, Carried> {
        self.finish(SAVE_BETWEEN).boxed()
    }

    async fn finish(mut self, last_save: Duration) -> Carried {
        self.tasks.shutdown().await;
        if let Some(Sampling { monitor, buffer, saving, counting, holder, .. }) = self.sampling.take() {
            monitor.finish();
            if let Some(counting) = counting {
                counting.close().await;
            }
            buffer.close().await;
            // What does not arrive in time is on disk, and saved after the next start.
            if tokio::time::timeout(last_save, saving.perform()).await.is_err() {
                tracing::warn!("the last save takes too long; the rest stays in the spool");
            }
            // Else the next collector would wait until it has run out.
            let _ = tokio::time::timeout(LAST_WORD, self.store.give_up_lease(holder)).await;
        }
        if let Some(cache) = &self.cache {
            cache.close().await;
        }
        self.store.close().await;
        Carried::of(self.embedded, self.process)
    }
}

/// Starts the private servers where the settings name none; a dashboard beside a collector uses
/// those of the collector.
async fn stores(
    settings: &Settings,
    role: Role,
    running: Option<Embedded>,
) -> Result<(Option<Embedded>, Connections), StartError> {
    let given = Connections {
        database_url: settings.database.url.expose().map(str::to_owned),
        redis_url: settings.redis.url.expose().filter(|_| settings.redis.enabled).map(str::to_owned),
    };
    // Also where both are given: the spool is in the data directory, which is one collector's own.
    if role != Role::Dashboard {
        let embedded = Embedded::go_on(running, settings).await?;
        let connections = embedded.connections().clone();
        return Ok((Some(embedded), connections));
    }
    if let Some(running) = running {
        running.stop().await;
    }
    if given.database_url.is_some() && (given.redis_url.is_some() || !settings.redis.enabled) {
        return Ok((None, given));
    }
    let running = embedded::running(&settings.storage)?;
    if running.is_none() && given.database_url.is_none() {
        return Err(StartError::NoCollector { directory: embedded::data_dir(&settings.storage)? });
    }
    let running = running.unwrap_or_default();
    let redis_url = given.redis_url.or(running.redis_url).filter(|_| settings.redis.enabled);
    Ok((None, Connections { database_url: given.database_url.or(running.database_url), redis_url }))
}

/// The path whose disk is `disk_usage`: as set, or the data directory, or where there is none the root.
pub(crate) fn data_disk(settings: &Settings) -> PathBuf {
    if !settings.system.data_disk.as_os_str().is_empty() {
        return settings.system.data_disk.clone();
    }
    let data_dir = embedded::data_dir(&settings.storage).ok().filter(|path| path.exists());
    data_dir.unwrap_or_else(|| PathBuf::from("/"))
}

/// Reads the host every `push`, on a thread that may block on a file system that hangs.
async fn sample_system(
    monitor: Arc<Monitor>,
    reader: impl FnOnce() -> SystemReader + Send + 'static,
    push: Duration,
    instruments: Instruments,
) {
    let Ok(mut reader) = tokio::task::spawn_blocking(reader).await else { return };
    let mut ticks = tokio::time::interval(push);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        let due = ticks.tick().await;
        let begun = Instant::now();
        instruments.sample_lateness.observe(due.elapsed().as_secs_f64());
        let read = tokio::task::spawn_blocking(move || {
            let reading = reader.read(Timestamp::now());
            (reader, reading)
        });
        match read.await {
            Ok((back, reading)) => {
                instruments.sample_seconds.observe(begun.elapsed().as_secs_f64());
                reader = back;
                monitor.record(Reading::System(reading));
            }
            Err(error) => {
                tracing::error!(%error, "the host can no longer be read");
                return;
            }
        }
    }
}
