//! PostgreSQL: whether it lets us in, and what there is in it.

use std::path::PathBuf;

use super::{Answer, Examination, Finding, PATIENCE, advice, place};
use crate::PartFault;
use crate::failure::Failure;
use crate::shell;
use crate::store::condition::{Condition, Unusable, shown, visit};
use crate::store::{Address, Object, SchemaError, Store, StoreError};

/// All that there must be.
const ALL: [Object; 5] = [Object::Table, Object::Trigger, Object::View, Object::Function, Object::Routine];
/// Share of the connections of a server past which a busy moment may use up the rest, %.
const CONNECTIONS_SHARE: i64 = 90;

impl Examination {
    pub(super) async fn look_at_postgresql(&mut self) -> Answer {
        if self.is_wrong("database") {
            return Answer::skipped("its setting is not valid");
        }
        let Some(url) = self.urls.database_url.clone() else {
            return Answer::skipped("the private PostgreSQL runs with the program, which does not run (collector)");
        };
        let limit = self.settings.database.connect_timeout.min(PATIENCE);
        if let Err(unusable) = visit(&url, limit).await {
            return Answer::found(shown(&url), [self.unusable(&url, unusable)]);
        }
        let store = match Store::visited(&url, limit) {
            Ok(store) => store,
            Err(error) => return Finding::of("url", &error.to_string()).into(),
        };
        match store.condition().await {
            Ok(condition) => {
                let seen = format!("PostgreSQL {} at {}", condition.version, shown(&url));
                (self.store, self.condition) = (Some(store), Some(condition));
                Answer::ok(seen)
            }
            Err(error) => query_failed(&error).into(),
        }
    }

    /// What it means that it cannot be used, and what to do.
    fn unusable(&self, url: &str, unusable: Unusable) -> Finding {
        let target = shown(url);
        let address = Address::of(url).unwrap_or_else(|| Address {
            host: "localhost".to_owned(),
            port: 5_432,
            database: String::new(),
            user: String::new(),
        });
        let [user, database] =
            [&address.user, &address.database].map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
        match unusable {
            Unusable::Url(error) => Finding::of("url", &error.to_string()),
            Unusable::Failure(Failure { fault, reason }) => self.failed(&target, &address, fault, &reason),
            Unusable::HostRules(reason) => {
                let cause = format!("pg_hba.conf of PostgreSQL at {target} lets nobody in by this way: {reason}");
                let remedy = "add the line to that file, above any that rejects, and have PostgreSQL read it again";
                Finding::trouble("pg_hba", cause, remedy).with(self.host_rule(&address))
            }
            Unusable::Identity(reason) => {
                let cause = format!("PostgreSQL at {target} asks for something else than a password: {reason}");
                let remedy = "let pg_hba.conf ask for the password, by a line above the others, and have it read again";
                Finding::trouble("identity", cause, remedy).with(self.host_rule(&address))
            }
            Unusable::Role(reason) => {
                let cause = format!("PostgreSQL at {target} has no such role that may log in: {reason}");
                let remedy = format!("an administrator of the server makes it, in: {}", administrator(&address));
                let lines =
                    ["CREATE ROLE", "-- where it is there: ALTER ROLE"].map(|begin| format!("{begin} {user} LOGIN;"));
                Finding::trouble("no_role", cause, remedy).with(lines.into_iter().chain([format!("\\password {user}")]))
            }
            Unusable::Connect(reason) => {
                let cause = format!("PostgreSQL at {target} does not let the role into that database: {reason}");
                let remedy = format!("an administrator of the server gives the right, in: {}", administrator(&address));
                Finding::trouble("no_connect", cause, remedy)
                    .with([format!("GRANT CONNECT ON DATABASE {database} TO {user};")])
            }
            Unusable::TooOld(version) => Finding::trouble(
                "too_old",
                format!("PostgreSQL at {target} is version {version}"),
                "upgrade it to 14 or later, or unset DATABASE_URL to use a private one",
            ),
            Unusable::Pooler => Finding::trouble(
                "pooler",
                format!("{target} is a pooler that hands each transaction to another connection"),
                "let DATABASE_URL name PostgreSQL's own port, or a pool with pool_mode = session",
            ),
        }
    }

