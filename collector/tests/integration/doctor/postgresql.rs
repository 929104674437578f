//! What can be wrong with PostgreSQL.

use std::fs;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Said, doctor_on, shell};
use crate::cli::run;
use crate::helpers::{connect, directory, execute, number, try_connect, until};
use crate::server::Server;

/// The server's URL for another role, with `hunter2`.
fn as_role(server: &Server, role: &str) -> String {
    let password = server.url.split([':', '@']).nth(2).unwrap();
    server.url.replace("recipe_user:", &format!("{role}:")).replace(password, "hunter2")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_in_which_it_lets_nobody_in_has_its_own_cause() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let url = server.url.clone();
    let look = |url: &str| Said::of(doctor_on(url, directory.path(), &["--set", "database.connect_timeout=2s"]));
    look(&url).is("postgresql", "ok").is("postgresql_clock", "ok").is("tables", "ok").is("grants", "ok");

    server.stop();
    let said = look(&url);
    said.is("postgresql", "trouble").is("grants", "not_looked_at");
    said.finds("postgresql", "down", &["nobody listens there", "pg_isready -h "]);
    server.run().await;
    look(&url).is("postgresql", "ok");

    let mut database = server.database().await;
    let (file, reload) = (server.file("pg_hba.conf"), "SELECT pg_reload_conf()");
    let rules = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("local all all reject\n{rules}")).unwrap();
    execute(&mut database, reload).await;
    until("it rejects", async || try_connect(&url).await.is_none().then_some(())).await;
    let said = look(&url);
    let commands = said.finds("postgresql", "pg_hba", &["pg_hba.conf", "above any that rejects"]);
    assert_eq!(commands[0], "local   recipe_db   recipe_user   scram-sha-256");
    fs::write(&file, format!("{}\nlocal all all reject\n{rules}", commands[0])).unwrap();
    execute(&mut database, reload).await;
    until("it lets us in", async || try_connect(&url).await.map(drop)).await;
    look(&url).is("postgresql", "ok");
    fs::write(&file, &rules).unwrap();
    execute(&mut database, reload).await;

    execute(&mut database, "CREATE ROLE app LOGIN PASSWORD 'hunter2'; CREATE ROLE guest PASSWORD 'hunter2'").await;
    let app = as_role(&server, "app");
    until("the rules are as before", async || try_connect(&app).await.map(drop)).await;
    look(&app.replace("hunter2", "wrong")).finds(
        "postgresql",
        "wrong_password",
        &["DATABASE_URL", "\\password \"app\""],
    );
    let said = look(&as_role(&server, "guest"));
    let commands = said.finds("postgresql", "no_role", &["CREATE ROLE \"guest\" LOGIN;"]);
    execute(&mut database, commands[1].rsplit(": ").next().unwrap()).await;
    look(&as_role(&server, "guest")).is("postgresql", "ok");

    let other = url.replace("/recipe_db?", "/other?");
    let said = look(&other);
    let commands = said.finds("postgresql", "no_database", &["CREATE DATABASE \"other\" OWNER \"recipe_user\";"]);
    execute(&mut database, &commands[0]).await;
    let said = look(&other);
    said.is("postgresql", "ok");
    said.finds("migrations", "none", &["recipe-monitoring-collector migrate"]);

    execute(&mut database, "REVOKE CONNECT ON DATABASE recipe_db FROM PUBLIC").await;
    let commands = look(&app).finds("postgresql", "no_connect", &["GRANT CONNECT"]);
    execute(&mut database, &commands[0]).await;
    look(&app).is("postgresql", "ok");

    execute(&mut database, "ALTER ROLE app CONNECTION LIMIT 0").await;
    let commands = look(&app).finds("postgresql", "too_many_connections", &["database.pool_max", "max_connections"]);
    // It says who has them.
    execute(&mut database, &commands[0]).await;
    execute(&mut database, "ALTER ROLE app CONNECTION LIMIT -1").await;
    look(&app).is("postgresql", "ok");

    execute(&mut database, "ALTER DATABASE recipe_db SET default_transaction_read_only = on").await;
    let commands = look(&url).finds("postgresql_writes", "read_only", &["by: database"]);
    execute(&mut database, &commands[0]).await;
    look(&url).is("postgresql_writes", "ok");
    drop(database);

    let paused = server.pause();
    let since = Instant::now();
    look(&url).finds("postgresql", "hanging", &["no answer within 2s", "kill -CONT"]);
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
    paused.resume();
    until("it answers", async || try_connect(&url).await.map(drop)).await;
    look(&url).is("postgresql", "ok");
}

