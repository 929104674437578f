//! What is in the file, and everything that may become of it. Time, secrets and hashes come in as arguments.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{AccessError, Digest, Role, Scope};

/// Of the file; one of a later version is not read.
const VERSION: u32 = 1;
/// Characters of the name of a user or a token.
const LONGEST_NAME: usize = 60;
/// Sessions of one user; the one that was idle longest makes room.
const MOST_SESSIONS: usize = 50;
/// Characters that are kept of what a browser says of itself.
const LONGEST_AGENT: usize = 200;
/// A session that is used is noted so often: each time is a file written.
const NOTED: SignedDuration = SignedDuration::from_mins(5);

/// All of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    version: u32,
    /// By their names.
    users: Vec<User>,
    sessions: Vec<Session>,
    tokens: Vec<Token>,
}

impl Default for Contents {
    fn default() -> Self {
        Self { version: VERSION, users: Vec::new(), sessions: Vec::new(), tokens: Vec::new() }
    }
}

/// Somebody who may log in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// By which the user logs in.
    pub name: String,
    /// What the user may.
    pub role: Role,
    /// A PHC string.
    password: String,
    /// Since when.
    #[serde(with = "crate::rfc3339")]
    pub created_at: Timestamp,
    /// Since when it has this password.
    #[serde(with = "crate::rfc3339")]
    pub password_changed_at: Timestamp,
}

/// A browser in which a user is logged in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Of its secret.
    pub digest: Digest,
    /// Whose.
    pub user: String,
    /// Since when.
    #[serde(with = "crate::rfc3339")]
    pub created_at: Timestamp,
    /// When it was used, to within five minutes.
    #[serde(with = "crate::rfc3339")]
    pub seen_at: Timestamp,
    /// Where it was begun.
    pub address: String,
    /// What the browser says of itself.
    pub agent: String,
}

/// What a program may log in with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Of its secret.
    pub digest: Digest,
    /// By which people know it.
    pub name: String,
    /// What it may.
    pub scopes: Vec<Scope>,
    /// Since when.
    #[serde(with = "crate::rfc3339")]
    pub created_at: Timestamp,
    /// Who has made it.
    pub created_by: String,
    /// Until when it holds; `None`: until it is removed.
    #[serde(default, with = "crate::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A session that begins.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Of its secret.
    pub digest: Digest,
    /// Where it is begun.
    pub address: String,
    /// What the browser says of itself.
    pub agent: String,
}

/// How long sessions live.
#[derive(Clone, Copy, Debug)]
pub struct Lives {
    /// At the most.
    pub whole: SignedDuration,
    /// Without being used.
    pub idle: SignedDuration,
}

impl Session {
    fn is_alive(&self, lives: Lives, now: Timestamp) -> bool {
        now.duration_since(self.created_at) < lives.whole && now.duration_since(self.seen_at) < lives.idle
    }
}

