//! Settings that are read again by SIGHUP: all of them are used, or none, and no sample is lost or counted twice.

use std::fs;
use std::path::Path;

use collector::Vitals;
use rustix::process::{Signal, kill_process};
use sqlx::PgConnection;

use crate::helpers::{Collector, connect, directory, execute, number, program, until};
use crate::server::Server;

const QUIET: &str = "[application]\nenabled = false\n[business]\nenabled = false\n[database]\nwatch = false\n";

/// A collector whose settings are in a file beside its data directory.
async fn start(directory: &Path, more: &str) -> Collector {
    write(directory, more);
    let mut command = program(&[]);
    command.current_dir(directory);
    Collector::start_as(command, &directory.join("data"), &[]).await
}

fn write(directory: &Path, more: &str) {
    fs::write(directory.join("recipe-monitoring.toml"), format!("{QUIET}{more}")).unwrap();
}

/// Asks for the settings to be read, and waits until they were; answers how that went.
async fn reload(collector: &Collector) -> Vitals {
    let before = vitals(collector).await.unwrap().reloaded.at;
    kill_process(collector.pid(), Signal::HUP).unwrap();
    until("the settings are read", async || vitals(collector).await.filter(|now| now.reloaded.at > before)).await
}

async fn vitals(collector: &Collector) -> Option<Vitals> {
    Vitals::ask(&collector.data_dir, "recipe-monitoring-collector").await.ok()
}

