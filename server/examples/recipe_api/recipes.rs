//! `/recipes`: create, search, view and rate.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use collector::http::HttpMetrics;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::error::ApiError;
use crate::input::{Body, read, text};

const LONGEST_TITLE: usize = 200;
const LONGEST_STEPS: usize = 20_000;
const MOST_INGREDIENTS: usize = 100;
const MOST_FOUND: i64 = 50;

#[derive(Debug, Deserialize)]
pub struct NewRecipe {
    user_id: i64,
    title: String,
    ingredients: Vec<String>,
    steps: String,
}

#[derive(Debug, Deserialize)]
pub struct Search {
    search: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct NewRating {
    user_id: i64,
    stars: i16,
}

/// Title, ingredients, steps, views and the average of the stars.
type Viewed = (String, Vec<String>, String, i64, Option<f64>);

pub async fn create(
    State(pool): State<PgPool>,
    State(metrics): State<HttpMetrics>,
    body: Body<NewRecipe>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let recipe = read(body)?;
    let title = text("title", &recipe.title, LONGEST_TITLE)?;
    let steps = text("steps", &recipe.steps, LONGEST_STEPS)?;
    let ingredients = recipe.ingredients.iter().map(|ingredient| text("ingredients", ingredient, LONGEST_TITLE));
    let ingredients = ingredients.collect::<Result<Vec<_>, _>>()?;
    if !(1..=MOST_INGREDIENTS).contains(&ingredients.len()) {
        return Err(ApiError::invalid("ingredients", &format!("ingredients must be 1 to {MOST_INGREDIENTS}")));
    }
    let insert = "INSERT INTO recipe_site.recipes (user_id, title, ingredients, steps)
                  SELECT id, $2, $3, $4 FROM recipe_site.users WHERE id = $1 RETURNING id";
    let insert = sqlx::query_scalar(insert).bind(recipe.user_id).bind(&title).bind(ingredients).bind(steps);
    let id: Option<i64> = insert.fetch_optional(&pool).await?;
    let id = id.ok_or_else(|| ApiError::invalid("user_id", "there is no such user"))?;
    metrics.event("recipe_created");
    Ok((StatusCode::CREATED, Json(json!({ "id": id, "title": title }))))
}

/// The newest recipes whose title or ingredients hold the text, or just the newest.
pub async fn search(
    State(pool): State<PgPool>,
    State(metrics): State<HttpMetrics>,
    query: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(query) = query.map_err(|error| ApiError::unreadable(error.status(), &error.body_text()))?;
    let wanted = query.search.map(|wanted| text("search", &wanted, LONGEST_TITLE)).transpose()?;
    let select = "SELECT id, title FROM recipe_site.recipes
                  WHERE $1::text IS NULL OR position(lower($1) IN lower(title)) > 0
                     OR position(lower($1) IN lower(array_to_string(ingredients, ' '))) > 0
                  ORDER BY created_at DESC LIMIT $2";
    let select = sqlx::query_as(select).bind(&wanted).bind(MOST_FOUND);
    let found: Vec<(i64, String)> = select.fetch_all(&pool).await?;
    if wanted.is_some() {
        metrics.event("search_executed");
    }
    Ok(Json(found.into_iter().map(|(id, title)| json!({ "id": id, "title": title })).collect()))
}

pub async fn view(
    State(pool): State<PgPool>,
    State(metrics): State<HttpMetrics>,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<Value>, ApiError> {
    let id = recipe_id(id)?;
    let update = "UPDATE recipe_site.recipes SET views = views + 1 WHERE id = $1
                  RETURNING title, ingredients, steps, views,
                    (SELECT avg(stars)::float8 FROM recipe_site.ratings WHERE recipe_id = $1)";
    let found: Option<Viewed> = sqlx::query_as(update).bind(id).fetch_optional(&pool).await?;
    let (title, ingredients, steps, views, stars) = found.ok_or_else(no_such_recipe)?;
    metrics.event("recipe_viewed");
    let recipe =
        json!({ "id": id, "title": title, "ingredients": ingredients, "steps": steps, "views": views, "stars": stars });
    Ok(Json(recipe))
}

/// The last rating of a user counts.
pub async fn rate(
    State(pool): State<PgPool>,
    State(metrics): State<HttpMetrics>,
    id: Result<Path<i64>, PathRejection>,
    body: Body<NewRating>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let id = recipe_id(id)?;
    let rating = read(body)?;
    if !(1..=5).contains(&rating.stars) {
        return Err(ApiError::invalid("stars", "stars must be 1 to 5"));
    }
    let insert = "INSERT INTO recipe_site.ratings (recipe_id, user_id, stars)
                  SELECT recipes.id, users.id, $3 FROM recipe_site.recipes, recipe_site.users
                  WHERE recipes.id = $1 AND users.id = $2
                  ON CONFLICT (recipe_id, user_id) DO UPDATE SET stars = excluded.stars, rated_at = now()";
    let done = sqlx::query(insert).bind(id).bind(rating.user_id).bind(rating.stars).execute(&pool).await?;
    if done.rows_affected() == 0 {
        return Err(ApiError::not_found("user_id", "there is no such recipe or no such user"));
    }
    metrics.event("recipe_rated");
    Ok((StatusCode::CREATED, Json(json!({ "recipe_id": id, "stars": rating.stars }))))
}

fn recipe_id(id: Result<Path<i64>, PathRejection>) -> Result<i64, ApiError> {
    id.map(|Path(id)| id).map_err(|_| no_such_recipe())
}

fn no_such_recipe() -> ApiError {
    ApiError::not_found("id", "there is no such recipe")
}