impl Contents {
    /// Reads the file.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let contents: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        match contents.version {
            VERSION => Ok(contents),
            other => Err(format!("it is of version {other}, and this program reads version {VERSION}")),
        }
    }

    /// Reads the file as it was at some time, whose sessions are over.
    pub(crate) fn without_sessions(text: &[u8]) -> Result<Self, String> {
        Ok(Self { sessions: Vec::new(), ..Self::read(text)? })
    }

    /// The users, by their names.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The user of this name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The API tokens, the oldest first.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The hash of a user's password.
    #[must_use]
    pub fn password_of(&self, name: &str) -> Option<String> {
        self.user(name).map(|user| user.password.clone())
    }

    /// The sessions of a user that go on, the last used first.
    #[must_use]
    pub fn sessions_of(&self, name: &str, lives: Lives, now: Timestamp) -> Vec<Session> {
        let own = self.sessions.iter().filter(|session| session.user == name && session.is_alive(lives, now));
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by_key(|session| std::cmp::Reverse(session.seen_at));
        own
    }

    /// The user of a session that goes on.
    #[must_use]
    pub fn session(&self, digest: &Digest, lives: Lives, now: Timestamp) -> Option<(&User, &Session)> {
        let session = self.sessions.iter().find(|session| session.digest == *digest)?;
        Some((self.user(&session.user)?, session)).filter(|(_, session)| session.is_alive(lives, now))
    }

    /// The token, if it holds.
    #[must_use]
    pub fn token(&self, digest: &Digest, now: Timestamp) -> Option<&Token> {
        let token = self.tokens.iter().find(|token| token.digest == *digest)?;
        Some(token).filter(|token| token.expires_at.is_none_or(|at| now < at))
    }

    /// Whether it should be noted that this session is used.
    #[must_use]
    pub fn is_to_be_noted(session: &Session, now: Timestamp) -> bool {
        now.duration_since(session.seen_at) >= NOTED
    }

    /// Adds a user with the hash of a password.
    ///
    /// # Errors
    ///
    /// [`AccessError::Invalid`]
    pub fn add_user(&mut self, name: &str, role: Role, password: String, now: Timestamp) -> Result<(), AccessError> {
        check_name(name)?;
        if self.users.is_empty() && role != Role::Admin {
            return Err(AccessError::invalid(
                "role",
                role.name(),
                "the first user must be admin, or nobody could add others",
                "最初のユーザーは管理者（admin）にしてください",
            ));
        }
        let place = match self.users.binary_search_by(|user| user.name.as_str().cmp(name)) {
            Ok(_) => {
                return Err(AccessError::invalid(
                    "name",
                    name,
                    "there is such a user; choose another name",
                    "同じ名前のユーザーがいます。別の名前にしてください",
                ));
            }
            Err(place) => place,
        };
        let name = name.to_owned();
        self.users.insert(place, User { name, role, password, created_at: now, password_changed_at: now });
        Ok(())
    }

    /// Gives a user another role.
    ///
    /// # Errors
    ///
    /// [`AccessError::Unknown`] and [`AccessError::LastAdmin`]
    pub fn set_role(&mut self, name: &str, role: Role) -> Result<(), AccessError> {
        if role != Role::Admin {
            self.spare_last_admin(name)?;
        }
        self.user_mut(name)?.role = role;
        Ok(())
    }

    /// Gives a user the hash of another password and ends all sessions but `kept`.
    ///
    /// # Errors
    ///
    /// [`AccessError::Unknown`]
    pub fn set_password(
        &mut self,
        name: &str,
        password: String,
        kept: Option<&Digest>,
        now: Timestamp,
    ) -> Result<(), AccessError> {
        let user = self.user_mut(name)?;
        (user.password, user.password_changed_at) = (password, now);
        self.sessions.retain(|session| session.user != name || Some(&session.digest) == kept);
        Ok(())
    }

    /// Removes a user and ends all sessions of the user.
    ///
    /// # Errors
    ///
    /// [`AccessError::Unknown`] and [`AccessError::LastAdmin`]
    pub fn remove_user(&mut self, name: &str) -> Result<(), AccessError> {
        self.spare_last_admin(name)?;
        self.users.retain(|user| user.name != name);
        self.sessions.retain(|session| session.user != name);
        Ok(())
    }

    /// Begins a session of a user; what has ended long ago goes.
    ///
    /// # Errors
    ///
    /// [`AccessError::Unknown`]
    pub fn log_in(&mut self, name: &str, new: NewSession, lives: Lives, now: Timestamp) -> Result<(), AccessError> {
        self.user_mut(name)?;
        self.sessions.retain(|session| session.is_alive(lives, now));
        let own = self.sessions.iter().filter(|session| session.user == name);
        if own.clone().count() >= MOST_SESSIONS
            && let Some(oldest) = own.min_by_key(|session| session.seen_at).map(|session| session.digest.clone())
        {
            self.log_out(&oldest);
        }
        let NewSession { digest, address, agent } = new;
        let agent = agent.chars().filter(|letter| !letter.is_control()).take(LONGEST_AGENT).collect();
        let user = name.to_owned();
        self.sessions.push(Session { digest, user, created_at: now, seen_at: now, address, agent });
        Ok(())
    }

    /// Ends a session; answers whether there was one.
    pub fn log_out(&mut self, digest: &Digest) -> bool {
        let before = self.sessions.len();
        self.sessions.retain(|session| session.digest != *digest);
        self.sessions.len() < before
    }

    /// Ends a session of this user by what [`Digest::short`] says of it.
    ///
    /// # Errors
    ///
    /// [`AccessError::Unknown`]
    pub fn end_session(&mut self, name: &str, short: &str) -> Result<(), AccessError> {
        let own = self.sessions.iter().find(|session| session.user == name && session.digest.short() == short);
        let digest = own.map(|session| session.digest.clone());
        let digest = digest.ok_or_else(|| AccessError::Unknown { field: "session", value: short.to_owned() })?;
        self.log_out(&digest);
        Ok(())
    }

    /// Notes that a session is used.
    pub fn note(&mut self, digest: &Digest, now: Timestamp) {
        for session in self.sessions.iter_mut().filter(|session| session.digest == *digest) {
            session.seen_at = session.seen_at.max(now);
        }
    }

    /// Adds an API token.
    ///
    /// # Errors
    ///
    /// [`AccessError::Invalid`]
    pub fn add_token(&mut self, mut token: Token, now: Timestamp) -> Result<(), AccessError> {
        check_name(&token.name)?;
        if self.tokens.iter().any(|known| known.name == token.name) {
            return Err(AccessError::invalid(
                "name",
                &token.name,
                "there is such a token; choose another name",
                "同じ名前のトークンがあります。別の名前にしてください",
            ));
        }
        if token.scopes.is_empty() {
            return Err(AccessError::invalid(
                "scopes",
                "",
                format!("choose at least one of {}", Scope::names(&Scope::ALL)),
                format!("{} から一つ以上選んでください", Scope::names(&Scope::ALL)),
            ));
        }
        if let Some(at) = token.expires_at.filter(|at| *at <= now) {
            return Err(AccessError::invalid(
                "expires_at",
                &at.to_string(),
                "use a time in the future",
                "未来の日時にしてください",
            ));
        }
        token.scopes.sort_unstable();
        token.scopes.dedup();
        self.tokens.push(token);
        Ok(())
    }

    /// Removes an API token.
    ///
    /// # Errors
    ///
    /// [`AccessError::Unknown`]
    pub fn remove_token(&mut self, name: &str) -> Result<(), AccessError> {
        let before = self.tokens.len();
        self.tokens.retain(|token| token.name != name);
        match self.tokens.len() < before {
            true => Ok(()),
            false => Err(AccessError::Unknown { field: "name", value: name.chars().take(100).collect() }),
        }
    }

    fn user_mut(&mut self, name: &str) -> Result<&mut User, AccessError> {
        let unknown = || AccessError::Unknown { field: "name", value: name.chars().take(100).collect() };
        self.users.iter_mut().find(|user| user.name == name).ok_or_else(unknown)
    }

    fn spare_last_admin(&mut self, name: &str) -> Result<(), AccessError> {
        let role = self.user_mut(name)?.role;
        let is_admin = |user: &&User| user.role == Role::Admin;
        if role == Role::Admin && self.users.iter().filter(is_admin).count() == 1 {
            return Err(AccessError::LastAdmin { name: name.to_owned() });
        }
        Ok(())
    }
}

