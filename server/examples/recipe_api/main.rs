//! A small recipe site to watch: register, create, search, view and rate, on PostgreSQL, with the
//! tower layer of `collector::http` and an event for each of the five.
//!
//! ```sh
//! DATABASE_URL=postgres://… cargo run -p server --example recipe_api
//! curl -s 127.0.0.1:5000/users -H 'content-type: application/json' -d '{"name":"Mei","email":"mei@example.com"}'
//! curl -s '127.0.0.1:5000/recipes?search=soup'
//! curl -s 127.0.0.1:5000/metrics
//! ```
//!
//! Everything it keeps is in the schema `recipe_site` of that database.

mod database;
mod error;
mod faults;
mod input;
mod recipes;
mod users;

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, MatchedPath};
use axum::middleware::from_fn;
use axum::routing::{get, post};
use clap::Parser;
use collector::http::HttpMetrics;
use http::HeaderMap;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use error::ApiError;

/// Known to scrapers from the start, so that the first of each is seen as an increase.
const EVENTS: [&str; 5] = ["user_registered", "recipe_created", "search_executed", "recipe_viewed", "recipe_rated"];
const LARGEST_BODY: usize = 32 << 10;

/// A small recipe site to watch.
#[derive(Debug, Parser)]
#[command(name = "recipe_api")]
struct Arguments {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5000")]
    address: SocketAddr,
    /// PostgreSQL to keep everything in
    #[arg(long, value_name = "URL", env, hide_env_values = true)]
    database_url: String,
    /// Keep it in another database of that server, made if it is not there
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Be slow or fail where a request's header x-fault asks for it: slow=<milliseconds> or fail
    #[arg(long)]
    faults: bool,
    /// Do not wear the layer: for measuring what it costs
    #[arg(long)]
    bare: bool,
}

/// What every request can reach.
#[derive(Clone, Debug, FromRef)]
struct Site {
    pool: PgPool,
    metrics: HttpMetrics,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "recipe_api: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let stop = stop()?;
    let pool = database::open(&arguments.database_url, arguments.database.as_deref()).await?;
    let metrics = HttpMetrics::default();
    for event in EVENTS {
        metrics.events(event, 0);
    }
    let listener = TcpListener::bind(arguments.address).await.map_err(|error| {
        format!("port {} cannot be had: {error}; choose another one by --address", arguments.address)
    })?;
    writeln!(std::io::stderr(), "recipe_api: serving http://{}/", listener.local_addr()?)?;
    let app = router(Site { pool: pool.clone(), metrics: metrics.clone() }, &arguments);
    axum::serve(listener, metrics.count_connections(app.into_make_service())).with_graceful_shutdown(stop).await?;
    pool.close().await;
    Ok(())
}

/// Ends with the first SIGTERM or SIGINT; what is being answered then is answered.
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn router(site: Site, arguments: &Arguments) -> Router {
    let metrics = site.metrics.clone();
    let app = Router::new()
        .route("/users", post(users::register))
        .route("/recipes", get(recipes::search).post(recipes::create))
        .route("/recipes/{id}", get(recipes::view))
        .route("/recipes/{id}/ratings", post(recipes::rate))
        .fallback(async || ApiError::not_found("path", "there is nothing at this path"))
        .method_not_allowed_fallback(async || ApiError::wrong_method())
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(site);
    let app = if arguments.faults { app.layer(from_fn(faults::inject)) } else { app };

    if arguments.bare {
        return app;
    }
    // Around all others, so that it counts what they answer.
    let app = app.layer(metrics.layer(|request| Some(request.get::<MatchedPath>()?.as_str())));
    app.route("/metrics", get(move |headers: HeaderMap| metrics.response(&headers)))
}
