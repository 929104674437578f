//! What the guard and the pages of log-in work with. Cheap to clone.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use collector::access::{Access, AccessError, Caller, Contents, Digest, Issued, Lives, NewSession, Passwords, Role};
use collector::{AuditEntry, AuditLog};
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use super::limits::Limits;
use crate::peer::{Peer, Proxied};

/// The gate.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    access: Access,
    audit: AuditLog,
    settings: collector::config::Access,
    /// Where the dashboard listens.
    address: SocketAddr,
    /// Whether only this machine reaches it.
    is_local: bool,
    passwords: Passwords,
    limits: Mutex<Limits>,
    /// Of the token by which the first admin is made.
    first: Option<Digest>,
    /// URL of the style of its pages.
    style: Option<String>,
}

/// What became of a try to log in.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// It was right.
    Right,
    /// Name or password was not.
    Wrong,
    /// There were too many.
    Wait(SignedDuration),
}

impl Gate {
    /// The gate of a dashboard at this address, and the token that makes the first admin, where one is needed.
    pub(crate) fn new(
        access: Access,
        audit: AuditLog,
        settings: collector::config::Access,
        address: SocketAddr,
        is_local: bool,
        style: Option<String>,
    ) -> Result<(Self, Option<Issued>), AccessError> {
        let has_users = !access.contents().users().is_empty();
        let is_needed = !has_users && !settings.is_open(is_local, has_users);
        let first = is_needed.then(Issued::session).transpose()?;
        let inner = Inner {
            access,
            audit,
            settings,
            address,
            is_local,
            passwords: Passwords::new()?,
            limits: Mutex::default(),
            first: first.as_ref().map(Issued::digest),
            style,
        };
        Ok((Self(Arc::new(inner)), first))
    }

    /// Users, sessions and tokens as they are now.
    pub(crate) fn contents(&self) -> Arc<Contents> {
        self.0.access.contents()
    }

    /// Whether nobody needs to log in.
    pub(crate) fn is_open(&self) -> bool {
        self.0.settings.is_open(self.0.is_local, !self.contents().users().is_empty())
    }

    /// Whether the first admin is to be made by the token of the start.
    pub(crate) fn awaits_first(&self) -> bool {
        !self.is_open() && self.contents().users().is_empty()
    }

    pub(crate) fn lives(&self) -> Lives {
        self.0.settings.lives()
    }

    pub(crate) fn style(&self) -> Option<&str> {
        self.0.style.as_deref()
    }

    pub(crate) fn audit(&self) -> &AuditLog {
        &self.0.audit
    }

    /// Whether everybody may read.
    pub(crate) fn is_public(&self) -> bool {
        self.0.settings.public_read
    }

    /// Why an open dashboard does not take a request: it is open to this machine alone, and neither to a page that
    /// has given this machine another name, nor to whoever is behind a proxy.
    pub(crate) fn foreign(&self, headers: &HeaderMap, proxied: Option<&Proxied>) -> Option<String> {
        if self.0.settings.is_given_away() {
            return None;
        }
        if let Some(Proxied(name)) = proxied {
            return Some(format!(
                "a request with the header {name} came through a proxy, and nobody has to log in here: add a user with \
                 recipe-monitoring-collector user add NAME --role admin, so that everybody has to"
            ));
        }
        let host = headers.get(HOST)?;
        if is_local(host, self.0.address.ip()) {
            return None;
        }
        let host = String::from_utf8_lossy(host.as_bytes());
        Some(format!(
            "the dashboard is open to this machine alone, and not under the name {host:?}: use http://{}/, or add a \
             user with recipe-monitoring-collector user add NAME --role admin, so that everybody has to log in",
            self.0.address
        ))
    }

    /// The user of a session.
    pub(crate) fn user(&self, session: &str, now: Timestamp) -> Option<Caller> {
        let (contents, digest) = (self.contents(), Digest::of(session));
        let (user, session) = contents.session(&digest, self.lives(), now)?;
        let caller = Caller::User { name: user.name.clone(), role: user.role, session: digest.clone() };
        if Contents::is_to_be_noted(session, now) {
            self.note(vec![digest], now);
        }
        Some(caller)
    }

    /// The program with a token.
    pub(crate) fn program(&self, token: &str, now: Timestamp) -> Option<Caller> {
        let (contents, digest) = (self.contents(), Digest::of(token));
        let token = contents.token(&digest, now)?;
        Some(Caller::Token { name: token.name.clone(), scopes: token.scopes.clone(), token: digest })
    }

