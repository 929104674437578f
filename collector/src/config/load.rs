//! Where settings come from, each source over the one before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// How a time is written in a setting: `500ms`, `10s`, `5m`.
pub(super) use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;

use super::Settings;
use super::dotenv;
use super::error::{ConfigError, Origin, Origins};
use super::log::LogFormat;

const PREFIX: &str = "RECIPE_MONITORING_";
/// Begins what is set of a receiver: `RECIPE_MONITORING_NOTIFY__RECEIVERS__<NAME>__<KEY>`.
const RECEIVERS: &str = "RECIPE_MONITORING_NOTIFY__RECEIVERS__";
/// Names the settings file; the only variable with our prefix that is not a setting.
const FILE_VARIABLE: &str = "RECIPE_MONITORING_CONFIG";
const DEFAULT_FILE: &str = "recipe-monitoring.toml";
/// Variables of other conventions that are honoured, and the setting each stands for.
const HONOURED: [(&str, &str); 5] = [
    ("DATABASE_URL", "database.url"),
    ("REDIS_URL", "redis.url"),
    ("REDIS_PASSWORD", "redis.password"),
    ("LEPTOS_SITE_ADDR", "server.address"),
    ("RUST_LOG", "log.filter"),
];
/// What the name of a secret may have in it, however it is misspelt.
const SECRET_WORDS: [&str; 4] = ["pass", "secret", "token", "url"];
/// Settings that may be given as a file to read: `<VARIABLE>_FILE`.
const SECRETS: [&str; 5] =
    ["business.database_url", "database.url", "notify.heartbeat_url", "redis.url", "redis.password"];

/// Flags about settings that both programs take.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Settings file [default: recipe-monitoring.toml where there is one]
    #[arg(long, short, value_name = "FILE", global = true, env = FILE_VARIABLE)]
    pub config: Option<PathBuf>,
    /// Directory of the private PostgreSQL and Redis
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// How log lines are written: auto (text on a terminal, JSON otherwise), text or json
    #[arg(long, value_name = "FORMAT", global = true)]
    pub log_format: Option<String>,
    /// Any setting, e.g. --set live.push=5s
    #[arg(long = "set", value_name = "KEY=VALUE", global = true)]
    pub set: Vec<String>,
}

/// All that settings are read from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The working directory, where `recipe-monitoring.toml` and `.env` are looked for.
    pub directory: PathBuf,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// Flags.
    pub flags: Flags,
}

impl Sources {
    /// What this process was started with.
    #[must_use]
    pub fn of_process(flags: Flags) -> Self {
        // A variable that is not UTF-8 cannot be one of ours.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { directory: PathBuf::from("."), environment: environment.collect(), flags }
    }

    /// All variables, those of `.env` too, as far as it can be read.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = dotenv::read(&self.directory).unwrap_or_default();
        variables.extend(self.environment.clone());
        variables
    }
}

pub(super) fn load(sources: &Sources) -> Result<(Settings, Origins), ConfigError> {
    gather(sources, &mut Err)?.settings()
}

/// The settings without what is wrong with them, and all that is: where a value is refused the
/// default holds.
pub(super) fn load_what_is_right(sources: &Sources) -> (Settings, Vec<ConfigError>) {
    let mut wrong = Vec::new();
    let gathered = gather(sources, &mut |error| {
        wrong.push(error);
        Ok(())
    });
    let Ok(mut merged) = gathered else { return (Settings::default(), wrong) };
    loop {
        let (error, known) = match merged.clone().settings() {
            Ok((settings, origins)) => match settings.check() {
                Ok(()) => return (settings, wrong),
                Err(invalid) => (invalid.refused(&origins), Some(settings)),
            },
            Err(error) => (error, None),
        };
        let was_set = error.key().is_some_and(|key| merged.unset(key));
        wrong.push(error);
        if !was_set {
            return (known.unwrap_or_default(), wrong);
        }
    }
}

