//! `POST /users`: register.

use axum::Json;
use axum::extract::State;
use collector::http::HttpMetrics;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::error::ApiError;
use crate::input::{Body, read, text};

const LONGEST_NAME: usize = 100;
const LONGEST_EMAIL: usize = 254;

#[derive(Debug, Deserialize)]
pub struct NewUser {
    name: String,
    email: String,
}

pub async fn register(
    State(pool): State<PgPool>,
    State(metrics): State<HttpMetrics>,
    body: Body<NewUser>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let user = read(body)?;
    let name = text("name", &user.name, LONGEST_NAME)?;
    let email = text("email", &user.email, LONGEST_EMAIL)?;
    let is_address = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !is_address || email.contains(char::is_whitespace) {
        return Err(ApiError::invalid("email", "email is not of the form name@example.com"));
    }
    let insert = "INSERT INTO recipe_site.users (name, email) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id";
    let id: Option<i64> = sqlx::query_scalar(insert).bind(&name).bind(&email).fetch_optional(&pool).await?;
    let id = id.ok_or_else(|| ApiError::taken("email", "somebody has registered with this address already"))?;
    metrics.event("user_registered");
    Ok((StatusCode::CREATED, Json(json!({ "id": id, "name": name }))))
}