    fn failed(&self, target: &str, address: &Address, fault: PartFault, reason: &str) -> Finding {
        let user = format!("\"{}\"", address.user.replace('"', "\"\""));
        let is_local = advice::is_local(&address.host);
        let trouble = |cause: &str, remedy: &str| {
            Finding::trouble(fault.name(), format!("PostgreSQL at {target} {cause}: {reason}"), remedy)
        };
        match fault {
            PartFault::Refused if self.has_private_postgresql() => {
                let log = self.data_dir.as_deref().map(|directory| directory.join("log/postgres.log"));
                let remedy = "the program starts it again by itself; where that does not help, its log says why";
                Finding { fault: "down", ..trouble("does not run", remedy) }
                    .with(log.map(|log| format!("tail -50 {}", shell::word(&log))))
            }
            PartFault::Refused => {
                let remedy = match is_local {
                    true => "start it; where it runs, correct host and port in DATABASE_URL",
                    false => "start it on its host, with listen_addresses = '*' there; or correct DATABASE_URL",
                };
                let ask = format!("pg_isready -h {} -p {}", shell::quoted(&address.host), address.port);
                let start = if is_local { advice::start_postgresql(address.port) } else { Vec::new() };
                Finding { fault: "down", ..trouble("does not run: nobody listens there", remedy) }
                    .with(start.into_iter().chain([ask]))
            }
            PartFault::Hanging => trouble(
                "takes connections and does not answer",
                "see on its host what holds it up: T in the list is stopped by a signal (kill -CONT), D waits for a disk",
            )
            .with(["ps -o pid,stat,etime,args -C postgres"]),
            PartFault::Unreachable => trouble(
                "cannot be reached",
                "correct the host in DATABASE_URL, or see to the network and the firewalls between",
            )
            .with([format!("getent hosts {}", shell::quoted(&address.host))]),
            PartFault::WrongPassword => {
                let remedy = format!(
                    "correct the password in DATABASE_URL (recipe-monitoring-collector setup asks for it); where it is \
                     forgotten, an administrator sets another, in: {}",
                    administrator(address)
                );
                trouble("refuses the password", &remedy).with([format!("\\password {user}")])
            }
            PartFault::NoDatabase => {
                let database = format!("\"{}\"", address.database.replace('"', "\"\""));
                let remedy = format!("an administrator of the server makes it, in: {}", administrator(address));
                trouble("has no such database", &remedy).with([format!("CREATE DATABASE {database} OWNER {user};")])
            }
            PartFault::Tls => trouble(
                "and this program do not agree on TLS",
                "off this machine its certificate is checked: name its authority's certificate in DATABASE_URL by \
                 ?sslrootcert=/path/ca.pem, have the server renew its own, or where you trust the network write \
                 ?sslmode=require",
            ),
            PartFault::TooManyConnections => {
                let remedy = format!(
                    "lower database.pool_max of the programs that use it, or raise max_connections; see who has them, in: {}",
                    administrator(address)
                );
                trouble("takes no more connections", &remedy).with([
                    "SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC;",
                ])
            }
            PartFault::StartingUp => trouble(
                "is starting up or shutting down",
                "wait until it is up, after a crash until it is recovered; its log says how far it is",
            ),
            _ => trouble("cannot be used", "see the log of the server for the circumstances"),
        }
    }

    /// What lets us in by `pg_hba.conf`, and has it read again.
    fn host_rule(&self, address: &Address) -> Vec<String> {
        let line = advice::host_rule(address);
        let own = self.data_dir.as_deref().filter(|_| self.has_private_postgresql());
        if let Some(directory) = own {
            let cluster = directory.join("postgres");
            let file = shell::word(&cluster.join("pg_hba.conf"));
            let pid = shell::word(&cluster.join("postmaster.pid"));
            return vec![
                line.clone(),
                format!("sed -i {} {file}", shell::quoted(&format!("1i {line}"))),
                format!("kill -HUP \"$(head -1 {pid})\""),
            ];
        }
        if !advice::is_local(&address.host) {
            return vec![line, "SELECT pg_reload_conf();".to_owned()];
        }
        let edit = match advice::host_rules(address.port) {
            Some(file) => format!("sudoedit {}", shell::word(&file)),
            None => format!("sudo -u postgres psql -p {} -c 'SHOW hba_file'", address.port),
        };
        vec![line, edit, advice::reload_postgresql(address.port)]
    }

