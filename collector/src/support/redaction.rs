//! Takes secrets out of texts. Those of this installation are known and found wherever they stand, however they are
//! written; what only looks like one goes, too.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::LazyLock;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use regex::{Captures, Regex};
use toml::Value;

use crate::config::{Secret, Settings, Sources};

/// What stands in the place of a secret.
pub(super) const REMOVED: &str = "(removed)";
/// What is shorter stands everywhere, and is no secret worth the name.
const SHORTEST: usize = 4;
/// Of a file with a secret.
const LONGEST_FILE: u64 = 1 << 20;
/// What the name of a variable has in it whose value may be a secret.
const WORDS: [&str; 8] = ["PASS", "SECRET", "TOKEN", "KEY", "URL", "CREDENTIAL", "AUTH", "DSN"];

/// What looks like a secret, with what of it stays: its first group.
static LOOKS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = [
        // The user and the password of a URL.
        r#"([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s"'<>@]+@"#,
        // A parameter of a URL, a field of JSON, a setting, a variable.
        r#"(?i)((?:password|passwd|secret|token|api_?key|signature|credentials?)\\?["']?\s*[=:]\s*\\?["']?)[^\s"'&,;}\\()]{3,}"#,
        r"(?i)((?:authorization|cookie|set-cookie)\s*:\s*)[^\r\n]+",
        r"(?i)(\bbearer\s+)[a-z0-9._~+/=-]{8,}",
        // Our own tokens, and what of passwords is kept.
        r"(\brm[a-z]_)[0-9a-zA-Z]{8,}",
        r"(\$argon2[a-z]*\$)[^\s]+",
        r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----",
    ];
    patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
});

/// What is taken out.
#[derive(Debug)]
pub(super) struct Redaction {
    /// Every form of every secret that is known, the longest first.
    known: Vec<String>,
    /// Without their forms.
    secrets: usize,
}

impl Redaction {
    /// Of all that settings, their sources and the data directory keep to themselves.
    pub(super) fn of(settings: &Settings, sources: &Sources, data_dir: Option<&Path>) -> Self {
        let mut secrets = BTreeSet::new();
        let mut add = |secret: &str| {
            let secret = secret.trim();
            for part in parts(secret).into_iter().chain([secret.to_owned()]) {
                if part.chars().count() >= SHORTEST {
                    secrets.insert(part);
                }
            }
        };
        let (written, exposed) = Secret::exposed_while(|| toml::Value::try_from(settings));
        exposed.iter().for_each(|secret| add(secret));
        if let Ok(written) = &written {
            files(written, &mut |path| add(&file(Path::new(path))));
        }
        for (name, value) in sources.variables() {
            let is_secret = WORDS.iter().any(|word| name.to_uppercase().contains(word));
            if is_secret && name.ends_with("_FILE") {
                add(&file(Path::new(&value)));
            } else if is_secret || value.contains("://") {
                add(&value);
            }
        }
        for setting in &sources.flags.set {
            if let Some((key, value)) = setting.split_once('=')
                && WORDS.iter().any(|word| key.to_uppercase().contains(word))
            {
                add(value.trim());
            }
        }
        if let Some(data_dir) = data_dir {
            add(&file(&data_dir.join("password")));
            for line in file(&data_dir.join("connections")).lines() {
                add(line.split_once('=').map_or(line, |(_, url)| url));
            }
            if let Ok(access) = serde_json::from_str(&file(&data_dir.join("access.json"))) {
                hashes(&access, &mut add);
            }
        }
        // A placeholder of ours is none.
        for own in ["(set)", "(removed)", "postgres", "redis", "true", "false"] {
            secrets.remove(own);
        }
        Self::knowing(secrets)
    }

    fn knowing(secrets: BTreeSet<String>) -> Self {
        let count = secrets.len();
        let mut known: BTreeSet<String> = BTreeSet::new();
        for secret in secrets {
            let json = serde_json::to_string(&secret).unwrap_or_default();
            let json = json.trim_matches('"').to_owned();
            known.insert(utf8_percent_encode(&secret, NON_ALPHANUMERIC).to_string());
            // A line of a log that is JSON within JSON.
            known.insert(serde_json::to_string(&json).unwrap_or_default().trim_matches('"').to_owned());
            known.insert(json);
            known.insert(secret);
        }
        let mut known: Vec<_> = known.into_iter().filter(|known| !known.is_empty()).collect();
        known.sort_by_key(|known| std::cmp::Reverse(known.len()));
        Self { known, secrets: count }
    }

    /// How many secrets are known.
    pub(super) fn len(&self) -> usize {
        self.secrets
    }

    /// The text without them.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for known in &self.known {
            if text.contains(known.as_str()) {
                text = text.replace(known.as_str(), REMOVED);
            }
        }
        without_likely(text)
    }
}

/// The text without what looks like a secret, whether it is known as one or not.
pub(crate) fn without_likely(text: String) -> String {
    LOOKS.iter().fold(text, |text, looks| {
        let stays = |found: &Captures<'_>| {
            let start = found.get(1).map_or("", |start| start.as_str());
            let end = if found[0].ends_with('@') { "@" } else { "" };
            format!("{start}{REMOVED}{end}")
        };
        looks.replace_all(&text, stays).into_owned()
    })
}

