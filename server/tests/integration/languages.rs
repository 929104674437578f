//! What went wrong, as pages say it to whom reads Japanese, before any script: by forms that were
//! filled in wrongly, and where a part does not do what it should.

use std::fs;
use std::net::TcpListener;

use rustix::process::Signal;

use crate::helpers::{Dashboard, Place, until};

const JAPANESE: &str = "Accept-Language: ja,en;q=0.5";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

/// Where nobody listens.
fn closed() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_wrong_is_answered_in_the_readers_language() {
    let place = Place::new();
    let receiver =
        format!("[notify.receivers.team]\nkind = 'webhook'\nurl = 'http://{}/'\nallow_private = true\n", closed());
    fs::write(place.path().join("recipe-monitoring.toml"), receiver).unwrap();
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    for (path, form, page, en, ja) in [
        (
            "/alerts/act",
            "do=silence&matchers=%7Bmount&name=Mika&reason=x&for=1h",
            "/alerts",
            "matchers = \"{mount\" is not valid: its labels end at 'mount'; write them as in {mount=\"/\"}",
            "matchers = \"{mount\" は無効です: ラベルを「mount」から読み取れません。{mount=\"/\"} のように書いてください",
        ),
        (
            "/alerts/act",
            "do=silence&matchers=HighDisk&name=Mika&reason=&for=1h",
            "/alerts",
            "reason = \"\" is not valid: write 1 to 500 characters on one line",
            "reason = \"\" は無効です: 1 行で 1～500 文字を書いてください",
        ),
        (
            "/alerts/act",
            "do=end_silence&silence=x",
            "/alerts",
            "silence x is not there any more",
            "サイレンス x はもうありません。現在の一覧をご覧ください",
        ),
        ("/alerts/act", "do=test&receiver=team", "/alerts", "it cannot be reached: ", "到達できません: 「"),
        (
            "/alerts/act",
            "do=test&receiver=nobody",
            "/alerts",
            "there is no receiver nobody; the settings have team",
            "通知先 nobody はありません。設定にあるのは team です",
        ),
        (
            "/alerts/act",
            "do=dance",
            "/alerts",
            "there is nothing called \"dance\" to do",
            "「dance」という操作はありません",
        ),
        (
            "/annotations",
            "do=mark&text=+",
            "/system",
            "text = \"\" is not valid: write 1 to 1000 characters",
            "text = \"\" は無効です: 1～1000 文字を書いてください",
        ),
        (
            "/annotations",
            "do=mark&text=x&ago=-1",
            "/system",
            "ago = \"-1\" is not valid: write a whole number of minutes, 0 for now",
            "ago = \"-1\" は無効です: 分を整数で書いてください。今のことであれば 0 です",
        ),
        (
            "/annotations",
            "do=remove&id=x",
            "/system",
            "id = \"x\" is not valid: there is no such annotation; see the list as it is now",
            "id = \"x\" は無効です: そのアノテーションはありません。現在の一覧をご覧ください",
        ),
        (
            "/dashboard",
            "title=a&series=b+c&unit=&columns=4",
            "/",
            "dashboard.graphs = b c: write a series as queue_length",
            "dashboard.graphs = b c: 系列は queue_length または disk_usage{mount=\"/\"} のように書いてください",
        ),
    ] {
        for (language, sentence) in [("Accept-Language: en", en), (JAPANESE, ja)] {
            let answer = dashboard.request(&format!("POST {path}"), &[FORM, language], form).await;
            assert_eq!(answer.status, 303, "{form}: {answer:?}");
            let page = dashboard.get(page, &[language, &answer.cookies()]).await.body;
            let said = format!("<p class=\"panel-notice\" role=\"status\">{}", sentence.replace('"', "&quot;"));
            assert!(page.contains(&said), "{form}: {said} is not in {page}");
        }
    }
    // The choice of the page's own switch goes before what the browser prefers.
    let switched = [FORM, JAPANESE, "Cookie: lang=en"];
    let answer = dashboard.request("POST /annotations", &switched, "do=remove&id=x").await;
    let page = dashboard.get("/system", &[JAPANESE, &format!("{}; lang=en", answer.cookies())]).await.body;
    assert!(page.contains("there is no such annotation"), "{page}");
    // Programs are answered in English.
    let api = dashboard.request("DELETE /api/v1/annotations/x", &[JAPANESE], "").await.json();
    assert!(api["error"]["message"].as_str().unwrap().contains("there is no such annotation"), "{api}");
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}