    pub(super) fn look_at_postgresql_writes(&self) -> Answer {
        let Some(condition) = &self.condition else { return Answer::skipped("it is not connected") };
        if condition.is_standby {
            let cause = "the server is a standby, which takes no writes";
            let remedy = "let DATABASE_URL name the primary; where that is gone for good, make this one the primary";
            return Finding::trouble("standby", cause, remedy).with(["SELECT pg_promote();"]).into();
        }
        if condition.is_read_only {
            let Condition { role, database, read_only_source, .. } = condition;
            let remedy = "end that, as an administrator of the server, for connections that are made from then on";
            let lines = match &**read_only_source {
                "database" => vec![format!("ALTER DATABASE {database} RESET default_transaction_read_only;")],
                "user" => vec![format!("ALTER ROLE {role} RESET default_transaction_read_only;")],
                "database user" => {
                    vec![format!("ALTER ROLE {role} IN DATABASE {database} RESET default_transaction_read_only;")]
                }
                _ => vec![
                    "ALTER SYSTEM RESET default_transaction_read_only;".to_owned(),
                    "SELECT pg_reload_conf();".to_owned(),
                ],
            };
            let cause = format!("default_transaction_read_only is on, by: {read_only_source}");
            return Finding::trouble("read_only", cause, remedy).with(lines).into();
        }
        Answer::ok("")
    }

    pub(super) fn look_at_connections(&self) -> Answer {
        let Some(Condition { connections, max_connections, .. }) = &self.condition else {
            return Answer::skipped("it is not connected");
        };
        let seen = format!("{connections} of {max_connections} are in use");
        if connections * 100 < max_connections * CONNECTIONS_SHARE {
            return Answer::ok(seen);
        }
        let remedy = "lower database.pool_max of the programs that use it, or raise max_connections of the server";
        let who =
            "SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC;";
        Answer::found(seen.clone(), [Finding::warning("nearly_exhausted", seen, remedy).with([who])])
    }

    pub(super) async fn look_at_postgresql_disk(&self) -> Answer {
        let Some(condition) = &self.condition else { return Answer::skipped("it is not connected") };
        let address = self.urls.database_url.as_deref().and_then(Address::of);
        if !address.is_some_and(|address| advice::is_local(&address.host)) {
            return Answer::skipped("it is on another host");
        }
        match &condition.data_directory {
            Some(directory) => place::disk(PathBuf::from(directory), "pg_database_size() of each database").await,
            None => Answer::skipped("the role may not see where it is (see monitor)"),
        }
    }

    pub(super) async fn look_at_migrations(&self) -> Answer {
        let Some(store) = &self.store else { return Answer::skipped("it is not connected") };
        let migrate = advice::collector(self, "migrate");
        match store.migrations().await {
            Ok(None) => Answer::ok("the role may not see them"),
            Ok(Some(migrations)) if !migrations.newer.is_empty() => {
                let newer: Vec<_> = migrations.newer.iter().map(ToString::to_string).collect();
                let cause = format!("the tables are of a newer version than this program: {}", newer.join(", "));
                let remedy = "install the version that made them, or a newer one";
                Finding::trouble("newer", cause, remedy).with(["recipe-monitoring-collector --version"]).into()
            }
            Ok(Some(migrations)) if migrations.run == 0 => {
                let cause = "there are no tables in this database";
                Finding::trouble("none", cause, "make them").with([migrate]).into()
            }
            Ok(Some(migrations)) if migrations.missing > 0 => {
                let cause = format!("{} migrations of this version have not been run", migrations.missing);
                Finding::trouble("outdated", cause, "run them").with([migrate]).into()
            }
            Ok(Some(migrations)) => Answer::ok(format!("all {} have been run", migrations.run)),
            Err(error) => query_failed(&error).into(),
        }
    }

