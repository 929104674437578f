//! Annotations in a real PostgreSQL: kept once or not at all, and told to every process.

use std::path::Path;
use std::time::{Duration, Instant};

use collector::annotation::{Annotation, Draft};
use collector::config::Database;
use collector::{
    AnnotateError, AnnotationQuery, Archive, Feed, LiveEvent, Payload, Role, Running, Settings, Store, Subscription,
};
use fred::clients::SubscriberClient;
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::Builder;
use fred::types::config::Config;
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use sqlx::Executor;

use crate::cli::{Ended, on, run};
use crate::helpers::{directory, execute, number, soon, until};
use crate::redis::Redis;
use crate::server::Server;

/// Until other pages know.
const LIMIT: Duration = Duration::from_secs(2);

async fn archive(url: &str) -> (Store, Archive) {
    let settings = Database { pool_min: 0, connect_timeout: Duration::from_secs(2), ..Database::default() };
    let store = Store::open(url, &settings).await.unwrap();
    (store.clone(), Archive::new(store, None, 10.0))
}

fn draft(text: &str, at: &str) -> Draft {
    Draft { text: text.to_owned(), at: Some(at.to_owned()), ..Draft::default() }
}

fn texts(annotations: &[Annotation]) -> Vec<&str> {
    annotations.iter().map(|annotation| annotation.text.as_str()).collect()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_marked_is_kept_as_it_is_found_by_any_part_of_it_and_marked_once() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let (store, archive) = archive(&server.url).await;
    let moment = archive.annotate(draft("a", "2026-11-20T00:00:00.123456Z")).await.unwrap().annotation;
    let span = Draft {
        ends_at: Some("2026-11-20T03:00:00Z".to_owned()),
        tags: vec!["deploy".to_owned(), "'; DROP TABLE annotations; --".to_owned()],
        created_by: "美香".to_owned(),
        ..draft("b\n新しい版", "2026-11-20T01:00:00Z")
    };
    let span = archive.annotate(span).await.unwrap();
    assert!(span.is_new && span.annotation.ends_at == Some(at("2026-11-20T03:00:00Z")));
    archive.annotate(draft("c", "2026-11-20T04:00:00Z")).await.unwrap();
    let newest = AnnotationQuery { from: None, to: None, tag: None, limit: 10 };
    let all = archive.find_annotations(&newest).await.unwrap();
    assert_eq!(texts(&all), ["c", "b\n新しい版", "a"]);
    assert_eq!((&all[2], &all[1]), (&moment, &span.annotation));

    // On a graph, the oldest first; a span is on it by any of its parts.
    for (from, to, found) in [
        ("2026-11-20T00:00:00Z", "2026-11-20T04:00:00Z", &["a", "b\n新しい版", "c"][..]),
        ("2026-11-20T00:00:00.123456Z", "2026-11-20T00:00:00.123456Z", &["a"]),
        ("2026-11-20T00:00:00.123457Z", "2026-11-20T00:59:59Z", &[]),
        ("2026-11-20T02:00:00Z", "2026-11-20T02:00:01Z", &["b\n新しい版"]),
        ("2026-11-20T03:00:00Z", "2026-11-20T03:59:59Z", &["b\n新しい版"]),
        ("2026-11-20T03:00:00.000001Z", "2026-11-20T03:59:59Z", &[]),
    ] {
        assert_eq!(texts(&archive.annotations(at(from), at(to)).await.unwrap()), found, "{from} {to}");
    }
    for (tag, limit, found) in [("deploy", 10, 1), ("deplo", 10, 0), ("'; DROP TABLE annotations; --", 10, 1)] {
        let query = AnnotationQuery { tag: Some(tag.to_owned()), limit, ..newest.clone() };
        assert_eq!(archive.find_annotations(&query).await.unwrap().len(), found, "{tag}");
    }
    let one = AnnotationQuery { limit: 1, ..newest.clone() };
    assert_eq!(texts(&archive.find_annotations(&one).await.unwrap()), ["c"]);

    // Twenty at once, as a script that is impatient.
    let once = Draft { id: Some("once".to_owned()), ..draft("once", "2026-11-20T05:00:00Z") };
    let marks = futures(20, || archive.annotate(once.clone())).await;
    assert_eq!(marks.iter().filter(|marked| marked.as_ref().unwrap().is_new).count(), 1);
    let first = &marks[0].as_ref().unwrap().annotation;
    assert!(marks.iter().all(|marked| marked.as_ref().unwrap().annotation == *first));
    // What was there first stays.
    let other = Draft { id: Some("once".to_owned()), ..draft("another", "2026-11-20T06:00:00Z") };
    assert_eq!(archive.annotate(other).await.unwrap().annotation, *first);

    archive.remove_annotation("once").await.unwrap();
    let gone = archive.remove_annotation("once").await.unwrap_err();
    assert!(matches!(gone, AnnotateError::Unknown { .. }), "{gone}");
    assert_eq!(archive.find_annotations(&newest).await.unwrap(), all);

    // They are what people wrote: no clean-up deletes them.
    let mut database = server.database().await;
    execute(&mut database, "SELECT * FROM cleanup_old_metrics(1)").await;
    assert_eq!(archive.find_annotations(&newest).await.unwrap(), all);
    store.close().await;
}