/// A server that speaks no TLS, as far as that is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_where_it_is_wanted() {
    let directory = directory();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://u@{}/d?sslmode=require", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 64]).await;
            let _ = stream.write_all(b"N").await;
        }
    });
    let command = doctor_on(&url, directory.path(), &[]);
    let said = tokio::task::spawn_blocking(|| Said::of(command)).await.unwrap();
    said.finds("postgresql", "tls", &["sslrootcert", "sslmode"]);
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_missing_right_is_named_with_the_line_that_gives_it() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    execute(&mut database, "CREATE ROLE app LOGIN PASSWORD 'hunter2'").await;
    let app = as_role(&server, "app");
    let look = || Said::of(doctor_on(&app, directory.path(), &[]));
    let lines = look().finds("grants", "missing_grant", &["the role app lacks", "recipe_db", "sudo -u postgres psql"]);
    for line in [
        "GRANT USAGE, CREATE ON SCHEMA public TO app;",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE metrics_raw TO app;",
        "GRANT USAGE ON SEQUENCE metrics_raw_id_seq TO app;",
        "ALTER TABLE system_metrics OWNER TO app;",
    ] {
        assert!(lines.iter().any(|known| known == line), "{lines:#?} lack {line}");
    }
    for line in &lines {
        execute(&mut database, line).await;
    }
    look().is("grants", "ok").is("migrations", "ok").is("tables", "ok");

    // Also where an owner has none on what it owns.
    execute(&mut database, "REVOKE INSERT, DELETE ON system_metrics FROM app").await;
    execute(&mut database, "REVOKE EXECUTE ON FUNCTION get_metric_stats FROM PUBLIC").await;
    execute(&mut database, "REVOKE USAGE ON SEQUENCE alert_history_id_seq FROM app").await;
    let lines = look().finds("grants", "missing_grant", &["lacks 3 rights"]);
    assert!(lines.contains(&"GRANT INSERT, DELETE ON TABLE system_metrics TO app;".to_owned()), "{lines:#?}");
    for line in &lines {
        execute(&mut database, line).await;
    }
    let said = look();
    said.is("grants", "ok");

    let lines = said.finds("monitor", "missing_role", &["pg_monitor"]);
    said.is("monitor", "warning");
    assert_eq!(lines, ["GRANT pg_monitor TO app;"]);
    execute(&mut database, &lines[0]).await;
    look().is("monitor", "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_is_not_set_up() {
    let directory = directory();
    let mut server = Server::start(directory.path()).await;
    let url = server.url.clone();
    let look = || Said::of(doctor_on(&url, directory.path(), &[]));
    let lines = look().finds("statements", "not_preloaded", &["slow queries"]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    server.stop();
    let file = server.file("postgresql.conf");
    let settings = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{settings}\n{}\n", lines[0])).unwrap();
    server.run().await;
    look().is("statements", "ok");
    let mut database = server.database().await;
    execute(&mut database, "DROP EXTENSION pg_stat_statements").await;
    let lines = look().finds("statements", "missing_extension", &[]);
    assert_eq!(lines, ["CREATE EXTENSION pg_stat_statements;"]);
    execute(&mut database, &lines[0]).await;
    look().is("statements", "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_older_newer_or_not_whole() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    let look = || Said::of(doctor_on(&server.url, directory.path(), &[]));
    let with_url = |line: &str| shell(&format!("DATABASE_URL='{}' {line}", server.url));

    execute(&mut database, "DROP TABLE recipe_monitoring_state.statement_counts").await;
    look().finds("tables", "missing", &["statement_counts", "20261127000010_statement_counts.sql"]);
    execute(&mut database, "DELETE FROM _sqlx_migrations WHERE version = 20261127000010").await;
    let commands = look().finds("migrations", "outdated", &["1 migrations"]);
    with_url(&commands[0]);
    look().is("migrations", "ok").is("tables", "ok");

    let newer = "INSERT INTO _sqlx_migrations SELECT 29990101000000, description, installed_on, true, checksum, 0
                 FROM _sqlx_migrations LIMIT 1";
    execute(&mut database, newer).await;
    look().finds("migrations", "newer", &["29990101000000", "newer"]);
    execute(&mut database, "DELETE FROM _sqlx_migrations WHERE version = 29990101000000").await;

    let partitions = "SELECT coalesce(string_agg('DROP TABLE ' || inhrelid::regclass, ';'), '') FROM pg_inherits
                      WHERE inhparent = 'system_metrics'::regclass AND inhrelid <> 'system_metrics_default'::regclass";
    let drop: String = sqlx::query_scalar(partitions).fetch_one(&mut database).await.unwrap();
    execute(&mut database, &drop).await;
    let commands = look().finds("partitions", "missing", &["system_metrics_2", "system_metrics_default"]);
    with_url(&commands[0]);
    look().is("partitions", "ok");

    // A sample of a host whose clock was wrong.
    execute(
        &mut database,
        "INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
         VALUES (now() + INTERVAL '3 hours', 'cpu_usage', 1, '{\"host\": \"late\"}')",
    )
    .await;
    let lines = look().finds("samples", "future", &["the newest sample of late", "DELETE FROM system_metrics"]);
    execute(&mut database, &lines[0]).await;
    assert_eq!(number(&mut database, "SELECT count(*) FROM system_metrics WHERE timestamp > now()").await, 0);
    assert_ne!(look().fault("samples"), Some("future"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_by_it() {
    let directory = directory();
    let server = Server::start(directory.path()).await;
    let mut database = server.database().await;
    execute(
        &mut database,
        "INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
         SELECT now() - INTERVAL '1 day', 'memory_usage', 1, jsonb_build_object('host', 'web')",
    )
    .await;
    let place = directory.path().join("data");
    let own = || super::files(&place).into_iter().filter(|(path, ..)| !path.starts_with(place.join("postgres")));
    let sequences = "SELECT coalesce(sum(last_value), 0)::bigint FROM pg_sequences";
    let (before, files) = (crate::cli::dump(&mut database).await, Vec::from_iter(own()));
    let count = number(&mut database, sequences).await;
    let ended = run(doctor_on(&server.url, directory.path(), &["--set", "system.host=web"]));
    assert!(ended.out.contains("samples arrive"), "{ended:?}");
    assert_eq!(crate::cli::dump(&mut connect(&server.url).await).await, before);
    assert_eq!(number(&mut database, sequences).await, count);
    assert_eq!(Vec::from_iter(own()), files);
}
