//! Pages, health, metrics and the API over plain HTTP.

use rustix::process::Signal;

use crate::helpers::{Dashboard, Place, until};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_byte_of_the_page_already_holds_the_current_values_in_the_readers_language() {
    let place = Place::new();
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    until("a reading", async || {
        let current = dashboard.get("/api/v1/current", &[]).await.json();
        current["system"]["cpu_usage"].is_number().then_some(())
    })
    .await;
    for path in ["/", "/system"] {
        let japanese = dashboard.get(path, &["Accept-Language: ja,en;q=0.5"]).await;
        assert_eq!(japanese.status, 200);
        assert!(japanese.headers.contains("content-type: text/html"), "{}", japanese.headers);
        for part in ["lang=\"ja\"", "メモリ", "<svg", "CPU"] {
            assert!(japanese.body.contains(part), "{path} lacks {part}");
        }
        let english = dashboard.get(path, &["Accept-Language: ja", "Cookie: lang=en"]).await;
        assert!(english.body.contains("lang=\"en\"") && english.body.contains("Memory"));
        assert!(!english.body.contains("メモリ"));
    }
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_readers_at_once_all_get_their_page() {
    let place = Place::new();
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    for _ in 0..60 {
        let get = |path| dashboard.get(path, &[]);
        let (a, b, c, d) = tokio::join!(get("/"), get("/system"), get("/"), get("/no/such/page"));
        for (page, status) in [(a, 200), (b, 200), (c, 200), (d, 404)] {
            assert_eq!(page.status, status);
            assert!(page.body.contains("<title>") && page.body.contains("</html>"), "{}", page.body);
        }
    }
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
    assert!(!dashboard.running.log().contains("panicked"), "{}", dashboard.running.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_in_the_form_that_was_asked_for() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &[]).await;
    let page = dashboard.get("/no/such/page", &[]).await;
    assert_eq!(page.status, 404);
    assert!(page.body.contains("<html"));
    let api = dashboard.get("/api/v1/nothing", &[]).await;
    assert_eq!((api.status, api.json()["error"]["code"].as_str()), (404, Some("not_found")));
    // Traversal leads nowhere.
    for path in
        ["/../data/password", "/pkg/../../data/password", "/%2e%2e/data/password", "/pkg/..%2f..%2fdata/password"]
    {
        assert_ne!(dashboard.get(path, &[]).await.status, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_a_hash_in_their_name_are_kept_for_ever_and_pages_are_asked_for_again() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &[]).await;
    let file = dashboard.get("/pkg/page.0123456789abcdef.css", &[]).await;
    assert_eq!(file.status, 200);
    assert!(file.headers.contains("cache-control: public, max-age=31536000, immutable"), "{}", file.headers);
    let compressed = dashboard.get("/pkg/page.0123456789abcdef.css", &["Accept-Encoding: br"]).await;
    assert!(compressed.headers.contains("content-encoding: br"), "{}", compressed.headers);
    let tag = file.headers.lines().find_map(|line| line.strip_prefix("etag: w/")).unwrap();
    let again = dashboard.get("/pkg/page.0123456789abcdef.css", &[&format!("If-None-Match: W/{tag}")]).await;
    assert_eq!((again.status, &*again.body), (304, ""));
    assert!(again.headers.contains("cache-control: public, max-age=31536000, immutable"), "{}", again.headers);
    let page = dashboard.get("/", &[]).await;
    for header in ["cache-control: no-cache", "x-content-type-options: nosniff", "x-frame-options: deny"] {
        assert!(page.headers.contains(header), "{}", page.headers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_cargo_leptos_watch_a_changed_style_is_had_by_the_name_that_pages_are_told() {
    let place = Place::new();
    let package = place.path().join("site/pkg");
    std::fs::write(package.join("recipe-monitoring.0123456789abcdef.css"), "a{color:red}").unwrap();
    let page = async |dashboard: &Dashboard| dashboard.get("/", &[]).await.body;
    let mut dashboard = Dashboard::start(&place, &[]).await;
    assert!(page(&dashboard).await.contains("href=\"./pkg/recipe-monitoring.0123456789abcdef.css\""));
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
    let mut command = place.program(&[]);
    command.env("LEPTOS_WATCH", "true");
    let dashboard = Dashboard::start_as(command, place.path().join("watched")).await;
    assert!(page(&dashboard).await.contains("href=\"./pkg/recipe-monitoring.css\""));
    let style = async || dashboard.get("/pkg/recipe-monitoring.css", &[]).await;
    assert_eq!(style().await.body, "a{color:red}");
    std::fs::write(package.join("recipe-monitoring.css"), "a{color:blue}").unwrap();
    let changed = style().await;
    assert_eq!(changed.body, "a{color:blue}");
    assert!(changed.headers.contains("cache-control: no-cache"), "{}", changed.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_which_part_is_missing() {
    let place = Place::new();
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s", "--set", "redis.enabled=false"]).await;
    assert_eq!(dashboard.get("/healthz", &[]).await.json()["status"], "ok");
    let ready = until("ready", async || {
        let answer = dashboard.get("/readyz", &[]).await;
        (answer.status == 200 && answer.json()["parts"]["collector"]["age_seconds"].is_number()).then_some(answer)
    })
    .await;
    assert_eq!(ready.json()["parts"]["postgresql"]["state"], "up");
    assert_eq!(ready.json()["parts"]["redis"]["state"], "off");
    assert!(ready.json()["parts"]["postgresql"]["fault"].is_null());

    // PostgreSQL hangs: it accepts and never answers.
    let text = std::fs::read_to_string(place.data_dir().join("postgres/postmaster.pid")).unwrap();
    let pid = rustix::process::Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap();
    let group = |signal| {
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", pid.as_raw_nonzero())).unwrap();
        for child in children.split_whitespace().map(|child| child.parse().unwrap()).chain([pid.as_raw_nonzero().get()])
        {
            let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(child).unwrap(), signal);
        }
    };
    group(Signal::STOP);
    let answer =
        until("not ready", async || Some(dashboard.get("/readyz", &[]).await).filter(|answer| answer.status == 503))
            .await;
    let postgresql = &answer.json()["parts"]["postgresql"];
    assert_eq!((&postgresql["state"], &postgresql["fault"]), (&"down".into(), &"hanging".into()));
    // The page is still there, and says so.
    let page = dashboard.get("/", &["Cookie: lang=en"]).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("PostgreSQL has not answered since"));
    group(Signal::CONT);
    until("ready again", async || (dashboard.get("/readyz", &[]).await.status == 200).then_some(())).await;
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_come_in_prometheus_text_and_in_openmetrics() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    let text = until("a reading", async || {
        Some(dashboard.get("/metrics", &[]).await).filter(|answer| answer.body.contains("\ncpu_usage{host="))
    })
    .await;
    assert!(text.headers.contains("text/plain; version=0.0.4"));
    for line in [
        "# TYPE recipe_monitoring_readings_total counter",
        "\ndisk_usage{host=\"",
        "\",mount=\"",
        "\nprocess_resident_memory_bytes ",
        "\nrecipe_monitoring_points_refused_total{reason=\"not_finite\"} 0",
    ] {
        assert!(text.body.contains(line), "{line} is not in {}", text.body);
    }
    assert!(!text.body.contains("# EOF"));
    let open = dashboard.get("/metrics", &["Accept: application/openmetrics-text; version=1.0.0"]).await;
    assert!(open.headers.contains("application/openmetrics-text; version=1.0.0"));
    assert!(open.body.contains("# TYPE recipe_monitoring_readings counter") && open.body.ends_with("# EOF\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_answered_and_nonsense_is_refused_by_its_field() {
    let place = Place::new();
    let arguments = ["--set", "live.push=1s", "--set", "sampling.system=1s"];
    let mut dashboard = Dashboard::start(&place, &arguments).await;
    let range = until("a point", async || {
        let range = dashboard.get("/api/v1/range?metric=cpu_usage&points=5", &[]).await;
        // Until the first sample there is no such metric.
        let has_point = range.status == 200 && range.json()["series"][0]["points"][0]["avg"].is_number();
        has_point.then(|| range.json())
    })
    .await;
    assert_eq!((range["resolution"].as_str(), range["complete"].as_bool()), (Some("raw"), Some(true)));
    assert!(range["series"][0]["labels"]["host"].is_string(), "{range}");
    let parts = dashboard.get("/api/v1/range?metric=disk_usage&labels=%7B%22mount%22%3A%22%2F%22%7D", &[]).await;
    assert_eq!(parts.json()["series"][0]["labels"]["mount"], "/");
    until("it is saved", async || {
        let stats = dashboard.get("/api/v1/stats?metric=cpu_usage&hours=1", &[]).await;
        (stats.status == 200 && stats.json()["count"].as_u64() > Some(0)).then_some(())
    })
    .await;
    for (question, status, field) in [
        ("range", 400, "metric"),
        ("range?metric=a%00b", 400, "metric"),
        ("range?metric=cpu_usag", 404, "metric"),
        ("range?metric=cpu_usage&from=yesterday", 400, "from"),
        ("range?metric=cpu_usage&to=-377705023201", 400, "from"),
        ("range?metric=cpu_usage&from=9999-12-01T00:00:00Z", 400, "from"),
        ("range?metric=cpu_usage&from=1&to=-1", 400, "to"),
        ("range?metric=cpu_usage&points=0", 400, "points"),
        ("range?metric=cpu_usage&points=many", 400, "points"),
        ("range?metric=cpu_usage&points=99999999999999", 400, "points"),
        ("range?metric=cpu_usage&resolution=daily", 400, "resolution"),
        ("range?metric=cpu_usage&labels=web", 400, "labels"),
        ("range?metric=cpu_usage&labels=%7B%22host%22%3A%22%5Cu0000%22%7D", 400, "labels"),
        ("range?metric=cpu_usage&label=web", 400, "label"),
        ("alerts/history?rule_name=a%00b", 400, "rule_name"),
        ("annotations?tag=a%00b", 400, "tag"),
        ("stats", 400, "metric"),
        ("stats?metric=nonsense", 404, "metric"),
        ("stats?metric=cpu_usage&hours=0", 400, "hours"),
        ("stats?metric=cpu_usage&hours=-1", 400, "hours"),
    ] {
        let answer = dashboard.get(&format!("/api/v1/{question}"), &[]).await;
        let error = &answer.json()["error"];
        assert_eq!((answer.status, error["field"].as_str()), (status, Some(field)), "{question}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(field)), "{question}: {error}");
    }
    // Years that PostgreSQL cannot read are before everything.
    for question in ["alerts/history?from=-377705023201", "annotations?from=-377705023201&to=-377705023200"] {
        let answer = dashboard.get(&format!("/api/v1/{question}"), &[]).await;
        assert_eq!((answer.status, &*answer.body), (200, "[]"), "{question}");
    }
    // The last moment there is makes nobody stumble.
    let until_the_end = dashboard.get("/api/v1/range?metric=cpu_usage&from=0&to=9999-12-30T00:00:00Z", &[]).await;
    assert_eq!((until_the_end.status, until_the_end.json()["resolution"].as_str()), (200, Some("hourly")));
    let posted = dashboard.request("POST /api/v1/current", &[], "").await;
    assert_eq!((posted.status, posted.json()["error"]["code"].as_str()), (405, Some("method_not_allowed")));
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
    assert!(!dashboard.running.log().contains("panicked"), "{}", dashboard.running.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_are_kept_by_a_plain_form_and_never_lead_to_another_site() {
    let place = Place::new();
    let dashboard = Dashboard::start(&place, &[]).await;
    let form = "Content-Type: application/x-www-form-urlencoded";
    let set = dashboard.request("POST /preferences", &[form], "lang=ja&return=%2Fsystem").await;
    assert_eq!(set.status, 303);
    assert!(
        set.headers.contains("location: /system") && set.headers.contains("set-cookie: lang=ja;"),
        "{}",
        set.headers
    );
    let away = dashboard.request("POST /preferences", &[form], "theme=dark&return=%2F%2Fexample.com").await;
    assert!(away.headers.contains("location: /\r\n"), "{}", away.headers);
    let wrong = dashboard.request("POST /preferences", &[form], "lang=xx").await;
    assert_eq!((wrong.status, wrong.json()["error"]["field"].as_str()), (400, Some("lang")));
    let no_form = dashboard.request("POST /preferences", &[], "lang=ja").await;
    assert_eq!((no_form.status, no_form.json()["error"]["field"].as_str()), (415, Some("form")));
    let foreign = dashboard.request("POST /preferences", &[form, "Origin: http://example.com"], "lang=ja").await;
    assert_eq!(foreign.status, 403);
}
