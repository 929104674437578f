//! `/users`: users and API tokens, for admins.

use app::access::{Users, users as draw};
use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{AppendHeaders, IntoResponse, Response};
use collector::access::{AccessError, Issued, Role, Scope, Token};
use http::StatusCode;
use http::header::LOCATION;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::v1::{self, ApiError};
use super::who::{Asking, told, with};
use crate::access::{Done, Gate};

/// Days that a token may hold.
const MOST_DAYS: i64 = 3_650;

/// `GET /users`
pub(crate) async fn page(State(gate): State<Gate>, asking: Asking) -> Response {
    show(&gate, &asking, StatusCode::OK, Users::default())
}

fn show(gate: &Gate, asking: &Asking, status: StatusCode, page: Users) -> Response {
    let page = Users { contents: gate.contents(), ..page };
    asking.page(gate, status, |frame| draw(frame, &page))
}

/// What a form says, field by field: a scope is there as often as one is chosen.
struct Asked(Vec<(String, String)>);

impl Asked {
    fn text(&self, name: &str) -> String {
        let field = self.0.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn role(&self) -> Result<Role, ApiError> {
        let role = self.text("role");
        Role::of_name(&role).ok_or_else(|| ApiError::invalid("role", &role, "use viewer, operator or admin"))
    }

    fn scopes(&self) -> Result<Vec<Scope>, ApiError> {
        let chosen = self.0.iter().filter(|(name, _)| name == "scope");
        let scope = |text: &str| {
            let remedy = format!("use {}", Scope::names(&Scope::ALL));
            Scope::of_name(text).ok_or_else(|| ApiError::invalid("scope", text, &remedy))
        };
        chosen.map(|(_, text)| scope(text)).collect()
    }
}

/// `POST /users`
pub(crate) async fn act(
    State(gate): State<Gate>,
    asking: Asking,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, ApiError> {
    let asked = Asked(v1::form(form)?);
    let (what, name, now) = (asked.text("do"), asked.text("name").trim().to_owned(), Timestamp::now());
    let object = name.clone();
    let (done, outcome) = match what.as_str() {
        "add" => {
            let role = asked.role()?;
            let done = Done::to(&object, json!({ "role": role })).called("user.add");
            let added = match gate.hash(&name, asked.text("password")).await {
                Ok(hash) => gate.change(move |contents| contents.add_user(&name, role, hash, now)).await,
                Err(error) => Err(error),
            };
            (done, added.map(|()| "added"))
        }
        "role" => {
            let role = asked.role()?;
            let done = Done::to(&object, json!({ "role": role })).called("user.role");
            (done, gate.change(move |contents| contents.set_role(&name, role)).await.map(|()| "role"))
        }
        "password" => {
            let done = Done::to(&object, Value::Null).called("user.password");
            let changed = match gate.hash(&name, asked.text("password")).await {
                Ok(hash) => gate.change(move |contents| contents.set_password(&name, hash, None, now)).await,
                Err(error) => Err(error),
            };
            (done, changed.map(|()| "password"))
        }
        "remove" => {
            let done = Done::to(&object, Value::Null).called("user.remove");
            (done, gate.change(move |contents| contents.remove_user(&name)).await.map(|()| "removed"))
        }
        "token_add" => return add_token(&gate, &asking, &asked, name, now).await,
        "token_remove" => {
            let done = Done::to(&object, Value::Null).called("token.remove");
            (done, gate.change(move |contents| contents.remove_token(&name)).await.map(|()| "token_removed"))
        }
        other => {
            return Err(ApiError::invalid("do", other, "use add, role, password, remove, token_add or token_remove"));
        }
    };
    Ok(match outcome {
        Ok(word) => {
            let answer = (StatusCode::SEE_OTHER, AppendHeaders([told(word)]), [(LOCATION, "/users")]);
            with(answer.into_response(), done.ok(true))
        }
        Err(error) => with(refuse(&gate, &asking, &asked, &error), done.ok(false)),
    })
}

/// Makes a token, which this answer alone shows.
async fn add_token(
    gate: &Gate,
    asking: &Asking,
    asked: &Asked,
    name: String,
    now: Timestamp,
) -> Result<Response, ApiError> {
    let (scopes, days) = (asked.scopes()?, asked.text("days"));
    let days = days.trim();
    let lasts = days.parse::<i64>().ok().filter(|days| (1..=MOST_DAYS).contains(days));
    if !days.is_empty() && lasts.is_none() {
        let page =
            Users { form: asked.text("do"), field: "days".to_owned(), name, days: days.to_owned(), ..Users::default() };
        return Ok(with(show(gate, asking, StatusCode::BAD_REQUEST, page), Done::nothing()));
    }
    let done = Done::to(&name, json!({ "scopes": scopes, "days": lasts })).called("token.add");
    let expires_at = lasts.and_then(|days| now.checked_add(SignedDuration::from_hours(days * 24)).ok());
    let made = match Issued::token() {
        Ok(issued) => {
            let created_by = asking.actor();
            let token = Token { digest: issued.digest(), name, scopes, created_at: now, created_by, expires_at };
            gate.change(move |contents| contents.add_token(token, now)).await.map(|()| issued)
        }
        Err(error) => Err(error),
    };
    Ok(match made {
        Ok(issued) => {
            let page = Users { issued: Some(issued), ..Users::default() };
            with(show(gate, asking, StatusCode::OK, page), done.ok(true))
        }
        Err(error) => with(refuse(gate, asking, asked, &error), done.ok(false)),
    })
}

fn refuse(gate: &Gate, asking: &Asking, asked: &Asked, error: &AccessError) -> Response {
    let said = asking.said(error);
    let status = if said.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::SERVICE_UNAVAILABLE };
    let page = Users {
        form: asked.text("do"),
        field: error.field().to_owned(),
        error: said.unwrap_or_else(|| app::access::failed(&asking.headers).to_owned()),
        name: asked.text("name"),
        days: asked.text("days"),
        ..Users::default()
    };
    show(gate, asking, status, page)
}