    pub(super) async fn look_at_grants(&self) -> Answer {
        let (Some(store), Some(condition)) = (&self.store, &self.condition) else {
            return Answer::skipped("it is not connected");
        };
        match store.check_rights().await {
            Ok(()) => Answer::ok(format!("{} has all that it needs", condition.role)),
            Err(SchemaError::Store(error)) => query_failed(&error).into(),
            Err(SchemaError::Rights { role, database, statements }) => {
                let cause = format!("the role {role} lacks {} rights in the database {database}", statements.len());
                let address = self.urls.database_url.as_deref().and_then(Address::of);
                let administrator = address.as_ref().map(administrator).unwrap_or_default();
                let remedy = format!("the owner of the tables or an administrator gives them, in: {administrator}");
                Finding::trouble("missing_grant", cause, remedy).with(statements).into()
            }
            Err(error) => Finding::of("missing_grant", &error.to_string()).into(),
        }
    }

    pub(super) async fn look_at_tables(&self) -> Answer {
        let Some(store) = &self.store else { return Answer::skipped("it is not connected") };
        match store.check_objects(&ALL).await {
            Ok(()) => Answer::ok("all there"),
            Err(SchemaError::Store(error)) => query_failed(&error).into(),
            Err(error) => Finding::of("missing", &error.to_string()).into(),
        }
    }

    pub(super) async fn look_at_partitions(&self) -> Answer {
        let Some(store) = &self.store else { return Answer::skipped("it is not connected") };
        match store.missing_partitions().await {
            Ok(months) if months.is_empty() => Answer::ok("there"),
            Ok(months) => {
                let names: Vec<_> = months.iter().map(|month| format!("system_metrics_{month}")).collect();
                let cause = format!("{} is missing: rows go to system_metrics_default", names.join(" and "));
                let remedy = "make it; a running collector does so once a day (schedule.daily_at)";
                Finding::warning("missing", cause, remedy).with([advice::collector(self, "partitions")]).into()
            }
            Err(error) => query_failed(&error).into(),
        }
    }

    pub(super) fn look_at_monitor(&self) -> Answer {
        let Some(condition) = &self.condition else { return Answer::skipped("it is not connected") };
        if condition.is_monitor {
            return Answer::ok(format!("{} has it", condition.role));
        }
        let cause =
            format!("the role {} has no pg_monitor: the page of the databases shows only a part", condition.role);
        let remedy = "an administrator of the server gives it";
        Finding::warning("missing_role", cause, remedy)
            .with([format!("GRANT pg_monitor TO {};", condition.role)])
            .into()
    }

    pub(super) async fn look_at_statements(&self) -> Answer {
        let Some(store) = &self.store else { return Answer::skipped("it is not connected") };
        let lines = match store.missing_statements().await {
            Ok(lines) if lines.is_empty() => return Answer::ok("statements are counted"),
            Ok(lines) => lines,
            Err(error) => return query_failed(&error).into(),
        };
        let is_loaded = !lines.iter().any(|line| line.starts_with("shared_preload_libraries"));
        let (fault, cause) = match is_loaded {
            true => ("missing_extension", "the extension pg_stat_statements was not made in this database"),
            false => ("not_preloaded", "the library pg_stat_statements is not loaded by the server"),
        };
        let remedy = "an administrator of the server sets it up; until then slow queries are not shown";
        Finding::warning(fault, cause, remedy).with(lines).into()
    }
}

/// Where an administrator gives commands to the server.
fn administrator(address: &Address) -> String {
    let database = shell::quoted(&address.database);
    let socket = if address.is_socket() { format!(" -h {}", shell::quoted(&address.host)) } else { String::new() };
    match advice::is_local(&address.host) {
        true => format!("sudo -u postgres psql{socket} -p {} -d {database}", address.port),
        false => format!("psql -h {} -p {} -U postgres -d {database}", shell::quoted(&address.host), address.port),
    }
}

/// Why something could not be asked.
pub(super) fn query_failed(error: &StoreError) -> Finding {
    if error.is_held_up() {
        let cause = "a table is locked by somebody else's transaction: nothing can be read of it";
        let who = "SELECT pid, usename, state, xact_start, query FROM pg_stat_activity WHERE xact_start IS NOT NULL \
                   ORDER BY xact_start;";
        return Finding::trouble("locked", cause, "see whose it is, and end it: SELECT pg_terminate_backend(pid)")
            .with([who]);
    }
    Finding::trouble("query_failed", error.to_string(), "see the log of the server for the circumstances")
}
