//! Who may: users, sessions and tokens, made in the file that the command line changes, too.

mod audit;
mod login;
mod matrix;
mod modes;
mod pages;

use std::path::Path;

use collector::access::{Access, Contents, Digest, Issued, Lives, NewSession, Passwords, Role, Scope, Token};
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::helpers::{Answer, Dashboard, Place, Socket, soon};

pub const PASSWORD: &str = "correct horse battery";
pub const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const LIVES: Lives = Lives { whole: SignedDuration::from_hours(30 * 24), idle: SignedDuration::from_hours(7 * 24) };

pub fn access(place: &Place) -> Access {
    Access::open(&place.data_dir()).unwrap()
}

/// The file with an admin, an operator and a viewer of these names, all with [`PASSWORD`].
pub async fn with_users(place: &Place) -> Access {
    let access = access(place);
    let hash = Passwords::new().unwrap().hash(PASSWORD.to_owned()).await.unwrap();
    change(&access, |contents| {
        for role in Role::ALL.into_iter().rev() {
            contents.add_user(role.name(), role, hash.clone(), Timestamp::now()).unwrap();
        }
    });
    access
}

pub fn change(access: &Access, change: impl FnOnce(&mut Contents)) {
    let changed = access.change(|contents| {
        change(contents);
        Ok(())
    });
    changed.unwrap();
}

/// The header of a session that began so long ago.
pub fn session(access: &Access, user: &str, age: SignedDuration) -> String {
    let issued = Issued::session().unwrap();
    let new = NewSession { digest: issued.digest(), address: "::1".to_owned(), agent: "a test".to_owned() };
    change(access, |contents| contents.log_in(user, new, LIVES, Timestamp::now() - age).unwrap());
    cookie(issued.expose())
}

pub fn cookie(session: &str) -> String {
    format!("Cookie: recipe_monitoring={session}")
}

/// The header of a token that holds so long.
pub fn token(access: &Access, name: &str, scope: Scope, lasts: SignedDuration) -> String {
    let issued = Issued::token().unwrap();
    let made = Timestamp::now() - SignedDuration::from_hours(48);
    let token = Token {
        digest: issued.digest(),
        name: name.to_owned(),
        scopes: vec![scope],
        created_at: made,
        created_by: "admin".to_owned(),
        expires_at: Some(Timestamp::now() + lasts),
    };
    change(access, |contents| contents.add_token(token, made).unwrap());
    format!("Authorization: Bearer {}", issued.expose())
}

/// The same header with another last letter.
pub fn tampered(header: &str) -> String {
    let (start, last) = header.split_at(header.len() - 1);
    format!("{start}{}", if last == "0" { "1" } else { "0" })
}

/// Logs in by the form.
pub async fn log_in(dashboard: &Dashboard, name: &str, password: &str) -> Answer {
    let password = password.replace(' ', "+");
    dashboard.request("POST /login", &[FORM], &format!("name={name}&password={password}&next=%2Fsystem")).await
}

/// A websocket of a page of ours, by a header.
pub async fn connect(dashboard: &Dashboard, header: &str) -> Result<Socket, Error> {
    let mut request = format!("ws://{}/api/v1/live", dashboard.host).into_client_request()?;
    request.headers_mut().insert("origin", format!("http://{}", dashboard.host).parse().unwrap());
    if let Some((name, value)) = header.split_once(": ") {
        let name: http::HeaderName = name.to_lowercase().parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    Ok(connect_async(request).await?.0)
}

/// The code with which a websocket is closed.
pub async fn closed(mut socket: Socket) -> u16 {
    let close = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame.unwrap().code.into(),
                Some(Ok(_)) => {}
                other => panic!("closed without a word: {other:?}"),
            }
        }
    };
    soon("a close frame", close).await
}

pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

pub fn digest_of(header: &str) -> Digest {
    Digest::of(header.rsplit('=').next().unwrap())
}