/// What of a secret is one by itself: of a URL its password, the long parts of its path and its parameters, of a key its
/// lines.
fn parts(secret: &str) -> Vec<String> {
    let Some((scheme, rest)) = secret.split_once("://") else {
        let lines = secret.lines().filter(|line| line.len() >= 16 && !line.starts_with("-----"));
        return if secret.lines().count() > 1 { lines.map(str::to_owned).collect() } else { Vec::new() };
    };
    let mut parts = Vec::new();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    if let Some((user, _)) = authority.rsplit_once('@') {
        match user.split_once(':') {
            Some((_, password)) => parts.push(password),
            // As of a DSN; elsewhere it is only a name.
            None if scheme.starts_with("http") => parts.push(user),
            None => {}
        }
    }
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    if scheme.starts_with("http") {
        let is_long =
            |part: &&str| part.len() >= 16 || part.len() >= 8 && part.bytes().any(|byte| byte.is_ascii_digit());
        parts.extend(path.split('/').filter(is_long));
        parts.extend(pairs.map(|(_, value)| value).filter(is_long));
    } else {
        parts.extend(pairs.filter(|(name, _)| name.contains("password")).map(|(_, value)| value));
    }
    let decoded = parts.iter().map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned());
    decoded.chain(parts.iter().map(|part| (*part).to_owned())).collect()
}

/// The files with secrets that settings name.
fn files(settings: &Value, tell: &mut dyn FnMut(&str)) {
    match settings {
        Value::Table(table) => {
            for (name, value) in table {
                match value.as_str() {
                    Some(path) if name == "tls_key" || name.ends_with("_file") && name != "ca_file" => tell(path),
                    _ => files(value, tell),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| files(value, tell)),
        _ => {}
    }
}

/// What of users, sessions and tokens is kept of their secrets.
fn hashes(access: &serde_json::Value, add: &mut impl FnMut(&str)) {
    match access {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                // Sessions and tokens are under their digests.
                if name.len() >= 32 {
                    add(name);
                }
                hashes(value, add);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| hashes(value, add)),
        serde_json::Value::String(text) if text.len() >= 32 => add(text),
        _ => {}
    }
}

/// The text of a file; nothing where it cannot be read: then nobody has it from here.
fn file(path: &Path) -> String {
    let mut text = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(LONGEST_FILE).read_to_end(&mut text));
    read.map(|_| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_goes_however_it_is_written() {
        let redaction = Redaction::knowing(["p@ss \"word\"".to_owned(), "hunter2".to_owned()].into());
        for text in [
            "p@ss \"word\"",
            r#"{"a":"p@ss \"word\""}"#,
            "p%40ss%20%22word%22",
            "xhunter2y",
            r#""\"p@ss \\\"word\\\"\"""#,
        ] {
            let left = redaction.apply(text);
            assert!(left.contains(REMOVED) && !left.contains("word") && !left.contains("hunter2"), "{left}");
        }
        assert_eq!(redaction.apply("nothing of it"), "nothing of it");
    }

    #[test]
    fn what_looks_like_one_goes_too_and_the_rest_stays() {
        let redaction = Redaction::knowing(BTreeSet::new());
        for (text, left) in [
            ("postgres://app:s3cret@db/x", "postgres://(removed)@db/x"),
            ("redis://:s3cret@cache:6379/0 and more", "redis://(removed)@cache:6379/0 and more"),
            ("https://a/b?token=abcdef&x=1", "https://a/b?token=(removed)&x=1"),
            (r#"{"token":"abcdef","rows":3}"#, r#"{"token":"(removed)","rows":3}"#),
            ("Authorization: Basic abc", "Authorization: (removed)"),
            ("with Bearer abcdefgh1 sent", "with Bearer (removed) sent"),
            ("rmt_0123456789abcdef", "rmt_(removed)"),
            ("$argon2id$v=19$m=1$c2FsdA$aGFzaA", "$argon2id$(removed)"),
            ("password = \"\"", "password = \"\""),
            ("mail@example.com, 3 tokens: see the log", "mail@example.com, 3 tokens: see the log"),
        ] {
            assert_eq!(redaction.apply(text), left);
        }
    }

    #[test]
    fn parts_of_a_url_and_of_a_key_are_secrets_by_themselves() {
        let found = parts("https://u:p%40ss@hooks.example.com/services/T000/B0123456789?sig=abcdefg8");
        for part in ["p%40ss", "p@ss", "B0123456789", "abcdefg8"] {
            assert!(found.iter().any(|found| found == part), "{part}: {found:?}");
        }
        assert!(!found.iter().any(|found| found == "services"), "{found:?}");
        assert_eq!(parts("https://0a1b2c@sentry.example.com/1"), ["0a1b2c", "0a1b2c"]);
        assert!(parts("postgres://recipe_user@h/recipe_db?host=/var/run/postgresql").is_empty());
        assert_eq!(parts("postgres://h/d?sslpassword=abc&user=x"), ["abc", "abc"]);
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----";
        assert!(parts(key).contains(&"MIIEvQIBADANBgkqhkiG9w0BAQ".to_owned()));
    }
}
