//! Annotations over plain HTTP: by the API as scripts have it, by the form as browsers without
//! scripts have it, and on the pages of others.

use std::time::{Duration, Instant};

use collector::{LiveEvent, Payload};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::helpers::{Answer, Dashboard, Place, Socket, next_event, soon};

const JSON: &str = "Content-Type: application/json";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
/// Until other pages know.
const LIMIT: Duration = Duration::from_secs(2);

async fn mark(dashboard: &Dashboard, body: &Value) -> Answer {
    dashboard.request("POST /api/v1/annotations", &[JSON], &body.to_string()).await
}

async fn list(dashboard: &Dashboard, query: &str) -> Vec<Value> {
    let answer = dashboard.get(&format!("/api/v1/annotations{query}"), &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json().as_array().unwrap().clone()
}

fn texts(list: &[Value]) -> Vec<&str> {
    list.iter().map(|annotation| annotation["text"].as_str().unwrap()).collect()
}

/// Waits for the event about this annotation, with no other before it: only "whatever may have changed", which is told
/// whenever one of the processes begins to listen.
pub async fn told_of(socket: &mut Socket, id: &str) {
    loop {
        if let Some(told) = next_change(socket).await {
            return assert_eq!(told, id);
        }
    }
}

/// The id in the next event about annotations.
async fn next_change(socket: &mut Socket) -> Option<String> {
    let change = async {
        loop {
            if let LiveEvent { payload: Payload::AnnotationChanged(change), .. } = next_event(socket).await {
                return change.id;
            }
        }
    };
    soon("an event about annotations", change).await
}

/// Marks, is heard, finds and removes.
pub async fn play(dashboard: &Dashboard) {
    let mut other = dashboard.connect("").await;
    let made =
        mark(dashboard, &json!({ "text": "Deploy 1.4.2", "tags": ["deploy", "web"], "id": "deploy/1.4.2" })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    // It may only just have begun to listen, which is told as well.
    let told = next_change(&mut other).await;
    assert!(told.is_none() || told.as_deref() == Some("deploy/1.4.2"), "{told:?}");
    let since = Instant::now();
    assert_eq!(mark(dashboard, &json!({ "text": "x", "id": "x" })).await.status, 201);
    while next_change(&mut other).await.as_deref() != Some("x") {}
    assert!(since.elapsed() < LIMIT, "{:?}", since.elapsed());
    assert_eq!(dashboard.request("DELETE /api/v1/annotations/x", &[], "").await.status, 204);
    told_of(&mut other, "x").await;
    let again = mark(dashboard, &json!({ "text": "Deploy 1.4.2, again", "id": "deploy/1.4.2" })).await;
    assert_eq!((again.status, again.json()), (200, made.json()));
    assert_eq!(list(dashboard, "").await, [made.json()]);

    let removed = dashboard.request("DELETE /api/v1/annotations/deploy%2F1.4.2", &[], "").await;
    assert_eq!(removed.status, 204, "{}", removed.body);
    told_of(&mut other, "deploy/1.4.2").await;
    let removed = dashboard.request("DELETE /api/v1/annotations/deploy%2F1.4.2", &[], "").await;
    assert_eq!((removed.status, removed.json()["error"]["field"].as_str()), (404, Some("id")), "{}", removed.body);
    assert!(list(dashboard, "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_marked_once_found_by_time_and_tag_removed_and_refused_by_field() {
    let place = Place::new();
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    play(&dashboard).await;
    for body in [
        json!({ "text": "before", "at": "2026-11-20T00:00:00Z", "tags": ["deploy"] }),
        json!({ "text": "long", "at": "2026-11-20T12:00:00+09:00", "ends_at": "2026-11-20T06:00:00Z", "created_by": "Mika" }),
        json!({ "text": "新しい版 <b>\"1\"</b>", "at": "1763600400", "tags": ["deploy", "web"] }),
    ] {
        let made = mark(&dashboard, &body).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let all = list(&dashboard, "").await;
    assert_eq!(texts(&all), ["long", "before", "新しい版 <b>\"1\"</b>"]);
    assert_eq!((&all[0]["at"], &all[0]["ends_at"]), (&json!("2026-11-20T03:00:00Z"), &json!("2026-11-20T06:00:00Z")));
    assert_eq!((&all[0]["created_by"], &all[1].get("ends_at")), (&json!("Mika"), &None));
    for (query, found) in [
        ("?tag=deploy", &["before", "新しい版 <b>\"1\"</b>"][..]),
        ("?tag=dep", &[]),
        ("?limit=1", &["long"]),
        // Some part of it lies between them.
        ("?from=2026-11-20T05:00:00Z&to=2026-11-20T05:30:00Z", &["long"]),
        ("?from=2026-11-20T06:00:00Z", &["long"]),
        ("?from=2026-11-20T06:00:01Z", &[]),
        ("?from=2026-11-20T00:00:00Z&to=2026-11-20T02:59:59Z", &["before"]),
        ("?to=2026-01-01T00:00:00Z&from=", &["新しい版 <b>\"1\"</b>"]),
    ] {
        assert_eq!(texts(&list(&dashboard, query).await), found, "{query}");
    }
    for (query, field) in [
        ("?from=yesterday", "from"),
        ("?from=2026-11-20T06:00:00Z&to=2026-11-20T05:00:00Z", "from"),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?tag=%00", "tag"),
        ("?tags=deploy", "tags"),
    ] {
        let answer = dashboard.get(&format!("/api/v1/annotations{query}"), &[]).await;
        assert_eq!((answer.status, answer.json()["error"]["field"].as_str()), (400, Some(field)), "{}", answer.body);
    }
    for (body, status, field) in [
        (json!({ "text": " " }), 400, "text"),
        (json!({ "text": "x".repeat(1_001) }), 400, "text"),
        (json!({ "text": "x", "tags": ["a".repeat(51)] }), 400, "tags"),
        (json!({ "text": "x", "at": "soon" }), 400, "at"),
        (json!({ "text": "x", "at": "9999-01-01T00:00:00Z" }), 400, "at"),
        (json!({ "text": "x", "ends_at": "2026-11-20T00:00:00Z" }), 400, "ends_at"),
        (json!({ "text": "x", "id": "" }), 400, "id"),
        (json!({ "text": "x", "created_by": "a\nb" }), 400, "created_by"),
        (json!({ "text": "x", "time": 1 }), 422, "body"),
        (json!({ "text": ["x"] }), 422, "body"),
        (json!("x"), 422, "body"),
    ] {
        let answer = mark(&dashboard, &body).await;
        let error = &answer.json()["error"];
        assert_eq!((answer.status, error["field"].as_str()), (status, Some(field)), "{body} {}", answer.body);
    }
    let answer = mark(&dashboard, &json!({ "text": "x", "at": "soon" })).await;
    assert!(
        answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("at = \"soon\" is not valid: use a time such as")
    );
    let removed = dashboard.request("DELETE /api/v1/annotations/a%00b", &[], "").await;
    assert_eq!(removed.status, 404, "{}", removed.body);
    assert_eq!(list(&dashboard, "").await, all);
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_a_form_marks_and_removes_and_says_what_became_of_it() {
    let place = Place::new();
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    let page = dashboard.get("/system?range=1h", &["Accept-Language: en"]).await.body;
    let hidden = "<input type=\"hidden\" name=\"return\" value=\"/system?range=1h\">";
    assert!(page.contains("Nothing is marked yet.") && page.contains(hidden), "{page}");
    assert!(dashboard.get("/", &["Accept-Language: ja"]).await.body.contains("まだ印はありません。"));
    assert!(!dashboard.get("/business", &[]).await.body.contains("action=\"annotations\""));

    let body =
        "do=mark&text=Deploy+%3Cb%3E1%3C%2Fb%3E&tags=deploy%2C+web%2C&ago=10&name=Mika&return=%2Fsystem%3Frange%3D1h";
    let done = dashboard.request("POST /annotations", &[FORM], body).await;
    assert_eq!(done.status, 303, "{done:?}");
    assert!(done.headers.contains("location: /system?range=1h#annotations"), "{}", done.headers);
    let [annotation] = &list(&dashboard, "").await[..] else { panic!("not one") };
    assert_eq!((&annotation["text"], &annotation["created_by"]), (&json!("Deploy <b>1</b>"), &json!("Mika")));
    assert_eq!(annotation["tags"], json!(["deploy", "web"]));
    let at: jiff::Timestamp = annotation["at"].as_str().unwrap().parse().unwrap();
    let age = jiff::Timestamp::now().duration_since(at).as_secs();
    assert!((600..630).contains(&age), "{age}");

    let told = done.cookies();
    let page = dashboard.get("/system", &["Accept-Language: en", &told]).await.body;
    for part in [
        "It is marked on every graph.",
        "Deploy &lt;b&gt;1&lt;/b&gt;",
        "<span class=\"annotation-tag\">web</span>",
        // In small letters, as all of an answer's headers are here.
        "autocomplete=\"name\" value=\"mika\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // What a browser asks for again.
    let body = json!({ "path": "/", "search": "", "minutes_east": 540 }).to_string();
    let drawn = dashboard.request("POST /api/drawn", &[JSON], &body).await;
    assert!(drawn.body.contains("annotation-tag") && !drawn.body.contains(" UTC"), "{}", drawn.body);

    for (body, sentence) in [
        ("do=mark&text=+", "text = \"\" is not valid: write 1 to 1000 characters"),
        ("do=mark&text=x&ago=-1", "ago = \"-1\" is not valid: write a whole number of minutes"),
        ("do=mark&text=x&ago=99999999", "use a time since 2000"),
        ("do=remove&id=x", "there is no such annotation"),
    ] {
        let refused = dashboard.request("POST /annotations", &[FORM], body).await;
        assert!(refused.status == 303 && refused.headers.contains("location: /#annotations"), "{refused:?}");
        let told = refused.cookies();
        let page = dashboard.get("/", &[&told]).await.body;
        assert!(page.contains(&sentence.replace('"', "&quot;")), "{body}: {page}");
    }
    assert_eq!(list(&dashboard, "").await.len(), 1);

    let id = annotation["id"].as_str().unwrap();
    let body = format!("do=remove&id={id}&return=https%3A%2F%2Fexample.com");
    for foreign in ["Origin: https://example.com", "Origin: null"] {
        for line in [
            "POST /annotations".to_owned(),
            "POST /api/v1/annotations".to_owned(),
            format!("DELETE /api/v1/annotations/{id}"),
        ] {
            let refused = dashboard.request(&line, &[foreign, FORM], &body).await;
            assert_eq!(
                (refused.status, refused.json()["error"]["code"].as_str()),
                (403, Some("foreign_origin")),
                "{line}"
            );
        }
    }
    assert_eq!(list(&dashboard, "").await.len(), 1);
    let done =
        dashboard.request("POST /annotations", &[FORM, &format!("Origin: http://{}", dashboard.host)], &body).await;
    assert!(done.status == 303 && done.headers.contains("location: /#annotations"), "{done:?}");
    assert!(list(&dashboard, "").await.is_empty());
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}
