//! `setup`: a real installation on an existing PostgreSQL and Redis, in eight steps, each of which
//! may be repeated. Nothing is written before the databases have shown that it is right.

mod answers;
mod dotenv;
mod files;

use std::error::Error;
use std::fs::DirBuilder;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::{print, stores};
use crate::{Address, Cache, Object, SchemaError, Settings, Store, StoreError};
use answers::{Answers, missing};
use dotenv::{Dotenv, Wanted};

const STEPS: u8 = 8;
/// How long PostgreSQL's host may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Asks a PostgreSQL for TLS: every one answers it with one letter
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html>, `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// Answer and flag for an installation without Redis.
const NO_REDIS: &str = "none";
/// A URL that is typed can be seen, a password is not.
const REDIS_QUESTION: &str = "Redis, without its password, or none";
const ALL: [Object; 5] = [Object::Table, Object::Trigger, Object::View, Object::Function, Object::Routine];

/// Flags of `setup`: each is a question that is not asked.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Host of PostgreSQL, or the directory of its Unix socket [default: localhost]
    #[arg(long)]
    host: Option<String>,
    /// Its port [default: 5432]
    #[arg(long)]
    port: Option<u16>,
    /// The database [default: recipe_db]
    #[arg(long)]
    database: Option<String>,
    /// The role [default: recipe_user]
    #[arg(long)]
    user: Option<String>,
    /// File that holds the role's password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Redis, or none to do without [default: redis://127.0.0.1:6379/0]
    #[arg(long, value_name = "URL")]
    redis_url: Option<String>,
    /// Folder for log files [default: logs]
    #[arg(long, value_name = "DIR")]
    log_dir: Option<PathBuf>,
    /// File to write [default: .env]
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Take the defaults for what has no flag, and replace a file that says something else
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn run(settings: &Settings, arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let answers = Answers::new(arguments.yes);
    arguments.check(answers)?;
    let env_file = arguments.env_file.map(|path| path.display().to_string());
    let env_file = answers.value("--env-file", env_file, "File to write the settings to", ".env")?;
    let dotenv = Dotenv::read(Path::new(&env_file))?;
    let known_url = dotenv.get("DATABASE_URL").or(settings.database.url.expose()).map(str::to_owned);
    let known = known_url.as_deref().and_then(Address::of).unwrap_or_else(|| Address {
        host: "localhost".to_owned(),
        port: 5432,
        database: "recipe_db".to_owned(),
        user: "recipe_user".to_owned(),
    });

    let host = answers.value("--host", arguments.host, "PostgreSQL's host", &known.host)?;
    let port = arguments.port.map(|port| port.to_string());
    let port = answers.value("--port", port, "Its port", &known.port.to_string())?;
    let port = port.parse().map_err(|_| format!("port {port} is not valid: use a number from 1 to 65535"))?;
    step(1, "PostgreSQL reachable", reach(&host, port)).await?;

    let database = answers.value("--database", arguments.database, "Database", &known.database)?;
    let user = answers.value("--user", arguments.user, "Role", &known.user)?;
    let address = Address { host, port, database, user };
    let url = match (&arguments.password_file, known_url.filter(|_| address == known)) {
        (None, Some(url)) if answers.agreed() => url,
        (Some(file), known_url) => address.url(&password_of(file)?, &parameters(known_url.as_deref())),
        (None, known_url) => {
            let question = match known_url {
                Some(_) => "Password (empty: the one in use)",
                None => "Password",
            };
            let password = answers.secret("--password-file", question)?;
            match known_url {
                Some(url) if password.is_empty() => url,
                known_url => address.url(&password, &parameters(known_url.as_deref())),
            }
        }
    };
    let store = step(2, "credentials", connect(&url, settings, &address)).await?;
    step(3, "migrations", migrate(&store)).await?;
    step(4, "tables, views and functions", async { Ok(store.check_objects(&ALL).await?) }).await?;
    store.close().await;

    let known = dotenv.get("REDIS_URL").or(settings.redis.url.expose()).unwrap_or("redis://127.0.0.1:6379/0");
    // A URL may hold a password, which is not shown.
    let redis_url = match (arguments.redis_url, known.contains('@')) {
        (None, true) if answers.can_ask() => {
            let answer = answers.value("--redis-url", None, REDIS_QUESTION, "the one in use")?;
            if answer == "the one in use" { known.to_owned() } else { answer }
        }
        (given, _) => answers.value("--redis-url", given, REDIS_QUESTION, known)?,
    };
    let redis_url = Some(redis_url).filter(|url| url != NO_REDIS);
    let redis_password = match &redis_url {
        Some(url) => {
            let password = match dotenv.get("REDIS_PASSWORD").or(settings.redis.password.expose()) {
                Some(password) => Some(password.to_owned()),
                None => redis_secret(answers, url).await?,
            };
            step(5, "Redis reachable", reach_redis(url, password.as_deref())).await?;
            password
        }
        None => {
            print(&format!("5/{STEPS} Redis reachable ... ok (not used)"))?;
            None
        }
    };
    step(6, "program files", async { Ok(files::check()?) }).await?;
    let log_dir = arguments.log_dir.map(|path| path.display().to_string());
    let log_dir =
        answers.value("--log-dir", log_dir, "Folder for log files", dotenv.get("LOG_DIR").unwrap_or("logs"))?;
    let log_dir = std::path::absolute(&log_dir)?;
    step(7, "log folder", async { make_log_dir(&log_dir) }).await?;

    let wanted: Wanted = vec![
        ("DATABASE_URL", Some(url)),
        ("RECIPE_MONITORING_REDIS__ENABLED", redis_url.is_none().then(|| "false".to_owned())),
        ("REDIS_URL", redis_url),
        ("REDIS_PASSWORD", redis_password),
        ("LOG_DIR", Some(log_dir.display().to_string())),
    ];
    agree(answers, &dotenv, &wanted)?;
    step(8, "settings file", async { Ok(dotenv.write(&wanted)?) }).await?;
    print(&format!("{} is ready; see whether all of it works with: recipe-monitoring-collector check", dotenv.path()))?;
    Ok(())
}

impl Arguments {
    /// Without anybody to ask, everything has to be there before the first step.
    fn check(&self, answers: Answers) -> Result<(), String> {
        if answers.can_ask() || answers.agreed() {
            return Ok(());
        }
        let given = [
            ("--host", self.host.is_some()),
            ("--port", self.port.is_some()),
            ("--database", self.database.is_some()),
            ("--user", self.user.is_some()),
            ("--password-file", self.password_file.is_some()),
            ("--redis-url", self.redis_url.is_some()),
            ("--log-dir", self.log_dir.is_some()),
            ("--env-file", self.env_file.is_some()),
        ];
        let lacking: Vec<_> = given.iter().filter(|(_, given)| !given).map(|(flag, _)| *flag).collect();
        if lacking.is_empty() { Ok(()) } else { Err(format!("{}, or --yes for the defaults", missing(&lacking))) }
    }
}

/// Does a step and says how it went.
async fn step<T>(
    number: u8,
    name: &str,
    work: impl Future<Output = Result<T, Box<dyn Error>>>,
) -> Result<T, Box<dyn Error>> {
    let mut stdout = std::io::stdout();
    write!(stdout, "{number}/{STEPS} {name} ... ")?;
    stdout.flush()?;
    let started = Instant::now();
    let outcome = work.await;
    let result = if outcome.is_ok() { "ok" } else { "FAILED" };
    print(&format!("{result} ({} ms)", started.elapsed().as_millis()))?;
    outcome
}

/// Sees that a PostgreSQL listens there.
async fn reach(host: &str, port: u16) -> Result<(), Box<dyn Error>> {
    let asked = async {
        if host.starts_with('/') {
            greet(UnixStream::connect(Path::new(host).join(format!(".s.PGSQL.{port}"))).await?).await
        } else {
            greet(TcpStream::connect((host, port)).await?).await
        }
    };
    let reason = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(b'S' | b'N')) => return Ok(()),
        Ok(Ok(_)) => "what listens there is no PostgreSQL".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {PATIENCE:?}"),
    };
    Err(format!(
        "PostgreSQL at {host}:{port} cannot be reached: {reason}; check --host and --port, that it runs, and its \
         listen_addresses"
    )
    .into())
}

async fn greet(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<u8> {
    stream.write_all(&SSL_REQUEST).await?;
    stream.read_u8().await
}

fn password_of(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("--password-file {} cannot be read: {error}; correct its path", file.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// What a URL says beyond the address, which is kept; for a new one as `PGSSLMODE` says.
fn parameters(known_url: Option<&str>) -> String {
    let known = known_url.map(|url| url.split_once('?').map_or("", |(_, parameters)| parameters));
    let known =
        known.map(|text| text.split('&').filter(|part| !part.starts_with("host=")).collect::<Vec<_>>().join("&"));
    known.unwrap_or_else(|| std::env::var("PGSSLMODE").map(|mode| format!("sslmode={mode}")).unwrap_or_default())
}

async fn connect(url: &str, settings: &Settings, address: &Address) -> Result<Store, Box<dyn Error>> {
    Store::connect(url, &stores::few(settings)).await.map_err(|error| {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let (user, database) = (quoted(&address.user), quoted(&address.database));
        let statement = match error {
            StoreError::NoDatabase { .. } => format!("CREATE DATABASE {database} OWNER {user};"),
            StoreError::Refused { .. } => format!("CREATE ROLE {user} LOGIN; \\password {user}"),
            _ => return error.into(),
        };
        format!("{error}\nwhere it is missing, an administrator of the server can make it with:\n  {statement}").into()
    })
}

async fn migrate(store: &Store) -> Result<(), Box<dyn Error>> {
    match store.check_rights().await {
        Err(SchemaError::Rights { role, database, statements }) => {
            let statements = statements.join("\n  ");
            let who = format!("the role {role} lacks rights in the database {database}");
            return Err(format!("{who}; an administrator of the server has to run there:\n  {statements}").into());
        }
        outcome => outcome?,
    }
    Ok(store.migrate().await?)
}

async fn reach_redis(url: &str, password: Option<&str>) -> Result<(), Box<dyn Error>> {
    let cache = Cache::connect(url, password)?;
    let answer = cache.reach().await;
    cache.close().await;
    Ok(answer?)
}

/// A password, where Redis does not answer without one and somebody can be asked for it. What it
/// says then is not always that it wants one.
async fn redis_secret(answers: Answers, url: &str) -> Result<Option<String>, Box<dyn Error>> {
    if !answers.can_ask() || url.contains('@') || reach_redis(url, None).await.is_ok() {
        return Ok(None);
    }
    let password = answers.secret("--redis-url", "Redis' password (empty: it has none)")?;
    Ok(Some(password).filter(|password| !password.is_empty()))
}

fn make_log_dir(path: &Path) -> Result<(), Box<dyn Error>> {
    let probe = path.join(".recipe-monitoring-setup");
    let made = DirBuilder::new().recursive(true).mode(0o750).create(path);
    made.and_then(|()| std::fs::write(&probe, "")).and_then(|()| std::fs::remove_file(&probe)).map_err(|error| {
        format!("the log folder {} cannot be used: {error}; choose another with --log-dir", path.display()).into()
    })
}

/// A file that says something else is replaced only when that is agreed to, and shown by key.
fn agree(answers: Answers, dotenv: &Dotenv, wanted: &Wanted) -> Result<(), Box<dyn Error>> {
    let differing = dotenv.differing(wanted);
    if !dotenv.exists() || differing.is_empty() {
        return Ok(());
    }
    let list = |keys: &[&str]| if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
    print(&format!(
        "{} is there; it changes: {}; it keeps: {}",
        dotenv.path(),
        list(&differing),
        list(&dotenv.staying(wanted))
    ))?;
    if answers.confirm("Change it?")? {
        return Ok(());
    }
    Err(format!("{} was left as it is; give --yes to have it changed, or another place with --env-file", dotenv.path())
        .into())
}