/// All that is set, where `refuse` says what becomes of what is wrong.
fn gather(
    sources: &Sources,
    refuse: &mut dyn FnMut(ConfigError) -> Result<(), ConfigError>,
) -> Result<Merged, ConfigError> {
    let mut merged = Merged::new();
    let mut environment = BTreeMap::new();
    // What others may read is still what was meant.
    match dotenv::read_private(&sources.directory) {
        Ok(values) => environment.extend(values),
        Err(error) => {
            let is_too_open = matches!(error, ConfigError::TooOpen { .. });
            refuse(error)?;
            if is_too_open {
                match dotenv::read(&sources.directory) {
                    Ok(values) => environment.extend(values),
                    Err(error) => refuse(error)?,
                }
            }
        }
    }
    environment.extend(sources.environment.clone());
    let mut or_refuse = |outcome: Result<(), ConfigError>| outcome.or_else(&mut *refuse);
    if let Some(path) = settings_file(sources, &environment) {
        match entries_of(&path) {
            Ok(entries) => {
                for (key, value) in entries {
                    or_refuse(merged.set(&key, value, Origin::File(path.clone())))?;
                }
            }
            Err(error) => or_refuse(Err(error))?,
        }
    }
    for (name, key) in HONOURED {
        or_refuse(merged.add_variable(&environment, name, key))?;
    }
    for name in environment.keys().filter(|name| name.starts_with(PREFIX) && *name != FILE_VARIABLE) {
        if let Some(within) = name.strip_prefix(RECEIVERS) {
            or_refuse(merged.add_receiver(name, within, &environment[name]))?;
            continue;
        }
        let setting = name.strip_suffix("_FILE").filter(|base| SECRETS.contains(&key_of(base).as_str()));
        let setting = setting.unwrap_or(name);
        or_refuse(merged.add_variable(&environment, setting, &key_of(setting)))?;
    }
    for outcome in merged.add_flags(&sources.flags) {
        or_refuse(outcome)?;
    }
    Ok(merged)
}

/// What a settings file sets.
fn entries_of(path: &Path) -> Result<BTreeMap<String, Value>, ConfigError> {
    let text = read(path)?;
    let syntax = |error| ConfigError::Syntax { path: shown(path), reason: without_source(&error, &text) };
    let table: Table = text.parse().map_err(syntax)?;
    Ok(leaves(&table))
}

/// `RECIPE_MONITORING_LIVE__PUSH` -> `live.push`
fn key_of(variable: &str) -> String {
    variable.trim_start_matches(PREFIX).to_lowercase().replacen("__", ".", 1)
}

fn settings_file(sources: &Sources, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let named = sources.flags.config.clone().or_else(|| environment.get(FILE_VARIABLE).map(PathBuf::from));
    match named {
        Some(path) => Some(sources.directory.join(path)),
        None => Some(sources.directory.join(DEFAULT_FILE)).filter(|path| path.exists()),
    }
}

/// Why a settings file cannot be read and where, without the line itself: it may hold a secret.
fn without_source(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    match line {
        Some(line) => format!("line {line}: {}", error.message()),
        None => error.message().to_owned(),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: shown(path), source })
}

/// Settings as they add up, with where each was set.
#[derive(Clone)]
struct Merged {
    /// Every known key with its default, to know what is known and of which type it is.
    known: BTreeMap<String, Value>,
    table: Table,
    origins: Origins,
}

impl Merged {
    fn new() -> Self {
        let defaults = Table::try_from(Settings::default()).unwrap_or_default();
        Self { known: leaves(&defaults), table: Table::new(), origins: Origins::new() }
    }

