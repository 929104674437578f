//! Redis: whether it lets us in, takes what we write, and keeps it.

use super::{Answer, Examination, Finding, PATIENCE, advice, size};
use crate::PartFault;
use crate::cache::condition::{shown, visit};
use crate::failure::Failure;
use crate::shell;

/// The oldest that has what we use.
const OLDEST_MAJOR: u32 = 6;
/// Share of `maxmemory` past which there is soon no room, %.
const MEMORY_SHARE: u64 = 95;

impl Examination {
    pub(super) async fn look_at_redis(&mut self) -> Answer {
        if self.is_wrong("redis") {
            return Answer::skipped("its setting is not valid");
        }
        if !self.settings.redis.enabled {
            return Answer::skipped("not used: redis.enabled is false");
        }
        let Some(url) = self.urls.redis_url.clone() else {
            if self.owner.is_none() {
                return Answer::skipped("the private Redis runs with the program, which does not run (collector)");
            }
            let cause = "the program runs without Redis: no redis-server is installed here, or it did not start";
            let remedy = "install it and start the program again; or do without, by redis.enabled = false";
            return Finding::warning("not_installed", cause, remedy).with(["sudo apt-get install redis-server"]).into();
        };
        let target = shown(&url);
        let password = self.settings.redis.password.expose();
        let has_password = password.is_some() || url.contains('@');
        let visit = match visit(&url, password, PATIENCE).await {
            Ok(Ok(visit)) => visit,
            Ok(Err(failure)) => {
                return Answer::found(target.clone(), [self.redis_failed(&target, has_password, &failure)]);
            }
            Err(error) => return Finding::of("url", &error.to_string()).into(),
        };
        let condition = match visit.condition().await {
            Ok(condition) => condition,
            Err(reason) => {
                let failure = Failure::new(PartFault::Other, reason);
                return Answer::found(target.clone(), [self.redis_failed(&target, has_password, &failure)]);
            }
        };
        self.redis = Some(visit);
        let Some(condition) = condition else { return Answer::ok(format!("Redis at {target}")) };
        let seen = format!("Redis {} at {target}", condition.version);
        let major = condition.version.split('.').next().and_then(|major| major.parse().ok());
        if major.is_some_and(|major: u32| major < OLDEST_MAJOR) {
            let cause = format!("Redis at {target} is version {}", condition.version);
            let remedy = "upgrade it to 6 or later, or do without by redis.enabled = false";
            return Answer::found(seen, [Finding::trouble("too_old", cause, remedy)]);
        }
        Answer::ok(seen)
    }

    fn redis_failed(&self, target: &str, has_password: bool, failure: &Failure) -> Finding {
        let Failure { fault, reason } = failure;
        let (host, port) = target.rsplit_once(':').unwrap_or((target, "6379"));
        let is_local = advice::is_local(host);
        let ping = format!("redis-cli -h {} -p {port} ping", shell::quoted(host));
        let trouble = |cause: &str, remedy: &str| {
            Finding::trouble(fault.name(), format!("Redis at {target} {cause}: {reason}"), remedy)
        };
        match fault {
            PartFault::Refused if self.has_private_redis() => {
                let log = self.data_dir.as_deref().map(|directory| directory.join("log/redis.log"));
                let remedy = "the program starts it again by itself; where that does not help, its log says why";
                Finding { fault: "down", ..trouble("does not run", remedy) }
                    .with(log.map(|log| format!("tail -50 {}", shell::word(&log))))
            }
            PartFault::Refused => {
                let start = if is_local { advice::start_redis() } else { Vec::new() };
                let remedy = "start it; where it runs, correct host and port in REDIS_URL";
                Finding { fault: "down", ..trouble("does not run: nobody listens there", remedy) }
                    .with(start.into_iter().chain([ping]))
            }
            PartFault::WrongPassword if !has_password => {
                let remedy = "put it into REDIS_PASSWORD, for example by recipe-monitoring-collector setup; the server's \
                              configuration has it as requirepass, or in its ACL";
                Finding { fault: "password_wanted", ..trouble("wants a password, and there is none", remedy) }
                    .with(["REDIS_PASSWORD=…"])
            }
            PartFault::WrongPassword => {
                let remedy = "correct user and password in REDIS_URL, or REDIS_PASSWORD: the server's configuration has \
                              them as requirepass, or in its ACL";
                trouble("refuses the password", remedy).with([format!("redis-cli -h {} -p {port} --askpass ping", shell::quoted(host))])
            }
            _ if reason.contains("without any password configured") => {
                let remedy = "leave the password out of REDIS_URL and REDIS_PASSWORD, or set requirepass there";
                Finding { fault: "no_password_set", ..trouble("has no password, and one is given", remedy) }
            }
            _ if reason.starts_with("NOPERM") => {
                let remedy = "have an administrator of the server give the user the right";
                let user = self.urls.redis_url.as_deref().and_then(user).unwrap_or_else(|| "default".to_owned());
                Finding { fault: "no_permission", ..trouble("does not let the user do this", remedy) }
                    .with([format!("ACL SETUSER {user} +@connection +info +time")])
            }
            PartFault::Hanging => trouble(
                "takes connections and does not answer",
                "see on its host what holds it up: T in the list is stopped by a signal (kill -CONT), D waits for a disk",
            )
            .with(["ps -o pid,stat,etime,args -C redis-server"]),
            PartFault::Unreachable => trouble(
                "cannot be reached",
                "correct the host in REDIS_URL, or see to the network and the firewalls between",
            )
            .with([format!("getent hosts {}", shell::quoted(host))]),
            PartFault::Tls => trouble(
                "and this program do not agree on TLS",
                "use rediss:// where it speaks TLS and redis:// where it does not, and see to its certificate",
            ),
            PartFault::TooManyConnections => {
                trouble("takes no more connections", "raise maxclients there, or see who has them").with(["CLIENT LIST"])
            }
            PartFault::StartingUp => trouble("is loading its data", "wait until it has").with([ping]),
            _ => trouble("cannot be used", "see the log of the server for the circumstances").with([ping]),
        }
    }