    /// Whether callers who have stayed are still who they were; and notes their sessions as used.
    pub(crate) fn still<'a>(&self, callers: impl Iterator<Item = &'a Caller>, now: Timestamp) -> Vec<bool> {
        let (contents, lives, is_open) = (self.contents(), self.lives(), self.is_open());
        let mut used = Vec::new();
        let still = callers.map(|caller| match caller {
            Caller::Everybody | Caller::Public => while_open(caller) == Some(is_open),
            Caller::User { name, role, session } => {
                contents.session(session, lives, now).is_some_and(|(user, known)| {
                    if Contents::is_to_be_noted(known, now) && !used.contains(session) {
                        used.push(session.clone());
                    }
                    user.name == *name && user.role == *role
                })
            }
            Caller::Token { scopes, token, .. } => {
                contents.token(token, now).is_some_and(|known| known.scopes == *scopes)
            }
        });
        let still = still.collect();
        if !used.is_empty() {
            self.note(used, now);
        }
        still
    }

    fn note(&self, sessions: Vec<Digest>, now: Timestamp) {
        let gate = self.clone();
        tokio::task::spawn_blocking(move || {
            let noted = gate.0.access.change(|contents| {
                sessions.iter().for_each(|session| contents.note(session, now));
                Ok(())
            });
            if let Err(error) = noted {
                tracing::warn!(%error, "it could not be noted that a session is used");
            }
        });
    }

    /// Whether this is the password of a user, unless there were too many tries.
    pub(crate) async fn attempt(&self, peer: Peer, name: &str, password: String) -> Result<Attempt, AccessError> {
        if let Err(wait) = self.limits().begin(peer.address, name, Timestamp::now()) {
            return Ok(Attempt::Wait(wait));
        }
        let known = self.contents().password_of(name);
        match self.0.passwords.verify(password, known).await? {
            true => {
                self.limits().right(peer.address, name);
                Ok(Attempt::Right)
            }
            false => Ok(Attempt::Wrong),
        }
    }

    /// Whether this is the token of the start.
    pub(crate) fn attempt_first(&self, peer: Peer, token: &str) -> Attempt {
        // Of no user: a name cannot be empty.
        if let Err(wait) = self.limits().begin(peer.address, "", Timestamp::now()) {
            return Attempt::Wait(wait);
        }
        if !self.awaits_first() || self.0.first.as_ref() != Some(&Digest::of(token)) {
            return Attempt::Wrong;
        }
        self.limits().right(peer.address, "");
        Attempt::Right
    }

    /// Begins a session of a user whose password was right.
    pub(crate) async fn log_in(&self, peer: Peer, agent: &str, name: &str) -> Result<Issued, AccessError> {
        let (issued, lives) = (Issued::session()?, self.lives());
        let new = NewSession { digest: issued.digest(), address: peer.address.to_string(), agent: agent.to_owned() };
        let name = name.to_owned();
        self.change(move |contents| contents.log_in(&name, new, lives, Timestamp::now())).await?;
        Ok(issued)
    }

    /// Makes the first admin, unless there is a user by now.
    pub(crate) async fn make_first(&self, name: &str, password: String) -> Result<(), AccessError> {
        let hash = self.hash(name, password).await?;
        let name = name.to_owned();
        self.change(move |contents| match contents.users() {
            [] => contents.add_user(&name, Role::Admin, hash, Timestamp::now()),
            _ => Err(AccessError::Unknown { field: "token", value: String::new() }),
        })
        .await
    }

    /// The hash of a password that is right for this user.
    pub(crate) async fn hash(&self, name: &str, password: String) -> Result<String, AccessError> {
        Passwords::check(name, &password)?;
        self.0.passwords.hash(password).await
    }

    /// Changes users, sessions or tokens.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Contents) -> Result<T, AccessError> + Send + 'static,
    ) -> Result<T, AccessError> {
        let access = self.0.access.clone();
        let changed = tokio::task::spawn_blocking(move || access.change(change)).await;
        changed.unwrap_or_else(|error| Err(AccessError::Hash(error.to_string())))
    }

    /// Keeps an entry of the audit log; what cannot be kept is in the program's log.
    pub(crate) async fn keep(&self, entry: AuditEntry) {
        let audit = self.0.audit.clone();
        let kept = tokio::task::spawn_blocking(move || (audit.write(&entry), entry)).await;
        if let Ok((Err(error), entry)) = kept {
            tracing::error!(%error, ?entry, "an entry of the audit log is here alone");
        }
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        self.0.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a Host header names this machine, or the very address that is listened on. A page that has let its own name
/// point to this machine (DNS rebinding) sends that name.
fn is_local(host: &HeaderValue, bound: IpAddr) -> bool {
    let Some(authority) = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()) else { return false };
    let name = authority.host().trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let is_address =
        name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback() || address == bound);
    is_address || name == "localhost" || name.ends_with(".localhost")
}

/// Whether a caller may be here only while nobody needs to log in, or only while one does; `None` of one who may for as
/// long as a session or a token.
pub(crate) fn while_open(caller: &Caller) -> Option<bool> {
    match caller {
        Caller::Everybody => Some(true),
        Caller::Public => Some(false),
        Caller::User { .. } | Caller::Token { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        let bound = "127.0.0.1".parse().unwrap();
        for (host, expected) in [
            ("127.0.0.1:5001", true),
            ("127.0.0.2", true),
            ("[::1]:5001", true),
            ("localhost:5001", true),
            ("LocalHost.", true),
            ("app.localhost:80", true),
            ("example.com", false),
            ("localhost.example.com", false),
            ("127.0.0.1.example.com:5001", false),
            ("192.0.2.1", false),
            ("", false),
            ("a b", false),
        ] {
            assert_eq!(is_local(&HeaderValue::from_static(host), bound), expected, "{host}");
        }
        assert!(is_local(&HeaderValue::from_static("192.0.2.1:80"), "192.0.2.1".parse().unwrap()));
    }
}