    /// Sets `key` from the variable `name`, or for secrets from the file that `<name>_FILE` names.
    /// An empty variable counts as not set.
    fn add_variable(
        &mut self,
        environment: &BTreeMap<String, String>,
        name: &str,
        key: &str,
    ) -> Result<(), ConfigError> {
        let file = format!("{name}_FILE");
        if let Some(path) = environment.get(&file).filter(|path| !path.is_empty() && SECRETS.contains(&key)) {
            let secret = read(Path::new(path))?.trim_end_matches(['\r', '\n']).to_owned();
            self.set(key, Value::String(secret), Origin::Variable(file))?;
        }
        match environment.get(name).filter(|text| !text.is_empty()) {
            Some(text) => self.set_text(key, text, Origin::Variable(name.to_owned())),
            None => Ok(()),
        }
    }

    /// Sets a key of a receiver. Names have `-` or `_` as they are called in the file, where they are.
    fn add_receiver(&mut self, variable: &str, within: &str, text: &str) -> Result<(), ConfigError> {
        let origin = Origin::Variable(variable.to_owned());
        let (name, key) = within.rsplit_once("__").unwrap_or((within, ""));
        let (name, key) = (name.to_lowercase(), key.to_lowercase());
        let known = self.table.get("notify").and_then(|section| section.get("receivers")).and_then(Value::as_table);
        let mut receivers = known.cloned().unwrap_or_default();
        let name = receivers.keys().find(|known| known.replace('-', "_") == name).cloned().unwrap_or(name);
        if let Value::Table(receiver) = receivers.entry(name).or_insert_with(|| Value::Table(Table::new())) {
            // All others are texts, whatever they look like.
            let is_text = !["allow_private", "send_resolved", "to"].contains(&key.as_str());
            let value = if is_text { None } else { read_value(text) };
            receiver.insert(key, value.unwrap_or_else(|| Value::String(text.to_owned())));
        }
        self.set("notify.receivers", Value::Table(receivers), origin)
    }

    /// Sets what flags say; answers what became of each.
    fn add_flags(&mut self, flags: &Flags) -> Vec<Result<(), ConfigError>> {
        let mut outcomes = Vec::new();
        if let Some(path) = &flags.data_dir {
            outcomes.push(self.set_text("storage.data_dir", &shown(path), Origin::Flag("--data-dir")));
        }
        if let Some(format) = &flags.log_format {
            outcomes.push(self.set_text("log.format", format, Origin::Flag("--log-format")));
        }
        for setting in &flags.set {
            outcomes.push(match setting.split_once('=') {
                Some((key, text)) => self.set_text(key.trim(), text.trim(), Origin::Flag("--set")),
                None => Err(ConfigError::Syntax {
                    path: format!("--set {setting}"),
                    reason: "use --set key=value, e.g. --set live.push=5s".to_owned(),
                }),
            });
        }
        outcomes
    }

    /// Forgets what was set for `key`, or where it was not, for its whole section, which then has
    /// something that does not go together; answers whether there was anything.
    fn unset(&mut self, key: &str) -> bool {
        let (section, name) = key.split_once('.').unwrap_or((key, ""));
        let name = name.split(['.', '[']).next().unwrap_or_default();
        let Some(Value::Table(values)) = self.table.get_mut(section) else { return false };
        values.remove(name).is_some() || self.table.remove(section).is_some()
    }