/// What so many of them at once have come to.
async fn futures<F: Future>(count: usize, mut make: impl FnMut() -> F) -> Vec<F::Output> {
    futures_util::future::join_all((0..count).map(|_| make())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_with_sql_is_found_too_and_nonsense_refused() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let (store, archive) = archive(&server.url).await;
    let mut database = server.database().await;
    execute(&mut database, "INSERT INTO annotations (text, tags) VALUES ('Deploy 1.4.2', '{deploy}')").await;
    let now = Timestamp::now();
    let found = archive.annotations(now - SignedDuration::from_mins(1), now).await.unwrap();
    assert_eq!((texts(&found), found[0].tags[0].as_str(), found[0].id.len()), (vec!["Deploy 1.4.2"], "deploy", 36));
    for row in [
        "(timestamp, text) VALUES ('infinity', 'x')",
        "(timestamp, text) VALUES ('-infinity', 'x')",
        "(ends_at, text) VALUES (now() - INTERVAL '1 second', 'x')",
        "(ends_at, text) VALUES ('infinity', 'x')",
        "(text) VALUES ('')",
        "(text) VALUES (repeat('x', 1001))",
        "(text, tags) VALUES ('x', array_fill('x'::text, ARRAY[21]))",
        "(text, tags) VALUES ('x', ARRAY[NULL])",
        "(id, text) VALUES ('', 'x')",
    ] {
        let sql = sqlx::AssertSqlSafe(format!("INSERT INTO annotations {row}"));
        let refused = database.execute(sql).await.unwrap_err().to_string();
        assert!(refused.contains("annotations_"), "{row}: {refused}");
    }
    assert_eq!(number(&mut database, "SELECT count(*) FROM annotations").await, 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgresql_is_away_nothing_is_marked_and_nothing_half_done() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let (store, archive) = archive(&server.url).await;
    let kept = archive.annotate(draft("kept", "2026-11-20T00:00:00Z")).await.unwrap().annotation;
    let refused = async |what: &str| {
        let since = Instant::now();
        let error = archive.annotate(draft(what, "2026-11-20T01:00:00Z")).await.unwrap_err();
        assert!(matches!(error, AnnotateError::Store(_)), "{error}");
        let sentence = error.to_string();
        assert!(sentence.starts_with("PostgreSQL does not answer, so nothing was marked or removed;"), "{sentence}");
        let error = archive.remove_annotation(&kept.id).await.unwrap_err();
        assert!(matches!(error, AnnotateError::Store(_)), "{error}");
        assert!(since.elapsed() < Duration::from_secs(13), "{:?}", since.elapsed());
    };
    // It takes the statement in, and does nothing with it until we are gone.
    let paused = server.pause();
    refused("hanging").await;
    paused.resume();
    let mut database = server.database().await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'annotations' AND pid <> pg_backend_pid() AND state <> 'idle'";
    until("all is done or taken back", async || (number(&mut database, waiting).await == 0).then_some(())).await;
    // Somebody else's lock.
    execute(&mut database, "BEGIN; LOCK TABLE annotations").await;
    refused("locked").await;
    execute(&mut database, "COMMIT").await;
    drop(database);
    server.stop();
    refused("stopped").await;
    server.run().await;
    let newest = AnnotationQuery { from: None, to: None, tag: None, limit: 10 };
    let found = until("it is read", async || archive.find_annotations(&newest).await.ok()).await;
    assert_eq!(found, [kept]);
    store.close().await;
}

/// What a command printed and how it ended.
fn annotate(url: &str, place: &Path, arguments: &[&str]) -> Ended {
    let mut command = on(url, place, &["annotate"]);
    command.args(arguments).env("USER", "mika");
    run(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_marks_lists_and_removes_and_says_what_is_wrong() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let url = server.url.clone();
    let annotate = |arguments: &[&str]| annotate(&url, directory.path(), arguments);
    let deploy = ["Deploy 1.4.2", "--tag", "deploy", "--tag", "web", "--at", "2026-11-20T09:00:00+09:00", "--id", "1"];
    let line = "2026-11-20T00:00:00Z  1  Deploy 1.4.2 [deploy] [web]\n";
    let ended = annotate(&deploy);
    assert_eq!((ended.code, ended.out, ended.err), (Some(0), format!("marked: {line}"), String::new()));
    let ended = annotate(&deploy);
    assert_eq!((ended.code, ended.out), (Some(0), format!("marked before: {line}")));
    let ended = annotate(&["Index\nbuilt", "--at", "1763600400", "--until", "1763604000", "--by", "Ken"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = annotate(&["--list"]);
    let lines: Vec<_> = ended.out.lines().collect();
    assert_eq!(lines[0], line.trim_end());
    assert!(
        lines[1].starts_with("2025-11-20T01:00:00Z to 2025-11-20T02:00:00Z  ") && lines[1].ends_with("  Index built")
    );
    assert_eq!(annotate(&["--list", "--tag", "web"]).out, line);
    let mut database = server.database().await;
    let by: Vec<String> = sqlx::query_scalar("SELECT created_by FROM annotations ORDER BY timestamp DESC")
        .fetch_all(&mut database)
        .await
        .unwrap();
    assert_eq!(by, ["mika", "Ken"]);
    drop(database);
    assert_eq!(annotate(&["--remove", "1"]).out, "removed 1\n");

    for (arguments, code, sentence) in [
        (&["--remove", "1"][..], 1, "there is no such annotation"),
        (&[" "], 1, "TEXT = \"\" is not valid: write 1 to 1000 characters"),
        (&["x", "--tag", ""], 1, "--tag = \"\" is not valid"),
        (&["x", "--at", "soon"], 1, "--at = \"soon\" is not valid: use a time such as"),
        (&["x", "--at", "1763604000", "--until", "1763600400"], 1, "--until = \"2025-11-20T01:00:00Z\" is not valid"),
        (&["x", "--id", ""], 1, "--id = \"\" is not valid"),
        (&["--list", "--tag", "a", "--tag", "b"], 1, "--list takes one --tag"),
        (&[], 2, "required"),
        (&["x", "--list"], 2, "cannot be used with"),
        (&["--remove", "1", "--tag", "x"], 2, "cannot be used with"),
    ] {
        let ended = annotate(arguments);
        assert!(
            ended.code == Some(code) && ended.out.is_empty() && ended.err.contains(sentence),
            "{arguments:?} {ended:?}"
        );
    }
    assert_eq!(annotate(&["--list"]).out.lines().count(), 1);
    server.stop();
    let ended = annotate(&["x"]);
    assert!(
        ended.code == Some(1) && ended.err.contains("does not answer") && ended.err.contains("DATABASE_URL"),
        "{ended:?}"
    );
}

/// A part of the program in this process, that says nothing by itself within the test.
async fn start(place: &Path, role: Role, database: &str, redis: &str) -> Running {
    let mut settings = Settings::default();
    settings.storage.data_dir = place.to_owned();
    settings.database.url = database.to_owned().into();
    settings.database.pool_min = 0;
    settings.redis.enabled = !redis.is_empty();
    settings.redis.url = redis.to_owned().into();
    settings.live.push = Duration::from_secs(60);
    settings.sampling.system = Duration::from_secs(60);
    (settings.application.enabled, settings.business.enabled) = (false, false);
    Running::start(&settings, role, &mut Registry::default()).await.unwrap()
}

/// A page of a process.
struct Page(Subscription);

impl Page {
    async fn of(running: &Running, database: &mut sqlx::PgConnection, listeners: i64) -> Self {
        let feed: Feed = running.feed().clone();
        let listening = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^LISTEN'";
        until("it listens", async || (number(database, listening).await == listeners).then_some(())).await;
        Self(feed.subscribe(None, Timestamp::now()))
    }

    /// The id in the next event about annotations.
    async fn next(&mut self) -> Option<String> {
        let change = async {
            loop {
                let frame = self.0.next().await.unwrap();
                let event: LiveEvent = serde_json::from_slice(&frame.text).unwrap();
                if let Payload::AnnotationChanged(change) = event.payload {
                    assert_eq!(frame.event, "annotation:changed");
                    return change.id;
                }
            }
        };
        soon("an event about annotations", change).await
    }

    /// The ids of the events that are still to come until that of `last`.
    async fn until(&mut self, last: &str) -> Vec<Option<String>> {
        let mut ids = Vec::new();
        loop {
            let id = self.next().await;
            ids.push(id.clone());
            if id.as_deref() == Some(last) {
                return ids;
            }
        }
    }
}

/// A third process marks; every other one is told by NOTIFY, there being no Redis.
#[tokio::test(flavor = "multi_thread")]
async fn every_process_is_told_by_notify_also_of_what_it_may_have_missed() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    let collecting = start(&directory.path().join("a"), Role::Both, &server.url, "").await;
    let mut own = Page::of(&collecting, &mut database, 1).await;
    let dashboard = start(&directory.path().join("b"), Role::Dashboard, &server.url, "").await;
    let mut other = Page::of(&dashboard, &mut database, 2).await;

    let since = Instant::now();
    assert_eq!(annotate(&server.url, directory.path(), &["Deploy 1.4.2", "--id", "レシピ \"1\""]).code, Some(0));
    let expected = Some("レシピ \"1\"".to_owned());
    assert_eq!((own.next().await, other.next().await), (expected.clone(), expected));
    assert!(since.elapsed() < LIMIT, "{:?}", since.elapsed());
    // Marked before: nothing is another one.
    assert_eq!(annotate(&server.url, directory.path(), &["Deploy 1.4.2", "--id", "レシピ \"1\""]).code, Some(0));
    execute(&mut database, "UPDATE annotations SET text = 'x' WHERE id = 'nobody'").await;
    execute(&mut database, "INSERT INTO annotations (text) SELECT 'x' FROM generate_series(1, 1000)").await;
    execute(&mut database, "UPDATE annotations SET text = 'Deploy 1.4.3' WHERE text = 'Deploy 1.4.2'").await;
    execute(&mut database, "BEGIN; DELETE FROM annotations; ROLLBACK").await;
    execute(&mut database, "INSERT INTO annotations (id, text) VALUES ('last', 'x')").await;
    let expected = [None, Some("レシピ \"1\"".to_owned()), Some("last".to_owned())];
    assert_eq!((own.until("last").await, other.until("last").await), (expected.to_vec(), expected.to_vec()));

    // Nobody hears what happens now; but that something may have.
    drop(database);
    server.kill();
    server.run().await;
    assert_eq!((own.next().await, other.next().await), (None, None));
    execute(&mut server.database().await, "DELETE FROM annotations WHERE id = 'last'").await;
    assert_eq!(
        (own.until("last").await.pop(), other.until("last").await.pop()),
        (Some(Some("last".to_owned())), Some(Some("last".to_owned())))
    );
    dashboard.stop().await;
    collecting.stop().await;
}

/// The same with Redis, whose channel others read too; nobody is told twice.
#[tokio::test(flavor = "multi_thread")]
async fn every_process_is_told_once_and_so_is_who_listens_to_redis() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    let redis = Redis::start(directory.path()).await;
    let config = Config::from_url(&redis.url()).unwrap();
    let subscriber: SubscriberClient = Builder::from_config(config).build_subscriber_client().unwrap();
    subscriber.init().await.unwrap();
    subscriber.subscribe("annotation:changed").await.unwrap();
    let mut messages = subscriber.message_rx();
    let collecting = start(&directory.path().join("a"), Role::Collector, &server.url, &redis.url()).await;
    let mut own = Page::of(&collecting, &mut database, 1).await;
    let dashboard = start(&directory.path().join("b"), Role::Dashboard, &server.url, &redis.url()).await;
    let mut other = Page::of(&dashboard, &mut database, 2).await;
    let client = redis.client().await;
    until("both listen to Redis", async || {
        let subscribers: Vec<fred::types::Value> = client.pubsub_numsub("annotation:changed").await.unwrap();
        (subscribers[1].as_i64() == Some(2)).then_some(())
    })
    .await;

    let since = Instant::now();
    assert_eq!(annotate(&server.url, directory.path(), &["Deploy 1.4.2", "--id", "one"]).code, Some(0));
    let message = soon("a message", messages.recv()).await.unwrap().value.into_string().unwrap();
    let event: LiveEvent = serde_json::from_str(&message).unwrap();
    let Payload::AnnotationChanged(change) = event.payload else { panic!("{message}") };
    assert_eq!(change.id.as_deref(), Some("one"));
    assert!(since.elapsed() < LIMIT, "{:?}", since.elapsed());
    execute(&mut database, "DELETE FROM annotations; INSERT INTO annotations (id, text) VALUES ('last', 'x')").await;
    let expected = ["one", "one", "last"].map(|id| Some(id.to_owned()));
    assert_eq!((own.until("last").await, other.until("last").await), (expected.to_vec(), expected.to_vec()));
    dashboard.stop().await;
    collecting.stop().await;
}
