//! What can be wrong with Redis.

use std::process::Command;

use rustix::process::Signal;

use super::{Said, doctor};
use crate::helpers::{directory, until};
use crate::redis::{Redis, ask};

#[tokio::test(flavor = "multi_thread")]
async fn each_way_in_which_it_cannot_be_used_has_its_own_cause() {
    let directory = directory();
    let mut redis = Redis::start(directory.path()).await;
    let (with, without) = (redis.url(), redis.url().replace("default:hunter2@", ""));
    let with_password = |url: &str, password: &str| {
        let mut command = doctor(directory.path(), &[]);
        command.env("REDIS_URL", url).env("REDIS_PASSWORD", password);
        Said::of(command)
    };
    let look = |url: &str| with_password(url, "");
    look(&with).is("redis", "ok").is("redis_clock", "ok").is("redis_writes", "ok").is("redis_memory", "ok");

    let said = look(&without);
    said.is("redis", "trouble").is("redis_writes", "not_looked_at");
    said.finds("redis", "password_wanted", &["REDIS_PASSWORD", "requirepass"]);
    with_password(&without, "wrong").finds("redis", "wrong_password", &["refuses the password", "--askpass"]);
    with_password(&without, "hunter2").is("redis", "ok").is("redis_writes", "ok");

    redis.kill();
    let said = look(&with);
    said.finds("redis", "down", &["nobody listens there", &format!("redis-cli -h 127.0.0.1 -p {} ping", redis.port)]);
    redis.run(directory.path()).await;
    look(&with).is("redis", "ok");

    redis.signal(Signal::STOP);
    look(&with).finds("redis", "hanging", &["does not answer", "kill -CONT"]);
    redis.signal(Signal::CONT);

    let client = redis.client().await;
    ask(&client, "ACL", &["SETUSER", "app", "on", ">hunter2", "+auth", "+hello", "+multi", "+discard", "~metrics:*"])
        .await;
    let app = with.replace("default:", "app:");
    let lines = look(&app).finds("redis", "no_permission", &["does not let the user do this", "ACL SETUSER app "]);
    apply(&redis, &lines[0]);
    let lines = look(&app).finds("redis_writes", "no_permission", &["the user app may not SET"]);
    apply(&redis, &lines[0]);
    look(&app).is("redis_writes", "ok");

    let other = Redis::start(directory.path()).await;
    ask(&client, "REPLICAOF", &["127.0.0.1", &other.port.to_string()]).await;
    until("it is a replica", async || (look(&with).fault("redis_writes") == Some("replica")).then_some(())).await;
    let lines = look(&with).finds("redis_writes", "replica", &["primary"]);
    apply(&redis, &lines[0]);
    look(&with).is("redis_writes", "ok");

    ask(&client, "CONFIG", &["SET", "maxmemory", "100mb"]).await;
    ask(&client, "CONFIG", &["SET", "maxmemory-policy", "allkeys-lru"]).await;
    let said = look(&with);
    said.is("redis_memory", "warning");
    let lines = said.finds("redis_memory", "evicts", &["allkeys-lru"]);
    apply(&redis, &lines[0]);
    look(&with).is("redis_memory", "ok");
    ask(&client, "CONFIG", &["SET", "maxmemory-policy", "noeviction"]).await;
    ask(&client, "CONFIG", &["SET", "maxmemory", "1"]).await;
    let said = look(&with);
    said.finds("redis_memory", "out_of_memory", &["it takes no writes"]);
    said.finds("redis_writes", "out_of_memory", &["maxmemory"]);
    ask(&client, "CONFIG", &["SET", "maxmemory", "0"]).await;
    look(&with).is("redis_memory", "ok").is("redis_writes", "ok");
    // Not one of the commands that were tried was run.
    let keys = ask(&client, "DBSIZE", &[]).await;
    assert_eq!(keys.as_i64(), Some(0));
}

/// A line of a remedy, as an administrator gives it.
fn apply(redis: &Redis, line: &str) {
    let mut command = Command::new("redis-cli");
    command.args(["-p", &redis.port.to_string(), "-a", "hunter2", "--no-auth-warning"]).args(line.split_whitespace());
    let ended = crate::cli::run(command);
    assert_eq!(ended.out.trim().to_uppercase().split(' ').next(), Some("OK"), "{line}: {ended:?}");
}