    pub(super) async fn look_at_redis_writes(&self) -> Answer {
        let Some(redis) = &self.redis else { return Answer::skipped("it is not connected") };
        if let Ok(Some(condition)) = redis.condition().await
            && matches!(&*condition.role, "slave" | "replica")
        {
            let cause = "the server is a replica, which takes no writes";
            let remedy = "let REDIS_URL name the primary; where that is gone for good, make this one the primary";
            return Finding::trouble("replica", cause, remedy).with(["REPLICAOF NO ONE"]).into();
        }
        match redis.refused().await {
            Ok(None) => Answer::ok(format!("the user {} may do all that is needed", redis.user())),
            Ok(Some(refused)) if refused.is_right => {
                let cause = format!("the user {} may not {}: {}", redis.user(), refused.command, refused.reason);
                let remedy = "have an administrator of the server give it what is needed";
                let line = format!(
                    "ACL SETUSER {} +@read +@write +@transaction +@pubsub +@connection +info +time +slowlog|get \
                     ~metrics:* ~alerts:active ~recipe_monitoring_check &metrics:* &alert:* &annotation:*",
                    redis.user()
                );
                Finding::trouble("no_permission", cause, remedy).with([line]).into()
            }
            Ok(Some(refused)) => {
                let cause = format!("it does not take {}: {}", refused.command, refused.reason);
                let (fault, remedy) = match refused.reason.split(' ').next() {
                    Some("OOM") => {
                        ("out_of_memory", "raise maxmemory there, or set a maxmemory-policy that makes room")
                    }
                    Some("MISCONF") => {
                        ("disk_full", "make room on its disk: it cannot save there, and so takes no writes")
                    }
                    Some("READONLY" | "NOREPLICAS") => ("read_only", "let REDIS_URL name a server that takes writes"),
                    _ => ("refused", "see the log of the server for the circumstances"),
                };
                Finding::trouble(fault, cause, remedy).with(["CONFIG GET maxmemory*", "INFO persistence"]).into()
            }
            Err(reason) => Finding::trouble("query_failed", format!("it answers: {reason}"), "see its log").into(),
        }
    }

    pub(super) async fn look_at_redis_memory(&self) -> Answer {
        let Some(redis) = &self.redis else { return Answer::skipped("it is not connected") };
        let condition = match redis.condition().await {
            Ok(Some(condition)) => condition,
            Ok(None) => return Answer::skipped(format!("the user {} may not ask for INFO", redis.user())),
            Err(reason) => {
                return Finding::trouble("query_failed", format!("it answers: {reason}"), "see its log").into();
            }
        };
        let (used, limit) = (condition.memory_used_bytes, condition.memory_limit_bytes);
        if limit == 0 {
            return Answer::ok(format!("{} are used, without a limit", size(used)));
        }
        let policy = &condition.eviction_policy;
        let seen = format!("{} of {} are used; {policy}", size(used), size(limit));
        let more = "give it more memory (maxmemory), or this program a Redis of its own";
        if policy == "noeviction" && used > limit / 100 * MEMORY_SHARE {
            let cause = format!("{seen}: past the limit it takes no writes");
            return Answer::found(seen.clone(), [Finding::trouble("out_of_memory", cause, more).with(["INFO memory"])]);
        }
        if policy.starts_with("allkeys") || condition.evicted_keys > 0 {
            let cause = format!(
                "maxmemory-policy is {policy}, and {} keys were evicted: the newest values may be missing for a while",
                condition.evicted_keys
            );
            return Answer::found(seen, [Finding::warning("evicts", cause, more).with(["CONFIG SET maxmemory 0"])]);
        }
        Answer::ok(seen)
    }
}

/// The user in a URL.
fn user(url: &str) -> Option<String> {
    let user = url.split_once("://")?.1.rsplit_once('@')?.0.split(':').next()?;
    Some(user.to_owned()).filter(|user| !user.is_empty())
}
