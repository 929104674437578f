//! Where a database is, in parts, and the URL that they make.

use std::fmt::Write as _;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Where a database is and who uses it; the password is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name, an IP address, or the directory of a Unix socket.
    pub host: String,
    /// Port, also of a Unix socket.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The role.
    pub user: String,
}

impl Address {
    /// The parts of a URL; `None` where it is not one of PostgreSQL.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        // sqlx takes any scheme.
        let known = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        let options = PgConnectOptions::from_str(url).ok().filter(|_| known)?;
        let host = match options.get_socket() {
            Some(directory) => directory.display().to_string(),
            None => options.get_host().trim_matches(['[', ']']).to_owned(),
        };
        Some(Self {
            host,
            port: options.get_port(),
            database: super::database(&options).to_owned(),
            user: options.get_username().to_owned(),
        })
    }

    /// Whether the host is a Unix socket's directory.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// The URL with this password, where there is one, and further parameters (`sslmode=require`).
    #[must_use]
    pub fn url(&self, password: &str, parameters: &str) -> String {
        let host = match &*self.host {
            _ if self.is_socket() => "localhost".to_owned(),
            host if host.contains(':') => format!("[{host}]"),
            host => host.to_owned(),
        };
        let password = if password.is_empty() { String::new() } else { format!(":{}", encoded(password)) };
        let socket = self.is_socket().then(|| format!("host={}", encoded(&self.host)));
        let parameters: Vec<_> =
            socket.as_deref().into_iter().chain(Some(parameters).filter(|text| !text.is_empty())).collect();
        let question = if parameters.is_empty() { "" } else { "?" };
        format!(
            "postgres://{}{password}@{host}:{}/{}{question}{}",
            encoded(&self.user),
            self.port,
            encoded(&self.database),
            parameters.join("&")
        )
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_url_make_that_url_whatever_they_hold() {
        for (host, database, user, password) in [
            ("localhost", "recipe_db", "recipe_user", "hunter2"),
            ("::1", "recipe_db", "recipe_user", ""),
            ("/var/run/post gres", "レシピ", "a/b@c", "p:/?#[]@!$&'()*+,;= %\"\\日"),
        ] {
            let address =
                Address { host: host.to_owned(), port: 5433, database: database.to_owned(), user: user.to_owned() };
            let url = address.url(password, "sslmode=prefer");
            assert_eq!(Address::of(&url), Some(address), "{url}");
            assert!(url.ends_with("sslmode=prefer") && url.is_ascii() && !url.contains(['\'', '"', '$', ' ']), "{url}");
        }
        assert_eq!(Address::of("redis://localhost"), None);
    }
}
