//! The example recipe API and its visitors, as `make demo` runs them.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::helpers::{Answer, Dashboard, Place, ask, example, until};

const JSON: &[&str] = &["Content-Type: application/json"];

/// The recipe API on a free port.
struct Api {
    child: Child,
    log: PathBuf,
    host: String,
}

impl Api {
    /// On the PostgreSQL of the dashboard, in a database of its own.
    async fn start(place: &Place) -> Self {
        let urls = fs::read_to_string(place.data_dir().join("connections")).unwrap();
        let url = urls.lines().find_map(|line| line.strip_prefix("DATABASE_URL=")).unwrap();
        let log = place.path().join("api.log");
        let mut command = example("recipe_api");
        command.args(["--address", "127.0.0.1:0", "--database", "recipe_site", "--faults"]).env("DATABASE_URL", url);
        let child = command.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        let mut api = Self { child, log, host: String::new() };
        api.host = until("the API serves", async || {
            let log = fs::read_to_string(&api.log).unwrap();
            assert!(api.child.try_wait().unwrap().is_none(), "{log}");
            Some(log.split_once("serving http://")?.1.split_once("/\n")?.0.to_owned())
        })
        .await;
        api
    }

    async fn get(&self, path: &str) -> Answer {
        ask(&self.host, &format!("GET {path}"), &[], "").await
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        ask(&self.host, &format!("POST {path}"), JSON, body).await
    }

