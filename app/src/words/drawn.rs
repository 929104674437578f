//! What is said where the server alone draws, so that the browser need not carry it.

use collector::alert::Phase;

use crate::locale::Locale;

/// Its words in one language.
#[derive(Debug)]
pub struct DrawnWords {
    /// Headline where none is connected.
    pub connect: &'static str,
    /// What to do then.
    pub connect_more: &'static str,
    /// Title of a way to connect.
    pub connect_otel: &'static str,
    /// Title of a way to connect.
    pub connect_other: &'static str,
    /// Column of a table.
    pub mount: &'static str,
    /// Column of a table.
    pub share: &'static str,
    /// Column of a table.
    pub used: &'static str,
    /// Column of a table.
    pub total: &'static str,
    /// Column of a table.
    pub interface: &'static str,
    /// No interface was read.
    pub no_interfaces: &'static str,
    /// Fact: name of the host.
    pub host_name: &'static str,
    /// Fact: time since its start.
    pub uptime_name: &'static str,
    /// Fact: number of cores.
    pub cores_name: &'static str,
    /// Fact: load average over `n` minutes.
    pub load_minutes: fn(minutes: u32) -> String,
    /// Headline where nothing was ever counted.
    pub events: &'static str,
    /// What to do then.
    pub events_more: &'static str,
    /// Where the description of the API is as a file.
    pub api_more: &'static str,
    /// Its types.
    pub api_types: &'static str,
    /// Parameters of a route.
    pub api_parameters: &'static str,
    /// Columns: name, type, whether it must be there, description.
    pub api_columns: [&'static str; 4],
    /// It must be there.
    pub api_required: &'static str,
    /// What a route takes.
    pub api_body: &'static str,
    /// What it answers.
    pub api_answers: &'static str,
    /// Columns: status, type, description.
    pub api_answer_columns: [&'static str; 3],
    /// Title of the own graphs.
    pub own_graphs: &'static str,
    /// The form that chooses panels and graphs.
    pub customise: &'static str,
    /// Where its choice is kept.
    pub customise_note: &'static str,
    /// A part of it.
    pub panels: &'static str,
    /// Column: panel, place, width.
    pub panel_columns: [&'static str; 3],
    /// A part of it.
    pub graphs: &'static str,
    /// Field of an own graph: title, series, unit, width.
    pub own_fields: [&'static str; 4],
    /// How they are filled in.
    pub own_note: &'static str,
    /// A unit, by its name in settings.
    pub unit: fn(&str) -> &'static str,
    /// Its buttons.
    pub save: &'static str,
    /// See `save`.
    pub reset: &'static str,
    /// The panel of the databases.
    pub database: &'static str,
    /// Title of the graphs of each file system and interface.
    pub each_part: &'static str,
    /// Lines that a graph has no room for.
    pub more_lines: fn(count: u64) -> String,
    /// Title of the receivers.
    pub receivers: &'static str,
    /// Where there are none.
    pub receivers_none: &'static str,
    /// Column: name, kind, state, last message, last drill.
    pub receiver_columns: [&'static str; 5],
    /// A receiver that takes messages.
    pub delivers: &'static str,
    /// One that was not needed yet.
    pub unused: &'static str,
    /// One that does not take messages, and why.
    pub fails: fn(since: &str, error: &str) -> String,
    /// Messages that wait.
    pub waiting: fn(count: usize) -> String,
    /// Messages that were given up.
    pub given_up: fn(count: u64) -> String,
    /// A drill arrived so long ago.
    pub proven: fn(age: &str) -> String,
    /// None has arrived.
    pub unproven: &'static str,
    /// The last one did not arrive.
    pub drill_failed: &'static str,
    /// Never.
    pub never: &'static str,
    /// Button that sends a test.
    pub test: &'static str,
    /// The dead man's switch.
    pub heartbeat: &'static str,
    /// Title of the silences.
    pub silences: &'static str,
    /// Where there are none.
    pub silences_none: &'static str,
    /// Column: what, who, why, until.
    pub silence_columns: [&'static str; 4],
    /// A silence without an end.
    pub until_resolved: &'static str,
    /// One that ends soon.
    pub ends_soon: &'static str,
    /// Button that ends one.
    pub end_silence: &'static str,
    /// Heading of the form for a new one.
    pub new_silence: &'static str,
    /// What a silence is about, in the form.
    pub matchers: &'static str,
    /// Title of the rules.
    pub rules: &'static str,
    /// Column: state, rule, condition, value, for, the last hour.
    pub rule_columns: [&'static str; 6],
    /// State of a rule.
    pub phase: fn(Option<Phase>) -> &'static str,
    /// How many series are meant besides the one shown.
    pub more_series: fn(count: usize) -> String,
    /// A rule of which nobody is told.
    pub log_only: &'static str,
    /// Any of a choice.
    pub any: &'static str,
    /// Choices of how far back the history goes: days and their names; 0: all.
    pub spans: [(&'static str, &'static str); 4],
    /// Label of that choice.
    pub span: &'static str,
    /// Button that filters.
    pub filter: &'static str,
    /// Title of the list of what was.
    pub history: &'static str,
    /// Column of a table.
    pub rule: &'static str,
    /// Column of a table.
    pub severity_name: &'static str,
    /// Column of a table.
    pub message: &'static str,
    /// Column of a table.
    pub from: &'static str,
    /// Column of a table.
    pub duration: &'static str,
    /// In the column of the duration of one that still fires.
    pub still: &'static str,
    /// In the table where none ever fired.
    pub history_none: &'static str,
    /// In its place where PostgreSQL does not answer.
    pub history_unknown: &'static str,
    /// None matches.
    pub nothing_found: &'static str,
    /// The collector beside does not answer.
    pub away: &'static str,
    /// What was done, by the word of the form's answer.
    pub done: fn(word: &str) -> Option<&'static str>,
}

/// In English.
static EN: DrawnWords = DrawnWords {
    connect: "No application is connected yet.",
    connect_more: "Three lines connect one; its numbers appear here within 15 seconds.",
    connect_otel: "OpenTelemetry, without a change to the code",
    connect_other: "Anything else with a Prometheus endpoint",
    mount: "Mount",
    share: "Share",
    used: "Used",
    total: "Total",
    interface: "Interface",
    no_interfaces: "No network interface was read.",
    host_name: "Name",
    uptime_name: "Uptime",
    cores_name: "Logical cores",
    load_minutes: |minutes| format!("Load, {minutes} min"),
    events: "Nothing has been counted yet.",
    events_more: "One line in your application, wherever something worth counting happens, or in a shell to try it:",
    api_more: "For generators of clients, in OpenAPI 3.1:",
    api_types: "Types",
    api_parameters: "Parameters",
    api_columns: ["Name", "Type", "Required", "Meaning"],
    api_required: "yes",
    api_body: "Body:",
    api_answers: "Answers",
    api_answer_columns: ["Status", "Type", "Meaning"],
    own_graphs: "Own graphs",
    customise: "Customise this page",
    customise_note: "Kept in this browser. For everybody, the same is [dashboard] in recipe-monitoring.toml.",
    panels: "Panels",
    panel_columns: ["Panel", "Place (0: not shown)", "Width"],
    graphs: "Graphs",
    own_fields: ["Title", "Series", "Unit", "Width"],
    own_note: "Up to five series, with a semicolon between. A graph without a title is removed.",
    unit: |unit| match unit {
        "percent" => "%",
        "bytes" => "bytes",
        "bytes_per_second" => "bytes/s",
        "per_second" => "per second",
        "milliseconds" => "ms",
        "load" => "load",
        _ => "number",
    },
    save: "Save",
    reset: "As it was set up",
    database: "Database",
    each_part: "Each file system and interface",
    more_lines: |count| format!("The highest five are shown; {count} more are there"),
    receivers: "Notifications",
    receivers_none: "Nobody is notified yet: alerts are shown here and in the log. Add a receiver to recipe-monitoring.toml:",
    receiver_columns: ["Receiver", "Kind", "State", "Last message", "Fire drill"],
    delivers: "delivers",
    unused: "not needed yet",
    fails: |since, error| format!("failing since {since}: {error}"),
    waiting: |count| format!("{count} waiting"),
    given_up: |count| format!("{count} given up"),
    proven: |age| format!("paging proven {age} ago"),
    unproven: "not proven yet",
    drill_failed: "the last fire drill did not arrive",
    never: "never",
    test: "Send a test",
    heartbeat: "heartbeat",
    silences: "Silences",
    silences_none: "Nothing is silenced.",
    silence_columns: ["Alerts", "By", "Reason", "Until"],
    until_resolved: "it is resolved",
    ends_soon: "ends soon, and still fires",
    end_silence: "End it",
    new_silence: "Silence other alerts",
    matchers: "Rule, labels or both, such as HighDisk{mount=\"/\"}",
    rules: "Rules",
    rule_columns: ["State", "Rule", "Condition", "Value", "For", "Last hour"],
    phase: |phase| match phase {
        None => "inactive",
        Some(Phase::Pending) => "pending",
        Some(Phase::Firing) => "firing",
    },
    more_series: |count| format!("and {count} more series"),
    log_only: "log only",
    any: "any",
    spans: [("1", "24 hours"), ("7", "7 days"), ("30", "30 days"), ("0", "all")],
    span: "Fired within",
    filter: "Show",
    history: "Fired before",
    rule: "Rule",
    severity_name: "Severity",
    message: "Message",
    from: "Fired at",
    duration: "For",
    still: "still fires",
    history_none: "No alert has fired yet.",
    history_unknown: "PostgreSQL does not answer, so there is no history now.",
    nothing_found: "No alert matches.",
    away: "The collector does not answer, so rules, silences and receivers are not known now.",
    done: |word| {
        Some(match word {
            "tested" => "The test has arrived at the receiver.",
            "acknowledged" => "You look after the alert now: it is not repeated.",
            "silenced" => "The silence holds.",
            "silence_ended" => "The silence is over.",
            _ => return None,
        })
    },
};

/// In Japanese.
static JA: DrawnWords = DrawnWords {
    connect: "アプリケーションはまだ接続されていません。",
    connect_more: "3行で接続できます。接続すると15秒以内にここに表示されます。",
    connect_otel: "OpenTelemetry（コードの変更なし）",
    connect_other: "その他（Prometheus エンドポイント）",
    mount: "マウント先",
    share: "使用率",
    used: "使用",
    total: "合計",
    interface: "インターフェース",
    no_interfaces: "読み取れたネットワークインターフェースはありません。",
    host_name: "名前",
    uptime_name: "稼働時間",
    cores_name: "論理コア",
    load_minutes: |minutes| format!("ロード {minutes}分"),
    events: "まだ何も集計されていません。",
    events_more: "数えたい出来事が起きる場所に1行加えるだけです。シェルからも試せます。",
    api_more: "説明は英語です。クライアント生成用の OpenAPI 3.1:",
    api_types: "型",
    api_parameters: "パラメーター",
    api_columns: ["名前", "型", "必須", "意味"],
    api_required: "はい",
    api_body: "本文:",
    api_answers: "応答",
    api_answer_columns: ["ステータス", "型", "意味"],
    own_graphs: "カスタムグラフ",
    customise: "このページをカスタマイズ",
    customise_note: "このブラウザに保存されます。全員向けの設定は recipe-monitoring.toml の [dashboard] です。",
    panels: "パネル",
    panel_columns: ["パネル", "順番（0で非表示）", "幅"],
    graphs: "グラフ",
    own_fields: ["タイトル", "系列", "単位", "幅"],
    own_note: "系列は5つまで、セミコロンで区切ります。タイトルのないグラフは削除されます。",
    unit: |unit| match unit {
        "percent" => "%",
        "bytes" => "バイト",
        "bytes_per_second" => "バイト/秒",
        "per_second" => "毎秒",
        "milliseconds" => "ミリ秒",
        "load" => "ロード",
        _ => "数",
    },
    save: "保存",
    reset: "初期設定に戻す",
    database: "データベース",
    each_part: "ファイルシステム・インターフェース別",
    more_lines: |count| format!("値の大きい5系列を表示（ほかに{count}系列）"),
    receivers: "通知先",
    receivers_none: "通知先はまだありません。アラートはこの画面とログにだけ表示されます。recipe-monitoring.toml に追加してください:",
    receiver_columns: ["通知先", "種類", "状態", "最後の通知", "訓練"],
    delivers: "届いています",
    unused: "まだ通知はありません",
    fails: |since, error| format!("{since} から届きません: {error}"),
    waiting: |count| format!("送信待ち {count} 件"),
    given_up: |count| format!("断念 {count} 件"),
    proven: |age| format!("{age}前に到達を確認"),
    unproven: "未確認",
    drill_failed: "前回の訓練が届きませんでした",
    never: "なし",
    test: "テスト送信",
    heartbeat: "ハートビート",
    silences: "サイレンス",
    silences_none: "サイレンスはありません。",
    silence_columns: ["対象", "設定者", "理由", "終了"],
    until_resolved: "復旧するまで",
    ends_soon: "まもなく終了（発生中）",
    end_silence: "終了する",
    new_silence: "ほかのアラートをサイレンスする",
    matchers: "ルール名・ラベル（例: HighDisk{mount=\"/\"}）",
    rules: "ルール",
    rule_columns: ["状態", "ルール", "条件", "現在値", "継続時間", "直近 1 時間"],
    phase: |phase| match phase {
        None => "正常",
        Some(Phase::Pending) => "保留中",
        Some(Phase::Firing) => "発生中",
    },
    more_series: |count| format!("ほか {count} 系列"),
    log_only: "ログのみ",
    any: "すべて",
    spans: [("1", "24 時間"), ("7", "7 日間"), ("30", "30 日間"), ("0", "全期間")],
    span: "発生時期",
    filter: "表示",
    history: "これまでのアラート",
    rule: "ルール",
    severity_name: "重大度",
    message: "メッセージ",
    from: "発生時刻",
    duration: "継続時間",
    still: "発生中",
    history_none: "まだアラートは発生していません。",
    history_unknown: "PostgreSQL が応答しないため、履歴を表示できません。",
    nothing_found: "該当するアラートはありません。",
    away: "コレクターが応答しないため、ルール・サイレンス・通知先は今は分かりません。",
    done: |word| {
        Some(match word {
            "tested" => "テストが通知先に届きました。",
            "acknowledged" => "対応者を記録しました。再通知は止まります。",
            "silenced" => "サイレンスを設定しました。",
            "silence_ended" => "サイレンスを終了しました。",
            _ => return None,
        })
    },
};

impl DrawnWords {
    /// Those of a language.
    #[must_use]
    pub fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &EN,
            Locale::Ja => &JA,
        }
    }
}