/// Alerts that this machine itself may have would come before what the page is to say.
const QUIET: [&str; 3] = ["CriticalCPU", "CriticalMemory", "CriticalDisk"];

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_work_is_said_with_its_remedy_in_the_readers_language() {
    let place = Place::new();
    let (target, database, heartbeat) = (closed(), closed(), closed());
    let settings = format!(
        "application.targets = ['http://{target}/metrics']\n\
         alerts.rules = 'rules.toml'\n\
         [notify]\nheartbeat_url = 'http://{heartbeat}/'\nheartbeat = '10s'\nheartbeat_allow_private = true\n\
         [business]\ndatabase_url = 'postgres://app:x@{database}/app'\n\
         [[business.metrics]]\nname = 'orders_daily'\nsql = 'SELECT 1'\n"
    );
    fs::write(place.path().join("recipe-monitoring.toml"), settings).unwrap();
    let rules = place.path().join("rules.toml");
    let off: String = QUIET.map(|name| format!("[[rule]]\nalert = '{name}'\nenabled = false\n")).concat();
    fs::write(&rules, &off).unwrap();
    let mut dashboard = Dashboard::start(&place, &["--set", "live.push=1s"]).await;
    fs::write(&rules, format!("{off}[[rule]]\nalert = 'HighCPU'\nfor = '5x'\n")).unwrap();
    let said = [
        (
            "/application",
            format!("<span class=\"instance-error\">{target} refuses connections: see whether the application runs"),
            format!("<span class=\"instance-error\">{target} が接続を拒否しています。アプリケーションが動作しているか"),
        ),
        (
            "/business",
            "<p class=\"count-more warning\">the database in business.database_url does not answer: check".to_owned(),
            "<p class=\"count-more warning\">business.database_url のデータベースが応答しません。動作しているか"
                .to_owned(),
        ),
        (
            "/alerts",
            "<p class=\"panel-notice\">The alert rules stay as they were: rules.toml is not valid:\n\
             line 12: for = &quot;5x&quot; is not valid: use a time from 0s to 31d, as in 5m"
                .to_owned(),
            "<p class=\"panel-notice\">アラートルールは以前のままです: rules.toml は無効です:\n\
             12 行目: for = &quot;5x&quot; は無効です: 0s から 31d までの時間を 5m のように書いてください"
                .to_owned(),
        ),
        (
            "/",
            "Notifications do not arrive: heartbeat: it cannot be reached: ".to_owned(),
            "通知が届きません: ハートビート: 到達できません: 「".to_owned(),
        ),
        ("/alerts", "</svg>it cannot be reached: ".to_owned(), "</svg>到達できません: 「".to_owned()),
    ];
    for (path, en, ja) in said {
        for (language, sentence) in [("Accept-Language: en", en), (JAPANESE, ja)] {
            let page = async || dashboard.get(path, &[language]).await.body.contains(&sentence).then_some(());
            until(&sentence, page).await;
        }
    }
    // Programs are told in English.
    let ready = dashboard.get("/readyz", &[JAPANESE]).await.json();
    assert!(ready["paging_error"].as_str().unwrap().starts_with("heartbeat: it cannot be reached"), "{ready}");
    assert_eq!(dashboard.running.end(Signal::TERM).await, Some(0));
}