    /// Sets a value given as text, read as the type that the setting has.
    fn set_text(&mut self, key: &str, text: &str, origin: Origin) -> Result<(), ConfigError> {
        let value = match self.known.get(key) {
            Some(Value::String(_)) | None => None,
            Some(_) => read_value(text),
        };
        self.set(key, value.unwrap_or_else(|| Value::String(text.to_owned())), origin)
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        if !self.known.contains_key(key) {
            let nearest = self.known.keys().max_by(|a, b| similarity(key, a).total_cmp(&similarity(key, b)));
            let nearest = nearest.cloned().unwrap_or_default();
            // What it was meant to be may be a secret, or have some within.
            let secret = SECRETS.contains(&nearest.as_str())
                || nearest == "notify.receivers"
                || matches!(value, Value::Table(_) | Value::Array(_))
                || SECRET_WORDS.iter().any(|word| key.contains(word));
            let value = if secret { "(not shown)".to_owned() } else { value.to_string() };
            return Err(ConfigError::Unknown { key: key.to_owned(), value, origin, nearest });
        }
        let (section, name) = key.split_once('.').unwrap_or((key, ""));
        let section = self.table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            section.insert(name.to_owned(), value);
        }
        self.origins.insert(key.to_owned(), origin);
        Ok(())
    }

    fn settings(self) -> Result<(Settings, Origins), ConfigError> {
        match serde_path_to_error::deserialize(self.table.clone()) {
            Ok(settings) => Ok((settings, self.origins)),
            Err(error) => {
                let key = error.path().to_string();
                let within = ["notify.receivers"].into_iter().find(|section| key.starts_with(section));
                let is_secret = within.is_some() || SECRETS.contains(&key.as_str());
                let value = match leaves(&self.table).get(&key) {
                    _ if is_secret => "(secret)".to_owned(),
                    Some(value) => value.to_string(),
                    None => String::new(),
                };
                let remedy = remedy(&key, error.inner());
                let remedy = if is_secret { without_found(remedy) } else { remedy };
                Err(ConfigError::Invalid {
                    value,
                    origin: self.origins.get(within.unwrap_or(&key)).cloned(),
                    remedy,
                    key,
                })
            }
        }
    }
}

/// What would be right, without what is there: "invalid type: integer `1234`, expected a string".
fn without_found(remedy: String) -> String {
    match remedy.rsplit_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => format!("use {expected}"),
        _ => remedy,
    }
}

/// A value as it stands in a settings file.
fn read_value(text: &str) -> Option<Value> {
    format!("value = {text}").parse().ok().and_then(|mut table: Table| table.remove("value"))
}

/// One sentence on what would be valid, from the type the setting has.
fn remedy(key: &str, error: &toml::de::Error) -> String {
    let example = match key {
        "server.address" => "an address and port such as 127.0.0.1:5001".to_owned(),
        "server.collector" => "in_process or separate".to_owned(),
        "log.format" => {
            let names = [LogFormat::Auto, LogFormat::Text, LogFormat::Json].map(|format| format!("{format:?}"));
            names.join(", ").to_lowercase()
        }
        "live.push"
        | "sampling.application"
        | "sampling.business"
        | "sampling.system"
        | "business.statement_timeout"
        | "schedule.aggregate_delay"
        | "schedule.backup_limit"
        | "schedule.collect"
        | "schedule.first_save"
        | "schedule.job_limit"
        | "schedule.lease"
        | "schedule.retry"
        | "schedule.save"
        | "schedule.save_limit"
        | "notify.group_wait"
        | "notify.group_interval"
        | "notify.repeat_interval"
        | "notify.give_up_after"
        | "notify.flap_window"
        | "notify.heartbeat"
        | "notify.fire_drill"
        | "database.idle_timeout"
        | "database.connect_timeout"
        | "server.stop_delay" => "a time with its unit such as 500ms, 10s or 5m".to_owned(),
        "application.failed" => "5xx or 4xx_5xx".to_owned(),
        "application.duration_unit" => "seconds or milliseconds".to_owned(),
        "backup.schedule" => "auto, on or off".to_owned(),
        "schedule.daily_at" | "schedule.backup_at" => "a time of day such as 03:00".to_owned(),
        _ => return error.message().to_owned(),
    };
    format!("use {example}")
}

fn similarity(asked: &str, known: &str) -> f64 {
    let name = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let alike = strsim::normalized_damerau_levenshtein;
    alike(asked, known) + alike(&name(asked), &name(known)) / 2.0
}

