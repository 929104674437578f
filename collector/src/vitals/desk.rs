//! All that a page about the monitoring itself shows: both processes, and what only the stores know.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{PROGRAMS, VitalSigns, Vitals};
use crate::alerting::AlertDesk;
use crate::backup::BackupState;
use crate::run::Role;
use crate::store::{OwnTable, Store};
use crate::{Feed, PartName};

/// How long a page waits for each of what others have to say.
const WITHIN: Duration = Duration::from_secs(1);
/// For so long sizes of tables are not asked for again.
const KEPT: Duration = Duration::from_secs(20);

/// The way to how the monitoring stands. Clones are the same.
#[derive(Clone, Debug)]
pub struct VitalsDesk {
    signs: VitalSigns,
    data_dir: Option<PathBuf>,
    store: Store,
    feed: Feed,
    alerts: AlertDesk,
    tables: Arc<Mutex<Option<Tables>>>,
}

/// Our own tables, and when they were asked for.
type Tables = (Instant, Vec<OwnTable>);

/// How the monitoring stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The process that is asked.
    pub here: Vitals,
    /// The collector beside it.
    pub collector: Beside,
    /// The backups.
    pub backup: BackupState,
    /// Messages to receivers that are not delivered yet; `None` where nobody answers that.
    pub messages_waiting: Option<u64>,
    /// Our own tables, the largest first; `None` while PostgreSQL does not say.
    pub tables: Option<Vec<OwnTable>>,
}

/// A collector that is a process of its own.
#[derive(Clone, Debug)]
pub enum Beside {
    /// There is none: this process takes the samples.
    None,
    /// It does not answer, or runs on another host.
    Away,
    /// How it stands.
    There(Box<Vitals>),
}

impl Standing {
    /// The process that takes the samples, where it answers.
    #[must_use]
    pub fn sampler(&self) -> Option<&Vitals> {
        match &self.collector {
            Beside::None => Some(&self.here),
            Beside::Away => None,
            Beside::There(vitals) => Some(vitals),
        }
    }
}

impl VitalsDesk {
    pub(crate) fn new(
        signs: VitalSigns,
        data_dir: Option<PathBuf>,
        (store, feed): (Store, Feed),
        alerts: AlertDesk,
    ) -> Self {
        Self { signs, data_dir, store, feed, alerts, tables: Arc::default() }
    }

    /// How it stands now.
    pub async fn look(&self) -> Standing {
        let alerts = async { timeout(WITHIN, self.alerts.desk()).await.ok()?.ok() };
        let (here, collector, desk, tables) = tokio::join!(self.signs.take(), self.collector(), alerts, self.tables());
        let messages_waiting =
            desk.map(|desk| desk.receivers.iter().map(|receiver| receiver.waiting as u64).sum::<u64>());
        Standing { here, collector, backup: self.feed.backup(), messages_waiting, tables }
    }

    async fn collector(&self) -> Beside {
        if self.signs.role() != Role::Dashboard {
            return Beside::None;
        }
        let Some(data_dir) = &self.data_dir else { return Beside::Away };
        match timeout(WITHIN, Vitals::ask(data_dir, PROGRAMS[0])).await {
            Ok(Ok(vitals)) => Beside::There(Box::new(vitals)),
            _ => Beside::Away,
        }
    }

    async fn tables(&self) -> Option<Vec<OwnTable>> {
        if !self.feed.health().is_up(PartName::Postgresql) {
            return None;
        }
        let mut known = self.tables.lock().await;
        if let Some((_, tables)) = known.as_ref().filter(|(at, _)| at.elapsed() < KEPT) {
            return Some(tables.clone());
        }
        let tables = timeout(WITHIN, self.store.own_tables()).await.ok()?.ok()?;
        *known = Some((Instant::now(), tables.clone()));
        Some(tables)
    }
}
