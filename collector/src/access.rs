//! Who may: users with their roles, sessions and API tokens. They live in one file of the data directory, so that
//! log-in works while PostgreSQL is away; the dashboard and the command line both change it. What a request needs is
//! the server's to say.

mod contents;
mod error;
mod file;
mod password;
mod role;
mod secret;

pub use contents::{Contents, Lives, NewSession, Session, Token, User};
pub use error::AccessError;
pub use file::Access;
pub use password::Passwords;
pub use role::{Role, Scope};
pub use secret::{Digest, Issued};

/// Who sends a request, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody needs to log in, and everybody may do everything.
    Everybody,
    /// Nobody is logged in; a public page may be read.
    Public,
    /// A user in a session.
    User {
        /// The name.
        name: String,
        /// What the user may.
        role: Role,
        /// By which the session is known.
        session: Digest,
    },
    /// A program with an API token.
    Token {
        /// Name of the token.
        name: String,
        /// What it may.
        scopes: Vec<Scope>,
        /// By which it is known.
        token: Digest,
    },
}

impl Caller {
    /// As the audit log names it.
    #[must_use]
    pub fn actor(&self) -> String {
        match self {
            Self::Everybody | Self::Public => "anonymous".to_owned(),
            Self::User { name, .. } => name.clone(),
            Self::Token { name, .. } => format!("token:{name}"),
        }
    }

    /// What it may, as the audit log names it.
    #[must_use]
    pub fn role(&self) -> String {
        match self {
            Self::Everybody | Self::Public => String::new(),
            Self::User { role, .. } => role.name().to_owned(),
            Self::Token { scopes, .. } => Scope::names(scopes),
        }
    }

    /// The name under which something is done: a user's own; a program, and whoever need not log in, gives one.
    #[must_use]
    pub fn signs(&self, given: String) -> String {
        match self {
            Self::User { name, .. } => name.clone(),
            Self::Token { name, .. } if given.trim().is_empty() => name.clone(),
            Self::Token { .. } | Self::Everybody | Self::Public => given,
        }
    }

    /// The name of the user who is logged in.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::User { name, .. } => Some(name),
            Self::Everybody | Self::Public | Self::Token { .. } => None,
        }
    }
}