/// `{"live": {"push": "2s"}}` -> `{"live.push": "2s"}`. Sections hold values only; anything
/// deeper, or a value where a section belongs, comes out under a key that nothing knows.
fn leaves(table: &Table) -> BTreeMap<String, Value> {
    table
        .iter()
        .flat_map(|(section, value)| match value {
            Value::Table(inner) => {
                inner.iter().map(|(name, value)| (format!("{section}.{name}"), value.clone())).collect()
            }
            other => vec![(section.clone(), other.clone())],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sources(file: Option<&str>, environment: &[(&str, &str)], set: &[&str]) -> (tempfile::TempDir, Sources) {
        let directory = tempfile::tempdir().unwrap();
        if let Some(text) = file {
            std::fs::write(directory.path().join(DEFAULT_FILE), text).unwrap();
        }
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let flags = Flags { set: set.iter().map(|text| (*text).to_owned()).collect(), ..Flags::default() };
        let sources = Sources { directory: directory.path().to_owned(), environment, flags };
        (directory, sources)
    }

    fn write_dotenv(directory: &Path, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let path = directory.join(".env");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn load(file: Option<&str>, environment: &[(&str, &str)], set: &[&str]) -> Result<Settings, String> {
        let (_directory, sources) = sources(file, environment, set);
        Settings::load(&sources).map_err(|error| error.to_string())
    }

    #[test]
    fn each_source_goes_over_the_one_before() {
        let file = "[live]\npush = \"3s\"\n[schedule]\nsave = \"1m\"\n[sampling]\nsystem = \"30s\"";
        let variables = [("RECIPE_MONITORING_LIVE__PUSH", "4s"), ("RECIPE_MONITORING_SCHEDULE__SAVE", "2m")];
        let settings = load(Some(file), &variables, &["live.push=5s"]).unwrap();
        assert_eq!(settings.live.push, Duration::from_secs(5));
        assert_eq!(settings.schedule.save, Duration::from_secs(120));
        assert_eq!(settings.sampling.system, Duration::from_secs(30));
        assert_eq!(settings.database.pool_max, 50);
    }

    #[test]
    fn our_own_variable_goes_over_an_honoured_one() {
        let variables = [("DATABASE_URL", "postgres://a@h/d"), ("RECIPE_MONITORING_DATABASE__URL", "postgres://b@h/d")];
        assert_eq!(load(None, &variables, &[]).unwrap().database.url.expose(), Some("postgres://b@h/d"));
    }

    #[test]
    fn a_dotenv_file_counts_as_environment_and_secrets_are_read_from_files() {
        let (directory, mut sources) = sources(None, &[], &[]);
        let secret = directory.path().join("redis-password");
        std::fs::write(&secret, "hunter2\n").unwrap();
        write_dotenv(directory.path(), "RUST_LOG=debug\nDATABASE_URL=postgres://a@h/d\n", 0o600);
        sources.environment.insert("RUST_LOG".to_owned(), "warn".to_owned());
        sources.environment.insert("REDIS_PASSWORD_FILE".to_owned(), shown(&secret));
        let settings = Settings::load(&sources).unwrap();
        assert_eq!(settings.log.filter, "warn");
        assert_eq!(settings.database.url.expose(), Some("postgres://a@h/d"));
        assert_eq!(settings.redis.password.expose(), Some("hunter2"));
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert!(!toml::to_string(&settings).unwrap().contains("hunter2"));
    }

    #[test]
    fn a_dotenv_file_that_others_may_read_is_refused_at_every_start() {
        let (directory, sources) = sources(None, &[], &[]);
        write_dotenv(directory.path(), "RUST_LOG=debug\n", 0o644);
        let error = Settings::load(&sources).unwrap_err().to_string();
        assert!(error.contains("chmod 600 ") && error.contains(".env"), "{error}");
    }

    #[test]
    fn of_wrong_settings_all_that_is_wrong_is_known_and_the_rest_holds() {
        let file =
            "[live]\npush = \"fast\"\nsnd = 1\n[schedule]\nsave = \"1m\"\nretention_days = 0\n[database]\npool_max = 3";
        let set = ["sampling.system=30s", "nonsense", "application.targets=[{ uri = \"a\" }]"];
        let (directory, mut sources) = sources(Some(file), &[("DATABASE_URL", "postgres://a@h/d")], &set);
        write_dotenv(directory.path(), "RUST_LOG=debug\n", 0o644);
        let (settings, wrong) = Settings::load_what_is_right(&sources);
        assert_eq!(settings.schedule.save, Duration::from_secs(60));
        assert_eq!(settings.sampling.system, Duration::from_secs(30));
        assert_eq!((settings.live.push, settings.schedule.retention_days), (Settings::default().live.push, 30));
        assert_eq!(settings.log.filter, "debug");
        let wrong: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        for part in [
            "chmod 600",
            "live.push = \"fast\"",
            "live.snd",
            "schedule.retention_days",
            "nonsense",
            "application.targets",
            "pool_min",
        ] {
            assert_eq!(wrong.iter().filter(|error| error.contains(part)).count(), 1, "{part}: {wrong:?}");
        }
        assert_eq!(wrong.len(), 7, "{wrong:?}");
        std::fs::write(directory.path().join(DEFAULT_FILE), "[live").unwrap();
        sources.flags.set.clear();
        let (settings, wrong) = Settings::load_what_is_right(&sources);
        assert_eq!((settings.database.url.expose(), wrong.len()), (Some("postgres://a@h/d"), 2));
    }

    #[test]
    fn what_is_secret_of_a_receiver_is_in_no_error_however_it_is_misspelt() {
        let receiver = |key: &str, rest: &str| format!("[{key}.team]\nkind = \"slack\"\n{rest}");
        for (file, parts) in [
            (receiver("notify.recievers", "url = \"https://PLANTED\""), ["notify.recievers", "notify.receivers"]),
            (receiver("receivers", "url = \"https://PLANTED\""), ["receivers.team", "(not shown)"]),
            (receiver("notify.receivers", "password = 271828"), ["notify.receivers.team.password", "use a string"]),
            (receiver("notify.receivers", "url = [\"PLANTED\"]"), ["notify.receivers.team.url", "use a string"]),
            (receiver("notify.receivers", "urll = \"PLANTED\""), ["unknown field `urll`", "`url`"]),
            ("[notify.receivers]\nteam = \"PLANTED\"".to_owned(), ["notify.receivers.team", "(secret)"]),
            ("[notify]\nreceivers = \"PLANTED\"".to_owned(), ["notify.receivers", "use a map"]),
            ("[redis]\npassword = 271828".to_owned(), ["redis.password", "use a string"]),
        ] {
            let error = load(Some(&file), &[], &[]).unwrap_err();
            assert!(!error.contains("PLANTED") && !error.contains("271828"), "{error}");
            for part in parts.into_iter().chain(["recipe-monitoring.toml"]) {
                assert!(error.contains(part), "{error} lacks {part}");
            }
        }
    }

    #[test]
    fn an_unknown_setting_is_refused_with_the_nearest_known_one() {
        for (file, variables, set, parts) in [
            (
                Some("[sampling]\nsytem = \"5s\""),
                &[][..],
                &[][..],
                ["sampling.sytem", "recipe-monitoring.toml", "sampling.system"],
            ),
            (
                None,
                &[("RECIPE_MONITORING_DATABSE__URL", "x")][..],
                &[],
                ["databse.url", "RECIPE_MONITORING_DATABSE__URL", "database.url"],
            ),
            (None, &[("RECIPE_MONITORING_PUSH", "1s")][..], &[], ["push", "RECIPE_MONITORING_PUSH", "live.push"]),
            (None, &[], &["server.adress=127.0.0.1:1"][..], ["server.adress", "--set", "server.address"]),
            (Some("push = 3"), &[], &[], ["push = 3", "recipe-monitoring.toml", "live.push"]),
        ] {
            let error = load(file, variables, set).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{error} lacks {part}");
            }
        }
    }

    #[test]
    fn a_wrong_value_is_refused_with_key_value_origin_and_remedy() {
        for (setting, parts) in [
            ("live.push=fast", ["live.push", "fast", "--set", "10s"]),
            ("live.push=0s", ["live.push", "0ns", "--set", "from 1s to 60s"]),
            ("sampling.system=1s", ["sampling.system", "1s", "--set", "live.push"]),
            ("server.address=5001", ["server.address", "5001", "--set", "127.0.0.1:5001"]),
            (
                "access.unprotected=yes",
                ["access.unprotected", "yes", "--set", "everybody may read and change everything"],
            ),
            ("access.session_days=0", ["access.session_days", "0", "--set", "1 to 3650"]),
            ("server.stop_delay=1m", ["server.stop_delay", "60s", "--set", "from 0s to 30s"]),
            ("server.stop_delay=5", ["server.stop_delay", "5", "--set", "10s"]),
            ("log.filter=a=b=c", ["log.filter", "a=b=c", "--set", "info,collector=debug"]),
            ("server.collector=other", ["server.collector", "other", "--set", "separate"]),
            ("schedule.save=5", ["schedule.save", "5", "--set", "10s"]),
            ("schedule.daily_at=3am", ["schedule.daily_at", "3am", "--set", "03:00"]),
            ("schedule.time_zone=Tokyo", ["schedule.time_zone", "Tokyo", "--set", "Asia/Tokyo"]),
            ("schedule.first_save=2h", ["schedule.first_save", "7200s", "--set", "from 0s to 3600s"]),
            ("schedule.save_records=0", ["schedule.save_records", "0", "--set", "1 to 1000000"]),
            ("schedule.save_limit=0s", ["schedule.save_limit", "0ns", "--set", "from 1s"]),
            ("schedule.job_limit=5", ["schedule.job_limit", "5", "--set", "10s"]),
            ("schedule.retry=0s", ["schedule.retry", "0ns", "--set", "from 1s"]),
            ("schedule.lease=1s", ["schedule.lease", "1s", "--set", "from 3s"]),
            ("schedule.retention_days=0", ["schedule.retention_days", "0", "--set", "1 to 36500"]),
            ("storage.spool_limit_mib=1", ["storage.spool_limit_mib", "1", "--set", "at least 2"]),
            ("database.pool_max=many", ["database.pool_max", "many", "--set", "expected u32"]),
            ("database.pool_max=5", ["database.pool_max", "5", "--set", "pool_min"]),
            ("application.targets=[\"ftp://a/metrics\"]", ["application.targets", "ftp://a", "--set", "http://"]),
            (
                "application.targets=[\"http://a/metrics?of=b\", \"http://a/metrics?of=c\"]",
                ["application.targets", "of=c", "--set", "a job of its own"],
            ),
            (
                "business.metrics=[{ name = \"cpu_usage\", event = \"a\" }]",
                ["business.metrics", "cpu_usage", "--set", "another name"],
            ),
            (
                "business.metrics=[{ name = \"orders\", event = \"a\", title_en = \"two\\nlines\" }]",
                ["business.metrics", "orders", "--set", "on one line"],
            ),
            ("redis.url=nonsense", ["redis.url", "secret", "--set", "redis://"]),
        ] {
            let error = load(None, &[], &[setting]).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{error} lacks {part}");
            }
        }
    }

    #[test]
    fn a_broken_file_is_refused_with_its_line() {
        let error = load(Some("[live]\npush = "), &[], &[]).unwrap_err();
        assert!(error.contains("line 2"), "{error}");
        let (_directory, mut sources) = sources(None, &[], &[]);
        sources.flags.config = Some(PathBuf::from("missing.toml"));
        assert!(Settings::load(&sources).unwrap_err().to_string().contains("missing.toml"));
    }
}