/// Rows of the host's CPU that were saved.
async fn cpu_rows(database: &mut PgConnection) -> i64 {
    number(database, "SELECT count(*) FROM system_metrics WHERE metric_name = 'cpu_usage'").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_is_used_and_what_is_wrong_changes_nothing() {
    let directory = directory();
    let fast = "[live]\npush = \"1s\"\n[sampling]\nsystem = \"1s\"\n[schedule]\nsave = \"1s\"\nfirst_save = \"0s\"\n";
    let mut collector = start(directory.path(), "[sampling]\nsystem = \"60s\"\n").await;
    let postgres = collector.postgres_pid();
    let started = vitals(&collector).await.unwrap();
    assert_eq!((started.role.as_str(), started.reloaded.error.as_deref()), ("collector", None));

    // Nothing is new: nothing is stopped for it.
    let again = reload(&collector).await;
    assert_eq!((again.reloaded.error, again.reloaded.used_since), (None, started.reloaded.used_since));
    assert!(collector.log().contains("the settings are as they were"));

    write(directory.path(), fast);
    let new = reload(&collector).await;
    assert_eq!((new.reloaded.error, new.pid, new.started_at), (None, started.pid, started.started_at));
    assert!(new.reloaded.used_since > started.reloaded.used_since);
    assert_eq!(collector.postgres_pid(), postgres, "the private PostgreSQL goes on");
    let mut database = collector.database().await;
    until("samples every second are saved", async || (cpu_rows(&mut database).await >= 3).then_some(())).await;

    for (wrong, parts) in [
        ("[live]\npush = \"0s\"\n", ["live.push = 0ns", "from 1s to 60s", "recipe-monitoring.toml"]),
        ("[live]\npsh = \"1s\"\n", ["live.psh", "live.push", "recipe-monitoring.toml"]),
        ("[live\n", ["recipe-monitoring.toml", "not valid", "line"]),
        ("[alerts]\nrules = \"missing.toml\"\n", ["missing.toml", "cannot be read", "correct the path"]),
        ("[log]\nfilter = \"a=b=c\"\n", ["log.filter", "a=b=c", "info,collector=debug"]),
    ] {
        write(directory.path(), &format!("{wrong}{}", if wrong.starts_with("[live") { "" } else { fast }));
        let refused = reload(&collector).await;
        let (error, error_ja) = (refused.reloaded.error.clone().unwrap(), refused.reloaded.error_ja.clone().unwrap());
        for part in parts {
            assert!(error.contains(part) && error_ja.contains(part), "{error} {error_ja} lack {part}");
        }
        assert_eq!(refused.reloaded.used_since, new.reloaded.used_since);
        let logged = collector.log();
        let logged = logged.lines().rfind(|line| line.contains("the settings stay as they were")).unwrap();
        assert!(logged.contains(parts[0]), "{logged}");
        assert_eq!(refused.numbers().sum("recipe_monitoring_config_last_reload_successful", &[]), Some(0.0));
        let rows = cpu_rows(&mut database).await;
        until("the old interval holds", async || (cpu_rows(&mut database).await > rows + 1).then_some(())).await;
    }

    write(directory.path(), &format!("{fast}[log]\nfilter = \"debug\"\nformat = \"text\"\n"));
    let right = reload(&collector).await;
    let numbers = right.numbers();
    let reloaded = right.reloaded;
    assert_eq!((reloaded.error, reloaded.waits_for_restart), (None, vec!["log.format".to_owned()]));
    assert_eq!(numbers.sum("recipe_monitoring_config_last_reload_successful", &[]), Some(1.0));
    let at = numbers.sum("recipe_monitoring_config_last_reload_success_timestamp_seconds", &[]).unwrap();
    assert!((at - reloaded.at.as_duration().as_secs_f64()).abs() < 1.0, "{at} {:?}", reloaded.at);
    until("more is logged", async || collector.log().contains("\"level\":\"DEBUG\"").then_some(())).await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sample_is_lost_or_saved_twice_however_often_it_is_done() {
    let directory = directory();
    let often = |save: u32| {
        format!(
            "[live]\npush = \"1s\"\n[sampling]\nsystem = \"1s\"\n[schedule]\nsave = \"{save}s\"\nfirst_save = \"0s\"\n\
             [system]\nhost = \"web\"\n"
        )
    };
    let mut collector = start(directory.path(), &often(60)).await;
    let mut database = collector.database().await;
    for turn in 1..=4 {
        let kept = async || {
            let numbers = vitals(&collector).await?.numbers();
            numbers.sum("recipe_monitoring_samples_total", &[]).filter(|samples| *samples >= 2.0)
        };
        until("samples of this run", kept).await;
        write(directory.path(), &often(60 + turn));
        assert_eq!(reload(&collector).await.reloaded.error, None);
        // What the run before has taken is saved by its end, or by the next one.
        until("they are saved", async || {
            let saved = cpu_rows(&mut database).await;
            (saved >= i64::from(turn) * 2).then_some(())
        })
        .await;
    }
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    let server = PrivateAgain::start(&collector).await;
    let mut database = connect(&server.url).await;
    let twice = "SELECT count(*) FROM (SELECT 1 FROM system_metrics GROUP BY timestamp, metric_name, labels \
                 HAVING count(*) > 1) AS twice";
    assert_eq!(number(&mut database, twice).await, 0);
    // One a second, and no more than a moment for a reload.
    let gap = "SELECT coalesce(max(extract(epoch FROM gap)), 0)::bigint FROM (SELECT timestamp - lag(timestamp) OVER \
               (ORDER BY timestamp) AS gap FROM system_metrics WHERE metric_name = 'cpu_usage') AS gaps";
    let gap = number(&mut database, gap).await;
    assert!(gap < 20, "nothing was sampled for {gap} s");
    drop(database);
    server.end().await;
}

/// The private PostgreSQL of a collector that has ended, run by another that samples nothing.
struct PrivateAgain {
    collector: Collector,
    url: String,
}

impl PrivateAgain {
    async fn start(of: &Collector) -> Self {
        let settings = ["live.push=60s", "sampling.system=60s", "application.enabled=false", "business.enabled=false"];
        let arguments = settings.map(|setting| ["--set", setting]);
        let collector = Collector::start(&of.data_dir, arguments.as_flattened()).await;
        let url = collector.url("DATABASE_URL").unwrap();
        Self { collector, url }
    }

    async fn end(mut self) {
        assert_eq!(self.collector.end(Signal::TERM).await, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_file_is_read_again_and_a_database_that_is_not_there_is_refused() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    execute(&mut database, "CREATE ROLE app LOGIN PASSWORD 'first' CONNECTION LIMIT 100").await;
    execute(&mut database, "CREATE DATABASE one OWNER app").await;
    execute(&mut database, "CREATE DATABASE two OWNER app").await;
    let password = server.url.split([':', '@']).nth(2).unwrap().to_owned();
    let url = |database: &str, own: &str| {
        let url = server.url.replace("recipe_user:", "app:").replace(&password, own);
        url.replace("/recipe_db?", &format!("/{database}?"))
    };
    let place = directory.path().join("own");
    fs::create_dir_all(&place).unwrap();
    let secret = place.join("database-url");
    fs::write(&secret, url("one", "first")).unwrap();
    write(&place, "[live]\npush = \"1s\"\n[redis]\nenabled = false\n[sampling]\nsystem = \"1s\"\n");
    let mut command = program(&[]);
    command.current_dir(&place).env("DATABASE_URL_FILE", &secret);
    let mut collector = Collector::start_as(command, &place.join("data"), &[]).await;
    let rows = async |name: &str| {
        let mut database = connect(&server.url.replace("/recipe_db?", &format!("/{name}?"))).await;
        cpu_rows(&mut database).await
    };

    fs::write(&secret, url("two", "wrong")).unwrap();
    let refused = reload(&collector).await.reloaded.error.unwrap();
    assert!(refused.contains("password") && !refused.contains("wrong"), "{refused}");
    fs::write(&secret, url("three", "first")).unwrap();
    let refused = reload(&collector).await.reloaded.error.unwrap();
    assert!(refused.contains("three"), "{refused}");

    // Twice, for the first reading of a CPU says nothing yet.
    let sampled = async || {
        let samples = vitals(&collector).await?.numbers().sum("recipe_monitoring_samples_total", &[]);
        samples.filter(|samples| *samples > 0.0)
    };
    let first = until("it samples", sampled).await;
    until("it samples again", async || sampled().await.filter(|samples| *samples > first)).await;
    fs::write(&secret, url("two", "first")).unwrap();
    assert_eq!(reload(&collector).await.reloaded.error, None);
    // What was sampled before is where it was to be saved then.
    until("the first has its samples", async || (rows("one").await > 0).then_some(())).await;
    until("samples of the new run", async || {
        let numbers = vitals(&collector).await?.numbers();
        numbers.sum("recipe_monitoring_samples_total", &[]).filter(|samples| *samples > 0.0)
    })
    .await;
    assert_eq!(collector.end(Signal::TERM).await, Some(0));
    assert!(rows("two").await > 0);
}
