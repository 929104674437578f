//! What is told of PostgreSQL and Redis is what they do: with real locks, slow statements, tables that
//! grow, roles that may not look, and a server that hangs.

use std::path::Path;
use std::time::Duration;

use collector::database::{ObstacleKind, Postgresql};
use collector::{Archive, DatabaseDesk, Feed, Labels, PartName, PartState, RangeQuery, Role, Running, Settings};
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;

use crate::helpers::{connect, directory, execute, number, until};
use crate::redis::{Redis, ask};
use crate::server::Server;

/// A collector in this process that samples every second.
async fn collector(place: &Path, database: &str, redis: &str) -> Running {
    std::fs::create_dir_all(place).unwrap();
    let mut settings = Settings::default();
    settings.storage.data_dir = place.join("data");
    settings.database.url = database.to_owned().into();
    (settings.database.pool_min, settings.database.pool_max) = (0, 5);
    settings.redis.enabled = !redis.is_empty();
    settings.redis.url = redis.to_owned().into();
    (settings.live.push, settings.sampling.system) = (Duration::from_secs(1), Duration::from_secs(1));
    (settings.application.enabled, settings.business.enabled) = (false, false);
    let running = Running::start(&settings, Role::Collector, &mut Registry::default()).await.unwrap();
    let parts = [PartName::Postgresql, PartName::Redis].into_iter().take(if redis.is_empty() { 1 } else { 2 });
    for part in parts {
        is_up(running.feed(), part).await;
    }
    running
}

async fn is_up(feed: &Feed, name: PartName) {
    until("it is up", async || {
        let part = feed.health().part(name).cloned()?;
        (part.state == PartState::Up && part.last_seen.is_some()).then_some(())
    })
    .await;
}

/// Looks until it is as it should be.
async fn look<T>(desk: &DatabaseDesk, what: &str, wanted: impl Fn(&Postgresql) -> Option<T>) -> T {
    until(what, async || wanted(&desk.look().await.postgresql)).await
}