    async fn events(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.body;
        let series = format!("business_events_total{{event=\"{name}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
    }

    async fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        until("the API has ended", async || self.child.try_wait().unwrap()).await.code()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recipes_are_kept_found_viewed_and_rated_and_each_is_an_event() {
    let place = Place::new();
    let _dashboard = Dashboard::start(&place, &[]).await;
    let api = Api::start(&place).await;
    assert_eq!(api.events("recipe_created").await, 0.0);

    let user = api.post("/users", r#"{"name":" Mei ","email":"mei@example.com"}"#).await;
    assert_eq!((user.status, user.json()["name"].as_str()), (201, Some("Mei")));
    let user = user.json()["id"].as_i64().unwrap();
    let recipe = format!(r#"{{"user_id":{user},"title":"Soup","ingredients":["Miso","100% tofu"],"steps":"Cook."}}"#);
    let recipe = api.post("/recipes", &recipe).await;
    assert_eq!(recipe.status, 201, "{recipe:?}");
    let path = format!("/recipes/{}", recipe.json()["id"]);
    for stars in [2, 4] {
        let rating = format!(r#"{{"user_id":{user},"stars":{stars}}}"#);
        assert_eq!(api.post(&format!("{path}/ratings"), &rating).await.status, 201);
    }
    assert_eq!(api.get("/recipes?search=100%25").await.json()[0]["title"], "Soup");
    assert_eq!(api.get("/recipes?search=beef").await.json().as_array().unwrap().len(), 0);
    assert_eq!(api.get("/recipes").await.json().as_array().unwrap().len(), 1);
    let viewed = api.get(&path).await.json();
    assert_eq!((viewed["stars"].as_f64(), viewed["views"].as_i64()), (Some(4.0), Some(1)), "{viewed}");

    for (event, count) in [
        ("user_registered", 1.0),
        ("recipe_created", 1.0),
        ("recipe_rated", 2.0),
        ("search_executed", 2.0),
        ("recipe_viewed", 1.0),
    ] {
        assert_eq!(api.events(event).await, count, "{event}");
    }
    let metrics = api.get("/metrics").await.body;
    assert!(metrics.contains("{method=\"POST\",route=\"/recipes/{id}/ratings\",status=\"201\"} 2\n"), "{metrics}");

    // What is kept is there after a new start.
    assert_eq!(api.end().await, Some(0));
    let api = Api::start(&place).await;
    assert_eq!(api.get(&path).await.json()["views"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_as_json_by_its_field_and_is_no_event() {
    let place = Place::new();
    let _dashboard = Dashboard::start(&place, &[]).await;
    let api = Api::start(&place).await;
    assert_eq!(api.post("/users", r#"{"name":"Mei","email":"mei@example.com"}"#).await.status, 201);
    let long = format!(r#"{{"name":"{}","email":"a@example.com"}}"#, "x".repeat(101));
    let huge = format!(r#"{{"name":"{}","email":"a@example.com"}}"#, "x".repeat(40_000));
    for (path, body, status, field) in [
        ("/users", r#"{"name":"Mei","email":"MEI@example.com"}"#, 409, "email"),
        ("/users", r#"{"name":" ","email":"a@example.com"}"#, 422, "name"),
        ("/users", r#"{"name":"a\u0000b","email":"a@example.com"}"#, 422, "name"),
        ("/users", &long, 422, "name"),
        ("/users", &huge, 413, "body"),
        ("/users", r#"{"name":"a","email":"a at example.com"}"#, 422, "email"),
        ("/users", r#"{"name":"a"}"#, 422, "body"),
        ("/users", "{", 400, "body"),
        ("/recipes", r#"{"user_id":999,"title":"a","ingredients":["b"],"steps":"c"}"#, 422, "user_id"),
        ("/recipes", r#"{"user_id":1,"title":"a","ingredients":[],"steps":"c"}"#, 422, "ingredients"),
        ("/recipes/1/ratings", r#"{"user_id":1,"stars":6}"#, 422, "stars"),
        ("/recipes/999/ratings", r#"{"user_id":1,"stars":5}"#, 404, "user_id"),
        ("/recipes/soup/ratings", r#"{"user_id":1,"stars":5}"#, 404, "id"),
        ("/recipes/1", "{}", 405, "method"),
        ("/nowhere", "{}", 404, "path"),
    ] {
        let answer = api.post(path, body).await;
        assert_eq!((answer.status, answer.json()["error"]["field"].as_str()), (status, Some(field)), "{path} {body}");
    }
    assert_eq!(api.get("/recipes/999").await.status, 404);
    assert_eq!(api.get("/recipes?search=%20").await.status, 422);
    assert_eq!(api.events("user_registered").await, 1.0);
    assert_eq!(api.events("recipe_viewed").await + api.events("search_executed").await, 0.0);
    let metrics = api.get("/metrics").await.body;
    assert!(!metrics.contains("nowhere") && !metrics.contains("/999"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_do_all_five_things_with_slow_searches_and_errors_among_them_and_end_by_themselves() {
    let place = Place::new();
    let _dashboard = Dashboard::start(&place, &[]).await;
    let api = Api::start(&place).await;
    let url = format!("http://{}/", api.host);
    let mut visitors = example("recipe_traffic");
    // A day in 12 s: the burst and the slow hours of the evening are in its first 2 s.
    visitors.args(["--url", &url, "--requests-per-second", "200", "--for", "4s", "--day", "12s"]);
    let mut visitors = visitors.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = until("the visitors have gone", async || visitors.try_wait().unwrap()).await;
    assert!(status.success(), "{status}");
    for event in ["user_registered", "recipe_created", "recipe_rated", "search_executed", "recipe_viewed"] {
        assert!(api.events(event).await > 0.0, "{event}");
    }
    let metrics = api.get("/metrics").await.body;
    let has = |start: &str, status: &str| metrics.lines().any(|line| line.starts_with(start) && line.contains(status));
    assert!(has("http_requests_total{", "status=\"500\""), "{metrics}");
    assert!(!has("http_requests_total{", "status=\"400\""), "{metrics}");
    let requests = metrics.lines().filter(|line| line.starts_with("http_requests_total{"));
    let requests: f64 = requests.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum();
    // Ticks, and the first users and recipes.
    assert!((100.0..=4.0 * 200.0 + 30.0).contains(&requests), "{requests}");
}

#[test]
fn visitors_refuse_other_machines_and_times_that_are_none() {
    for (flag, value) in [
        ("--url", "http://example.com/"),
        ("--url", "http://127.0.0.1.example.com/"),
        ("--url", "https://127.0.0.1/"),
        ("--url", "http://10.0.0.1/"),
        ("--url", ""),
        ("--for", "5"),
        ("--for", "0s"),
        ("--for", "1d"),
        ("--for", "99999999999999999999h"),
        ("--day", "m"),
        ("--requests-per-second", "0"),
        ("--requests-per-second", "1001"),
    ] {
        let output = example("recipe_traffic").arg(format!("{flag}={value}")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flag}={value}: {said}");
        assert!(said.contains(flag), "{said}");
    }
}
