//! `user`, `token` and `audit`: who may, from the command line.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use collector::access::{Access, Digest, Passwords, Role, Scope};
use jiff::Timestamp;

use crate::cli::{Ended, on, run};
use crate::helpers::{connect, directory, new_database, number, program, quiet};

/// A command that gets this on its standard input.
fn with_input(mut command: Command, input: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that is refused before reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn alone(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = program(arguments);
    command.arg("--data-dir").arg(directory.join("data"));
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_tokens_are_had_while_nothing_runs() {
    let directory = directory();
    let data_dir = directory.path().join("data");
    let command = |arguments: &[&str]| alone(directory.path(), arguments);
    let refused = |ended: &Ended, part: &str| {
        assert!(ended.code == Some(1) && ended.err.contains(part), "{part}: {ended:?}");
    };
    refused(&with_input(command(&["user", "add", "ken"]), "long enough one\n"), "the first user must be admin");
    refused(&with_input(command(&["user", "add", "mika", "--role", "admin"]), "short\n"), "at least 10 characters");
    refused(&with_input(command(&["user", "add", "mika", "--role", "admin"]), "two\nlines of it\n"), "several lines");
    let added = with_input(command(&["user", "add", "mika", "--role", "admin"]), "long enough one\n");
    assert_eq!((added.code, added.out.as_str()), (Some(0), "added mika\n"), "{added:?}");
    assert_eq!(with_input(command(&["user", "add", "ken"]), "long enough two").code, Some(0));
    let mode = fs::metadata(data_dir.join("access.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let access = Access::open(&data_dir).unwrap();
    let passwords = Passwords::new().unwrap();
    let is = async |name: &str, password: &str| {
        passwords.verify(password.to_owned(), access.contents().password_of(name)).await.unwrap()
    };
    assert!(is("mika", "long enough one").await && is("ken", "long enough two").await);
    assert_eq!(with_input(command(&["user", "passwd", "ken"]), "another long one\n").code, Some(0));
    assert!(is("ken", "another long one").await && !is("ken", "long enough two").await);
    refused(&with_input(command(&["user", "passwd", "nobody"]), "another long one\n"), "\"nobody\" is not known");
    refused(&run(command(&["user", "remove", "mika"])), "the last admin");
    refused(&run(command(&["user", "role", "mika", "viewer"])), "the last admin");
    assert_eq!(run(command(&["user", "role", "ken", "operator"])).code, Some(0));
    let list = run(command(&["user", "list"])).out;
    assert!(list.starts_with("ken  operator  2") && list.contains("\nmika  admin  2"), "{list}");
    assert_eq!(access.contents().user("ken").unwrap().role, Role::Operator);
    assert_eq!(run(command(&["user", "remove", "ken"])).code, Some(0));
    let wrong = run(command(&["user", "role", "mika", "king"]));
    assert!(wrong.code == Some(2) && wrong.err.contains("use viewer, operator or admin"), "{wrong:?}");

    let made = run(command(&["token", "add", "ci", "--scope", "metrics,ingest", "--days", "30"]));
    let token = made.out.trim();
    assert!(made.code == Some(0) && token.starts_with("rmt_"), "{made:?}");
    let known = access.contents();
    let known = known.token(&Digest::of(token), Timestamp::now()).unwrap();
    assert_eq!((known.name.as_str(), known.scopes.as_slice()), ("ci", [Scope::Metrics, Scope::Ingest].as_slice()));
    refused(&run(command(&["token", "add", "ci", "--scope", "read"])), "there is such a token");
    let list = run(command(&["token", "list"])).out;
    assert!(list.starts_with("ci  metrics,ingest  2") && !list.contains(token), "{list}");
    assert_eq!(run(command(&["token", "remove", "ci"])).code, Some(0));
    assert_eq!(run(command(&["token", "list"])).out, "");

    // Without PostgreSQL what was done is shown from where it waits, and the command says so.
    let audit = run(command(&["audit", "--json"]));
    assert!(audit.code == Some(1) && audit.err.contains("PostgreSQL does not answer"), "{audit:?}");
    let actions: Vec<_> =
        audit.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect();
    let actions: Vec<_> = actions.iter().rev().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        ["user.add", "user.add", "user.password", "user.role", "user.remove", "token.add", "token.remove"]
    );
    assert!(!audit.out.contains("long one") && !audit.out.contains(token), "{}", audit.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_moved_to_postgresql_once() {
    let directory = directory();
    let (_collector, url) = quiet(directory.path()).await;
    let url = new_database(&url, "access").await;
    let command = |arguments: &[&str]| on(&url, directory.path(), arguments);
    assert_eq!(run(command(&["token", "add", "one", "--scope", "read"])).code, Some(0));
    let mut database = connect(&url).await;
    assert_eq!(number(&mut database, "SELECT count(*) FROM audit_log WHERE action = 'token.add' AND ok").await, 1);
    assert!(!directory.path().join("nobody/audit.jsonl").exists());
    assert_eq!(run(command(&["token", "remove", "one"])).code, Some(0));
    let audit = run(command(&["audit", "--limit", "1"]));
    assert_eq!(audit.code, Some(0), "{audit:?}");
    let [line] = audit.out.lines().collect::<Vec<_>>()[..] else { panic!("{audit:?}") };
    assert!(line.contains("  ok  cli:") && line.ends_with("token.remove  one"), "{line}");
    let kept = "SELECT count(*) FROM audit_log WHERE address = '' AND role = '' AND object = 'one'";
    assert_eq!(number(&mut database, kept).await, 2);
}