/// Names are such that they can be told apart, and stand in a line of a log.
fn check_name(name: &str) -> Result<(), AccessError> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "._@-".contains(letter);
    let is_right = (1..=LONGEST_NAME).contains(&name.len())
        && name.chars().all(is_letter)
        && name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && name != "anonymous";
    if is_right {
        return Ok(());
    }
    Err(AccessError::invalid(
        "name",
        name,
        format!(
            "use 1 to {LONGEST_NAME} letters a to z, digits, '.', '_', '-' and '@', the first a letter or digit; \
             anonymous is nobody's"
        ),
        format!("1～{LONGEST_NAME} 文字の英数字と「._-@」で、先頭は英数字にしてください（「anonymous」は使えません）"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVES: Lives = Lives { whole: SignedDuration::from_hours(10), idle: SignedDuration::from_hours(2) };

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_764_000_000 + hours * 3_600).unwrap()
    }

    fn with_users() -> Contents {
        let mut contents = Contents::default();
        contents.add_user("mika", Role::Admin, "hash".to_owned(), at(0)).unwrap();
        contents.add_user("ken", Role::Viewer, "hash".to_owned(), at(0)).unwrap();
        contents
    }

    fn log_in(contents: &mut Contents, name: &str, secret: &str, now: Timestamp) -> Digest {
        let digest = Digest::of(secret);
        let new = NewSession { digest: digest.clone(), address: "::1".to_owned(), agent: "A\nB".to_owned() };
        contents.log_in(name, new, LIVES, now).unwrap();
        digest
    }

    #[test]
    fn a_session_ends_by_its_age_by_idleness_and_by_log_out() {
        let mut contents = with_users();
        let session = log_in(&mut contents, "ken", "a", at(0));
        assert!(contents.session(&session, LIVES, at(1)).is_some());
        assert!(contents.session(&session, LIVES, at(2)).is_none(), "idle");
        for hour in 1..10 {
            contents.note(&session, at(hour));
            assert!(contents.session(&session, LIVES, at(hour)).is_some(), "{hour}");
        }
        assert!(contents.session(&session, LIVES, at(10)).is_none(), "too old");
        assert!(contents.session(&Digest::of("b"), LIVES, at(0)).is_none());
        let session = log_in(&mut contents, "ken", "c", at(11));
        assert_eq!(contents.sessions.len(), 1, "what has ended is gone");
        assert_eq!(contents.sessions[0].agent, "AB");
        assert!(contents.log_out(&session) && !contents.log_out(&session));
        assert!(contents.session(&session, LIVES, at(11)).is_none());
    }

    #[test]
    fn another_password_ends_all_sessions_but_the_one_it_was_changed_in() {
        let mut contents = with_users();
        let (own, other) = (log_in(&mut contents, "ken", "a", at(0)), log_in(&mut contents, "ken", "b", at(0)));
        let of_mika = log_in(&mut contents, "mika", "c", at(0));
        contents.set_password("ken", "new".to_owned(), Some(&own), at(1)).unwrap();
        assert_eq!(contents.password_of("ken").as_deref(), Some("new"));
        let is = |contents: &Contents, digest| contents.session(digest, LIVES, at(1)).is_some();
        assert_eq!([&own, &other, &of_mika].map(|digest| is(&contents, digest)), [true, false, true]);
        contents.set_password("ken", "newer".to_owned(), None, at(1)).unwrap();
        assert!(!is(&contents, &own));
        assert!(matches!(
            contents.set_password("nobody", String::new(), None, at(1)),
            Err(AccessError::Unknown { .. })
        ));
    }

    #[test]
    fn there_is_always_an_admin() {
        let first = Contents::default().add_user("ken", Role::Operator, String::new(), at(0));
        assert_eq!(first.unwrap_err().field(), "role");
        let mut contents = with_users();
        assert!(matches!(contents.remove_user("mika"), Err(AccessError::LastAdmin { .. })));
        assert!(matches!(contents.set_role("mika", Role::Viewer), Err(AccessError::LastAdmin { .. })));
        contents.set_role("mika", Role::Admin).unwrap();
        contents.set_role("ken", Role::Admin).unwrap();
        let session = log_in(&mut contents, "mika", "a", at(0));
        contents.remove_user("mika").unwrap();
        assert!(contents.session(&session, LIVES, at(0)).is_none());
        assert!(matches!(contents.remove_user("ken"), Err(AccessError::LastAdmin { .. })));
        assert!(matches!(contents.remove_user("mika"), Err(AccessError::Unknown { .. })));
    }

    #[test]
    fn a_user_has_at_most_fifty_sessions_and_ends_only_own_ones() {
        let mut contents = with_users();
        let of_mika = log_in(&mut contents, "mika", "m", at(0));
        let first = log_in(&mut contents, "ken", "first", at(0));
        for number in 1..=MOST_SESSIONS {
            log_in(&mut contents, "ken", &number.to_string(), at(1));
        }
        assert_eq!(contents.sessions_of("ken", LIVES, at(1)).len(), MOST_SESSIONS);
        assert!(contents.session(&first, LIVES, at(1)).is_none());
        assert!(contents.end_session("ken", of_mika.short()).is_err());
        contents.end_session("mika", of_mika.short()).unwrap();
    }

    #[test]
    fn a_token_holds_until_its_end_and_has_a_name_and_a_scope() {
        let mut contents = Contents::default();
        let token = |name: &str, scopes: &[Scope], expires_at| Token {
            digest: Digest::of(name),
            name: name.to_owned(),
            scopes: scopes.to_vec(),
            created_at: at(0),
            created_by: "mika".to_owned(),
            expires_at,
        };
        contents.add_token(token("ci", &[Scope::Operate, Scope::Ingest, Scope::Ingest], Some(at(1))), at(0)).unwrap();
        assert_eq!(contents.tokens()[0].scopes, [Scope::Ingest, Scope::Operate]);
        assert!(contents.token(&Digest::of("ci"), at(0)).is_some());
        assert!(contents.token(&Digest::of("ci"), at(1)).is_none());
        for (wrong, field) in [
            (token("ci", &[Scope::Read], None), "name"),
            (token("a b", &[Scope::Read], None), "name"),
            (token("b", &[], None), "scopes"),
            (token("b", &[Scope::Read], Some(at(0))), "expires_at"),
        ] {
            assert_eq!(contents.add_token(wrong, at(0)).unwrap_err().field(), field);
        }
        contents.remove_token("ci").unwrap();
        assert!(contents.remove_token("ci").is_err());
    }

    #[test]
    fn names_can_be_told_apart_and_each_is_there_once() {
        let mut contents = with_users();
        for name in ["", "a b", "mika", "é", "-a", "a:b", "anonymous", &"a".repeat(61)] {
            let error = contents.add_user(name, Role::Viewer, String::new(), at(0)).unwrap_err();
            assert_eq!(error.field(), "name", "{name}");
        }
        contents.add_user("a.b_c-d@example.com", Role::Viewer, String::new(), at(0)).unwrap();
        let names: Vec<_> = contents.users().iter().map(|user| user.name.as_str()).collect();
        assert_eq!(names, ["a.b_c-d@example.com", "ken", "mika"]);
    }

    #[test]
    fn a_file_of_another_version_or_with_more_in_it_is_not_read() {
        let text = serde_json::to_string(&with_users()).unwrap();
        assert_eq!(Contents::read(text.as_bytes()), Ok(with_users()));
        for damaged in ["", "{}", &text.replace(":1,", ":2,"), &text.replace("\"role\"", "\"rôle\"")] {
            assert!(Contents::read(damaged.as_bytes()).is_err(), "{damaged}");
        }
    }
}