/// The values of a series that were sampled in the last minute.
async fn sampled(archive: &Archive, metric: &str, labels: &[(&str, &str)]) -> Vec<(Timestamp, f64)> {
    let labels: Labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let to = Timestamp::now() + SignedDuration::from_secs(1);
    let from = to - SignedDuration::from_secs(61);
    let query = RangeQuery { metric: metric.to_owned(), labels, from, to, points: 600, resolution: None };
    let Ok(range) = archive.range(&query).await else { return Vec::new() };
    let points = range.series.into_iter().flat_map(|series| series.points);
    points.map(|point| (point.at, point.avg)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_blocks_whom_is_a_tree_in_which_no_literal_is_shown() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let running = collector(&directory.path().join("own"), &server.url, "").await;
    let desk = running.database_desk();
    let mut holder = server.database().await;
    execute(&mut holder, "SET application_name = 'holder'").await;
    execute(&mut holder, "CREATE TABLE recipes (id INT PRIMARY KEY, title TEXT)").await;
    execute(&mut holder, "BEGIN; LOCK TABLE recipes IN ACCESS EXCLUSIVE MODE").await;
    let waiting: Vec<_> = [
        ("reader", "SELECT title FROM recipes WHERE title = 'secret' AND id = 4711"),
        ("writer", "DELETE FROM recipes"),
    ]
    .map(|(name, sql)| {
        let url = server.url.clone();
        tokio::spawn(async move {
            let mut connection = connect(&url).await;
            execute(&mut connection, &format!("SET application_name = '{name}'")).await;
            execute(&mut connection, sql).await;
        })
    })
    .into();
    let locks = look(&desk, "both wait", |seen| seen.locks.value.clone().filter(|locks| locks.len() == 3)).await;
    let drawn: Vec<_> = locks.iter().map(|session| (session.depth, session.application.as_str())).collect();
    assert_eq!(drawn[0], (0, "holder"));
    assert!(drawn.contains(&(1, "reader")) && drawn.contains(&(1, "writer")), "{drawn:?}");
    let reader = locks.iter().find(|session| session.application == "reader").unwrap();
    assert_eq!(reader.query.as_deref(), Some("SELECT title FROM recipes WHERE title = ? AND id = ?"));
    assert_eq!(
        (reader.lock.as_deref(), reader.mode.as_deref()),
        (Some("relation public.recipes"), Some("AccessShareLock"))
    );
    assert_eq!(reader.blocked_by, [locks[0].pid]);
    assert!(reader.seconds.is_some_and(|seconds| seconds < 60.0));
    assert_eq!(locks[0].state.as_deref(), Some("idle in transaction"));
    // The sizes are there nevertheless, also of the table that nobody may touch.
    let seen = look(&desk, "the sizes", |seen| seen.relations.value.clone()).await;
    assert!(seen.tables.iter().any(|table| table.name == "public.recipes"));
    // Sessions and locks are two queries, the one a moment before the other.
    look(&desk, "the states", |seen| {
        let connections = seen.sessions.value.as_ref()?.connections;
        ((connections.waiting, connections.idle_in_transaction, connections.hidden) == (2, 1, 0)).then_some(())
    })
    .await;
    // It is sampled as well.
    until("the samples", async || {
        let waiting = sampled(running.archive(), "postgresql_locks_waiting", &[]).await;
        let states = sampled(running.archive(), "postgresql_connections", &[("state", "waiting")]).await;
        (waiting.last()?.1 == 2.0 && states.last()?.1 == 2.0).then_some(())
    })
    .await;
    execute(&mut holder, "ROLLBACK").await;
    for waiting in waiting {
        waiting.await.unwrap();
    }
    look(&desk, "nobody waits", |seen| seen.locks.value.as_ref()?.is_empty().then_some(())).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_rights_is_told_which_grant_is_missing() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    execute(&mut database, "CREATE ROLE guest LOGIN PASSWORD 'guest'").await;
    execute(&mut database, "CREATE DATABASE guests OWNER guest").await;
    let mut own = connect(&guest_url(&server, "recipe_user", "")).await;
    execute(&mut own, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await;
    execute(
        &mut own,
        "CREATE TABLE closed (id INT); INSERT INTO closed SELECT generate_series(1, 20000); ANALYZE closed",
    )
    .await;
    let running = collector(&directory.path().join("own"), &guest_url(&server, "guest", "guest"), "").await;
    let desk = running.database_desk();
    let stats = "GRANT pg_read_all_stats TO guest;";
    let hidden = |seen: &Postgresql| {
        let sessions = (!seen.sessions.obstacles.is_empty()).then(|| seen.sessions.clone())?;
        assert_eq!(sessions.obstacles[0].kind, ObstacleKind::Permission);
        assert_eq!(sessions.obstacles[0].remedy, [stats]);
        assert!(sessions.value?.connections.hidden > 0);
        Some(())
    };
    look(&desk, "what is hidden", hidden).await;
    let relations =
        look(&desk, "the tables", |seen| seen.relations.value.as_ref().map(|_| seen.relations.clone())).await;
    assert_eq!(relations.obstacles[0].remedy, ["GRANT SELECT ON public.closed TO guest;"]);
    let closed = relations.value.unwrap().tables.into_iter().find(|table| table.name == "public.closed").unwrap();
    assert!(closed.bytes > 500_000 && closed.bloat_bytes.is_none(), "{closed:?}");
    execute(&mut database, stats).await;
    execute(&mut own, "GRANT SELECT ON public.closed TO guest").await;
    look(&desk, "nothing is hidden", |seen| {
        let is_whole = seen.sessions.value.as_ref()?.connections.hidden == 0;
        let bloat =
            seen.relations.value.as_ref()?.tables.iter().find(|table| table.name == "public.closed")?.bloat_bytes?;
        (is_whole && seen.sessions.obstacles.is_empty() && seen.relations.obstacles.is_empty()).then_some(bloat)
    })
    .await;
    running.stop().await;
}

/// The database `guests` for this role; without a password the role of the server's own.
fn guest_url(server: &Server, user: &str, password: &str) -> String {
    let own = server.url.split(['/', '@']).nth(2).unwrap();
    let login = if password.is_empty() { own.to_owned() } else { format!("{user}:{password}") };
    server.url.replace(own, &login).replace("/recipe_db?", "/guests?")
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_statements_are_there_without_their_literals_and_where_they_are_not_counted_it_is_said_what_is_missing() {
    let directory = directory();
    // The private one counts by itself.
    let place = directory.path().join("own");
    std::fs::create_dir(&place).unwrap();
    let mut settings = Settings::default();
    settings.storage.data_dir = place.join("data");
    settings.redis.enabled = false;
    (settings.application.enabled, settings.business.enabled) = (false, false);
    let running = Running::start(&settings, Role::Collector, &mut Registry::default()).await.unwrap();
    is_up(running.feed(), PartName::Postgresql).await;
    let desk = running.database_desk();
    let connections = collector::embedded::running(&settings.storage).unwrap().unwrap();
    let url = connections.database_url.unwrap();
    let mut database = connect(&url).await;
    execute(&mut database, "SELECT pg_sleep(1.25), 'secret' AS name").await;
    let slow = |seen: &Postgresql| {
        let statements = &seen.statements.value.as_ref()?.statements;
        statements
            .iter()
            .find(|statement| statement.query.as_ref().is_some_and(|query| query.contains("pg_sleep")))
            .cloned()
    };
    let statement = look(&desk, "the slow statement", slow).await;
    assert_eq!(statement.query.as_deref(), Some("SELECT pg_sleep($1), $2 AS name"));
    assert!(statement.calls == 1 && statement.mean_ms >= 1_250.0 && statement.share > 0.0, "{statement:?}");
    assert_eq!((statement.database.as_str(), statement.change), ("recipe_db", None));
    // What had been counted two days and a day ago.
    let before = format!(
        "INSERT INTO recipe_monitoring_state.statement_counts
         SELECT now() - hours * INTERVAL '1 hour', {}, calls, calls * 10 FROM (VALUES (48, 100), (24, 500), (3, 700)) AS b (hours, calls)",
        statement.id
    );
    execute(&mut database, &before).await;
    let change = look(&desk, "the change", |seen| slow(seen)?.change).await;
    // Then the statistics were reset, and it ran once.
    assert_eq!((change.calls, change.calls_before, change.mean_ms_before), (201, 400, Some(10.0)));
    let kept =
        "SELECT count(*) FROM recipe_monitoring_state.statement_counts WHERE taken_at > now() - INTERVAL '1 hour'";
    assert!(number(&mut database, kept).await > 0);

    execute(&mut database, "DROP EXTENSION pg_stat_statements").await;
    let missing = |seen: &Postgresql| {
        let obstacle = seen.statements.obstacles.first().filter(|obstacle| obstacle.kind == ObstacleKind::Extension)?;
        Some(obstacle.remedy.clone())
    };
    assert_eq!(look(&desk, "what is missing", missing).await, ["CREATE EXTENSION pg_stat_statements;"]);
    running.stop().await;

    // On a server that was started without the library both lines are.
    let other = directory.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let server = Server::start(&other).await;
    let running = collector(&directory.path().join("third"), &server.url, "").await;
    let lines = look(&running.database_desk(), "both are missing", |seen| missing(seen)).await;
    assert!(lines[0].starts_with("shared_preload_libraries = 'pg_stat_statements'"), "{lines:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_grow_indexes_are_used_or_not_and_transactions_are_counted() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    let tables = "CREATE TABLE views (id SERIAL PRIMARY KEY, page TEXT, at TIMESTAMPTZ DEFAULT now());
                  CREATE INDEX views_page ON views (page); CREATE INDEX views_at ON views (at);
                  INSERT INTO views (page) SELECT 'page ' || n FROM generate_series(1, 20000) AS n;
                  ANALYZE views";
    execute(&mut database, tables).await;
    execute(&mut database, "SET enable_seqscan = off; SELECT id FROM views WHERE page = 'page 7'").await;
    let running = collector(&directory.path().join("own"), &server.url, "").await;
    let desk = running.database_desk();
    let table = |seen: &Postgresql| {
        seen.relations.value.as_ref()?.tables.iter().find(|table| table.name == "public.views").cloned()
    };
    let first = look(&desk, "the table", |seen| table(seen)).await;
    assert_eq!((first.rows, first.growth.day), (Some(20_000), None));
    until("the sizes are sampled", async || {
        let sizes = sampled(running.archive(), "postgresql_table_bytes", &[("table", "public.views")]).await;
        (sizes.last()?.1 > 0.0).then_some(())
    })
    .await;
    let unused = look(&desk, "the used index is known as such", |seen| {
        let names: Vec<_> =
            seen.relations.value.as_ref()?.unused_indexes.iter().map(|index| index.name.clone()).collect();
        (!names.iter().any(|name| name == "views_page")).then_some(names)
    })
    .await;
    assert!(unused.contains(&"views_at".to_owned()) && !unused.contains(&"views_pkey".to_owned()), "{unused:?}");

    // A table that was smaller a day ago: as it would have been sampled then.
    let before = format!(
        "INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
         SELECT now() - INTERVAL '24 hours', 'postgresql_table_bytes', {}, '{{\"host\": \"web\", \"table\": \"public.views\"}}'",
        first.bytes - 8_192
    );
    execute(&mut database, &before).await;
    let desk = running.database_desk();
    execute(&mut database, "INSERT INTO views (page) SELECT 'more ' || n FROM generate_series(1, 20000) AS n").await;
    let second = look(&desk, "the growth", |seen| table(seen).filter(|table| table.growth.day.is_some())).await;
    assert!(second.bytes > first.bytes);
    assert_eq!(second.growth.day, Some(i64::try_from(second.bytes - first.bytes).unwrap() + 8_192));

    // Half of it is deleted: dead until it is vacuumed, bloat after that.
    execute(&mut database, "DELETE FROM views WHERE id % 2 = 0").await;
    look(&desk, "the dead rows", |seen| table(seen).filter(|table| table.dead_rows > 19_000)).await;
    execute(&mut database, "VACUUM ANALYZE views").await;
    let third = look(&desk, "the bloat", |seen| table(seen).filter(|table| table.vacuumed_at.is_some())).await;
    let bloat = third.bloat_bytes.unwrap();
    assert!(bloat > third.bytes / 4 && bloat < third.bytes, "{third:?}");

    for _ in 0..30 {
        execute(&mut database, "BEGIN; INSERT INTO views (page) VALUES ('x'); ROLLBACK").await;
    }
    until("rollbacks are counted", async || {
        let rates = sampled(running.archive(), "postgresql_rollbacks_per_second", &[]).await;
        rates.iter().any(|(_, rate)| *rate > 1.0).then_some(())
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_exhausted_is_seen_with_those_who_wait_for_it() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let running = collector(&directory.path().join("own"), &server.url, "").await;
    let desk = running.database_desk();
    let mut holder = server.database().await;
    execute(&mut holder, "BEGIN; LOCK TABLE system_metrics, metrics_hourly, alert_history").await;
    let archive = running.archive().clone();
    // Three more than there are connections.
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let archive = archive.clone();
            tokio::spawn(async move { archive.stats("cpu_usage", 24).await.map(drop) })
        })
        .collect();
    let pool = look(&desk, "they wait", |seen| (seen.pool.waiting >= 3).then_some(seen.pool)).await;
    assert_eq!((pool.active, pool.idle, pool.most), (5, 0, 5));
    let locks =
        look(&desk, "the locks are seen nevertheless", |seen| seen.locks.value.clone().filter(|locks| locks.len() > 5))
            .await;
    assert_eq!((locks[0].depth, locks[0].state.as_deref()), (0, Some("idle in transaction")));
    until("it is sampled", async || {
        let newest = running.feed().database()?;
        let waiting = newest
            .points
            .iter()
            .find(|point| point.metric_name == "postgresql_pool_connections" && point.labels["state"] == "waiting")?;
        (waiting.value >= 3.0).then_some(())
    })
    .await;
    execute(&mut holder, "ROLLBACK").await;
    for asking in asking {
        let _ = asking.await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_tells_of_evictions_and_of_slow_commands_without_keys_and_values() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let redis = Redis::start(directory.path()).await;
    let running = collector(&directory.path().join("own"), &server.url, &redis.url()).await;
    let desk = running.database_desk();
    let client = redis.client().await;
    ask(&client, "CONFIG", &["SET", "slowlog-log-slower-than", "0"]).await;
    ask(&client, "CONFIG", &["SET", "maxmemory-policy", "allkeys-random"]).await;
    ask(&client, "CONFIG", &["SET", "maxmemory", "3mb"]).await;
    let value = "x".repeat(10_000);
    let write = async || {
        for n in 0..400 {
            ask(&client, "SET", &[&format!("session:secret{n}"), &value]).await;
        }
        ask(&client, "GET", &["session:nobody"]).await;
    };
    let seen = until("evictions", async || {
        write().await;
        let seen = desk.look().await.redis.clone();
        seen.server.value.as_ref().is_some_and(|server| server.evicted_keys > 0).then_some(seen)
    })
    .await;
    let of_server = seen.server.value.unwrap();
    assert_eq!((of_server.memory_limit_bytes, of_server.eviction_policy.as_str()), (3 << 20, "allkeys-random"));
    assert!(of_server.connected_clients >= 2 && of_server.hit_ratio.is_some() && of_server.answer_ms > 0.0);
    let slow = seen.slow_log.value.unwrap();
    assert!(!slow.is_empty() && slow.iter().all(|entry| !entry.command.contains("secret")), "{slow:?}");
    until("they are sampled", async || {
        write().await;
        let evicted = sampled(running.archive(), "redis_evicted_keys_per_second", &[]).await;
        let hits = sampled(running.archive(), "redis_keyspace_hit_ratio", &[]).await;
        (evicted.iter().any(|(_, rate)| *rate > 0.0) && !hits.is_empty()).then_some(())
    })
    .await;

    ask(&client, "ACL", &["SETUSER", "default", "-slowlog"]).await;
    let remedy = until("the right that is missing", async || {
        Some(desk.look().await.redis.slow_log.obstacles.first()?.remedy.clone())
    })
    .await;
    assert_eq!(remedy, ["ACL SETUSER default +slowlog|get"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_hangs_holds_up_neither_sampling_nor_whoever_looks() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let redis = Redis::start(directory.path()).await;
    let running = collector(&directory.path().join("own"), &server.url, &redis.url()).await;
    let desk = running.database_desk();
    look(&desk, "it is there", |seen| seen.server.value.clone()).await;
    let newest = || {
        running
            .feed()
            .database()
            .filter(|sample| sample.points.iter().any(|point| point.metric_name == "redis_connected_clients"))
    };
    let paused = server.pause();
    let since = Timestamp::now();
    // Who looks is told within seconds, and Redis goes on.
    until("it is said", async || {
        let asked = std::time::Instant::now();
        let seen = desk.look().await;
        assert!(asked.elapsed() < Duration::from_secs(6));
        let kind = seen.postgresql.server.obstacles.first().map(|obstacle| obstacle.kind);
        (kind == Some(ObstacleKind::Away) && seen.redis.server.value.is_some()).then_some(())
    })
    .await;
    until("redis is sampled meanwhile", async || {
        newest().filter(|sample| sample.at > since + SignedDuration::from_secs(4)).map(drop)
    })
    .await;
    paused.resume();
    look(&desk, "it is back", |seen| seen.server.value.clone()).await;
    running.stop().await;
}
