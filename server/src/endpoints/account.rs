//! `/account`: one's own password and sessions.

use app::access::{Account, AccountErrors, account as draw};
use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::StatusCode;
use http::header::{LOCATION, RETRY_AFTER};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::v1::{self, ApiError};
use super::who::{Asking, seconds, told, with};
use crate::access::{Attempt, Done, Gate};

/// `GET /account`
pub(crate) async fn page(State(gate): State<Gate>, asking: Asking) -> Response {
    show(&gate, &asking, StatusCode::OK, AccountErrors::default())
}

fn show(gate: &Gate, asking: &Asking, status: StatusCode, errors: AccountErrors) -> Response {
    let own = |name: &str| gate.contents().sessions_of(name, gate.lives(), Timestamp::now());
    let sessions = asking.user().map(|(name, _)| own(name)).unwrap_or_default();
    asking.page(gate, status, |frame| draw(frame, &Account { sessions, errors }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    #[serde(rename = "do")]
    what: String,
    session: String,
    now: String,
    password: String,
    again: String,
}

/// `POST /account`
pub(crate) async fn set(
    State(gate): State<Gate>,
    asking: Asking,
    form: Result<Form<Asked>, FormRejection>,
) -> Result<Response, ApiError> {
    let asked = v1::form(form)?;
    let Some((name, _)) = asking.user() else {
        let message = "nobody is logged in: there is no account to change";
        return Err(ApiError::new(StatusCode::CONFLICT, "no_account", message, ""));
    };
    let name = name.to_owned();
    match asked.what.as_str() {
        "password" => Ok(change_password(&gate, &asking, &name, asked).await),
        "end" => {
            let (of, session) = (name.clone(), asked.session.clone());
            let ended = gate.change(move |contents| contents.end_session(&of, &session)).await;
            let done = Done::to(&name, json!({ "session": asked.session })).called("session.end");
            Ok(match ended {
                Ok(()) => with(back("ended"), done.ok(true)),
                Err(error) => {
                    let other = asking.said(&error).unwrap_or_default();
                    let errors = AccountErrors { other, ..AccountErrors::default() };
                    with(show(&gate, &asking, StatusCode::BAD_REQUEST, errors), done.ok(false))
                }
            })
        }
        other => Err(ApiError::invalid("do", other, "use password or end")),
    }
}

async fn change_password(gate: &Gate, asking: &Asking, name: &str, asked: Asked) -> Response {
    let Asked { now, password, again, .. } = asked;
    let done = Done::to(name, Value::Null).called("user.password");
    let refuse = |status, errors| show(gate, asking, status, errors);
    if password != again {
        let errors = AccountErrors { is_not_the_same: true, ..AccountErrors::default() };
        return with(refuse(StatusCode::BAD_REQUEST, errors), Done::nothing());
    }
    let changed = match gate.attempt(asking.peer, name, now).await {
        Ok(Attempt::Wrong) => {
            let errors = AccountErrors { is_wrong: true, ..AccountErrors::default() };
            return with(refuse(StatusCode::FORBIDDEN, errors), done.ok(false));
        }
        Ok(Attempt::Wait(wait)) => {
            let wait = seconds(wait);
            let errors = AccountErrors { wait: Some(wait), ..AccountErrors::default() };
            let response = ([(RETRY_AFTER, wait)], refuse(StatusCode::TOO_MANY_REQUESTS, errors)).into_response();
            return with(response, Done::nothing());
        }
        Ok(Attempt::Right) => match gate.hash(name, password).await {
            Ok(hash) => {
                let (name, this) = (name.to_owned(), asking.user().map(|(_, session)| session.clone()));
                gate.change(move |contents| contents.set_password(&name, hash, this.as_ref(), Timestamp::now())).await
            }
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    match changed {
        Ok(()) => with(back("own_password"), done.ok(true)),
        Err(error) => {
            let said = asking.said(&error);
            let status = if said.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::SERVICE_UNAVAILABLE };
            let errors = match said {
                Some(said) if error.field() == "password" => {
                    AccountErrors { password: said, ..AccountErrors::default() }
                }
                said => AccountErrors { other: said.unwrap_or_default(), ..AccountErrors::default() },
            };
            with(refuse(status, errors), done.ok(false))
        }
    }
}

fn back(word: &str) -> Response {
    (StatusCode::SEE_OTHER, AppendHeaders([told(word)]), [(LOCATION, "/account")]).into_response()
}
