//! What of the API is described, for `/api/v1/openapi.json`: its head, how an error looks, and (in `answers`) the
//! refusals that many routes share. What a route takes and gives stands beside its handler in `endpoints`, the types
//! are `collector`'s.

mod answers;

use std::sync::Arc;

use app::ApiDescription;
use collector::access::Scope;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::OpenApi as Collected;
use utoipa::{OpenApi, ToSchema};

use crate::access::policy::{self, Take};

pub(crate) use answers::{Foreign, Invalid, Misshapen, Missing, Pushed, Unavailable, Unsupported};

/// The description before any route is in it.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Recipe Monitoring",
        description = "The numbers of a web application, its host, its PostgreSQL and its Redis. Times are RFC 3339 in UTC, \
                       fields are snake_case, and what is refused says which field it is about and what would be right. \
                       A Rust program reads any answer into the types of the crate `collector`.",
        license(name = "MIT", identifier = "MIT"),
    ),
    tags(
        (name = "values", description = "The newest values, and how they are seen as they change"),
        (name = "history", description = "What is in PostgreSQL and what is not saved yet, as one"),
        (name = "alerts", description = "What fires and fired, and what people do about it"),
        (name = "annotations", description = "Moments that every graph shows, such as a deploy"),
        (name = "push", description = "What applications tell by themselves"),
        (name = "operation", description = "How the monitoring itself stands"),
    ),
    components(schemas(collector::LiveEvent)),
)]
pub(crate) struct Description;

/// The description that was collected, with the documentation of the code as a reader of the API needs it.
pub(crate) fn readable(collected: &Collected, base_path: &str) -> ApiDescription {
    let mut description = serde_json::to_value(collected).unwrap_or_default();
    if !base_path.is_empty() {
        description["servers"] = json!([{ "url": base_path }]);
    }
    tidy(&mut description);
    say_who_may(&mut description);
    ApiDescription(Arc::new(description))
}

/// Adds to every route that is not everybody's what it takes: a token's scope or a user's role, and how it is refused.
fn say_who_may(description: &mut Value) {
    let schemes = json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, rmt_…, made on the page /users or by recipe-monitoring-collector token add. Its \
                            scopes are those that a route names.",
        },
        "cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "recipe_monitoring",
            "description": "The session of a user who has logged in at /login. By HTTPS the cookie's name is \
                            __Host-recipe_monitoring.",
        },
    });
    description["components"]["securitySchemes"] = schemes;
    let refusal = |text: String| {
        let schema = json!({ "$ref": "#/components/schemas/ErrorBody" });
        json!({ "description": text, "content": { "application/json": { "schema": schema } } })
    };
    let Some(paths) = description["paths"].as_object_mut() else { return };
    for (path, methods) in paths {
        let Some(methods) = methods.as_object_mut() else { continue };
        for (method, operation) in methods {
            let rule = method.to_uppercase().parse().ok().and_then(|method| policy::rule(&method, path));
            let Some(take) = rule.map(|rule| rule.take).filter(|take| *take != Take::Open) else {
                operation["security"] = json!([]);
                continue;
            };
            let role = policy::least_role(take).name();
            let scope = policy::scope_of(take).map(Scope::name);
            operation["security"] = match scope {
                Some(scope) => json!([{ "bearer": [scope] }, { "cookie": [role] }]),
                None => json!([{ "cookie": [role] }]),
            };
            let by_token = scope.map(|scope| format!("a token with the scope {scope}, or ")).unwrap_or_default();
            let responses = &mut operation["responses"];
            responses["401"] = refusal("Nobody is logged in, or the token does not hold.".to_owned());
            let foreign = responses["403"]["description"].as_str().map(|other| format!(" {other}")).unwrap_or_default();
            responses["403"] = refusal(format!("It takes {by_token}the role {role}.{foreign}"));
        }
    }
}

/// Takes out of all texts what is only for readers of the code: examples in Rust, links to items, broken lines.
fn tidy(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(tidy),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "description" || name == "summary" => {
                        let prose = text.split("```").next().unwrap_or_default();
                        *text = prose
                            .split_whitespace()
                            .collect::<Vec<_>>()
                            .join(" ")
                            .replace("[`", "`")
                            .replace("`]", "`");
                    }
                    value => tidy(value),
                }
            }
        }
        _ => {}
    }
}

/// An error of the API.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// What is wrong.
    error: Problem,
}

/// What is wrong with a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The kind, for programs: it stays as it is while messages get better.
    pub(crate) code: &'static str,
    /// What is wrong and what would be right, for people.
    pub(crate) message: String,
    /// The parameter, field or header that it is about; empty where it is about none.
    pub(crate) field: String,
}

impl From<Problem> for ErrorBody {
    fn from(error: Problem) -> Self {
        Self { error }
    }
}
