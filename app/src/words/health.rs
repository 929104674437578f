//! What is said on the page about the monitoring itself. It is the server's alone, so the browser does not carry it.

use collector::PartFault;

use crate::locale::Locale;

/// Its words in one language.
#[derive(Debug)]
pub struct HealthWords {
    /// Title.
    pub title: &'static str,
    /// What it is, and what says more.
    pub more: &'static str,
    /// Shown while the page cannot be brought up to date.
    pub stale: &'static str,
    /// When the page was drawn.
    pub as_of: &'static str,
    /// Title: the processes.
    pub processes: &'static str,
    /// Columns: program, version, does, since, memory, CPU.
    pub process_columns: [&'static str; 6],
    /// What a process does, by its role.
    pub role: fn(role: &str) -> &'static str,
    /// The collector beside does not answer.
    pub away: &'static str,
    /// CPU on average, as a share of one core.
    pub cpu: fn(share: &str) -> String,
    /// Title: the parts.
    pub parts: &'static str,
    /// Columns: part, state, since, last answer, latency.
    pub part_columns: [&'static str; 5],
    /// The part that samples.
    pub collector: &'static str,
    /// States: answers, does not, is off.
    pub states: [&'static str; 3],
    /// What is wrong with a part.
    pub fault: fn(PartFault) -> &'static str,
    /// So long ago.
    pub ago: fn(duration: &str) -> String,
    /// Title: sampling.
    pub sampling: &'static str,
    /// Facts: readings, lateness, duration, samples kept, refused, scrapes.
    pub sampling_facts: [&'static str; 6],
    /// On average, and 99 of 100 within.
    pub spread: fn(mean: &str, most: &str) -> String,
    /// Succeeded and failed.
    pub outcomes: fn(done: &str, failed: &str) -> String,
    /// Title: saving.
    pub saving: &'static str,
    /// Facts: waiting, for how long, given up, saves, duration of a save, rows saved, writes to the spool that failed.
    pub saving_facts: [&'static str; 7],
    /// Records and their size on disk.
    pub waiting: fn(records: &str, size: &str) -> String,
    /// Nothing waits.
    pub nothing_waits: &'static str,
    /// Title: what goes out.
    pub out: &'static str,
    /// Facts: websockets, events, messages waiting, newest backup, its size, last failure of a backup.
    pub out_facts: [&'static str; 6],
    /// There is none.
    pub none: &'static str,
    /// Title: settings.
    pub settings: &'static str,
    /// Facts: last read, in use since, waits for a restart.
    pub settings_facts: [&'static str; 3],
    /// They were read, and are right.
    pub settings_ok: &'static str,
    /// They were refused.
    pub settings_refused: &'static str,
    /// Title: our own tables.
    pub tables: &'static str,
    /// Columns: table, rows, size.
    pub table_columns: [&'static str; 3],
    /// PostgreSQL does not say.
    pub tables_unknown: &'static str,
    /// All together.
    pub all: &'static str,
    /// Title: warnings and errors.
    pub log: &'static str,
    /// Columns: when, kind, said, program.
    pub log_columns: [&'static str; 4],
    /// Nothing was said.
    pub log_none: &'static str,
    /// Kinds: warning, error.
    pub kinds: [&'static str; 2],
    /// Said so often in a row.
    pub times: fn(times: &str) -> String,
}

impl HealthWords {
    /// In this language.
    #[must_use]
    pub fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &EN,
            Locale::Ja => &JA,
        }
    }
}

static EN: HealthWords = HealthWords {
    title: "Own health",
    more: "How the monitoring itself stands. What is wrong and what to do says recipe-monitoring-collector doctor; recipe-monitoring-collector support packs all of it for somebody who helps, without secrets.",
    stale: "The server does not answer: this is how it stood before. It is asked again.",
    as_of: "As of",
    processes: "Processes",
    process_columns: ["Program", "Version", "Does", "Started", "Memory", "CPU"],
    role: |role| match role {
        "collector" => "samples and saves",
        "dashboard" => "shows",
        _ => "samples, saves and shows",
    },
    away: "does not answer on this host",
    cpu: |share| format!("{share} % on average"),
    parts: "What it needs",
    part_columns: ["Part", "State", "Since", "Last answer", "Latency"],
    collector: "Collector",
    states: ["answers", "does not answer", "off"],
    fault: |fault| match fault {
        PartFault::Refused => "connection refused",
        PartFault::Hanging => "no answer in time",
        PartFault::Unreachable => "no way to the host",
        PartFault::WrongPassword => "wrong password, or no log-in",
        PartFault::NoDatabase => "no such database",
        PartFault::Tls => "TLS or its certificate",
        PartFault::ReadOnly => "it only lets read",
        PartFault::PoolExhausted => "all of our connections are in use",
        PartFault::TooManyConnections => "it takes no more connections",
        PartFault::StartingUp => "starting up or shutting down",
        PartFault::DiskFull => "its disk is full",
        PartFault::OutOfMemory => "it has no memory left",
        PartFault::Other => "see the log",
    },
    ago: |duration| format!("{duration} ago"),
    sampling: "Sampling",
    sampling_facts: ["Readings of the host", "Began too late by", "Took", "Samples kept", "Numbers refused", "Scrapes"],
    spread: |mean, most| format!("{mean}\u{a0}ms, 99\u{a0}% within {most}"),
    outcomes: |done, failed| format!("{done} done, {failed} failed"),
    saving: "Saving",
    saving_facts: [
        "Waits to be saved",
        "For",
        "Given up",
        "Saves",
        "A batch takes",
        "Rows saved",
        "Failed writes to disk",
    ],
    waiting: |records, size| format!("{records} records, {size}"),
    nothing_waits: "nothing",
    out: "Live feed, messages, backups",
    out_facts: [
        "Websockets open",
        "Events sent",
        "Messages waiting",
        "Newest backup",
        "Its size",
        "Last failed backup",
    ],
    none: "none",
    settings: "Settings",
    settings_facts: ["Last read", "In use since", "Wait for a restart"],
    settings_ok: "read, and in use",
    settings_refused: "refused",
    tables: "Own tables",
    table_columns: ["Table", "Rows, about", "Size with indexes"],
    tables_unknown: "PostgreSQL does not answer that now.",
    all: "All together",
    log: "Newest warnings and errors",
    log_columns: ["When", "Kind", "What was said", "Program"],
    log_none: "None since the start.",
    kinds: ["warning", "error"],
    times: |times| format!("{times} times in a row"),
};

static JA: HealthWords = HealthWords {
    title: "監視システムの状態",
    more: "監視システム自体の状態です。問題の原因と対処は recipe-monitoring-collector doctor で確認できます。recipe-monitoring-collector support は、サポート担当者に渡す情報を、秘密情報を除いて一つのファイルにまとめます。",
    stale: "サーバーが応答しません。表示は最後に取得した状態です。再取得を続けています。",
    as_of: "取得時刻",
    processes: "プロセス",
    process_columns: ["プログラム", "バージョン", "役割", "起動", "メモリ", "CPU"],
    role: |role| match role {
        "collector" => "収集・保存",
        "dashboard" => "表示",
        _ => "収集・保存・表示",
    },
    away: "このホストでは応答がありません",
    cpu: |share| format!("平均 {share} %"),
    parts: "利用している構成要素",
    part_columns: ["構成要素", "状態", "状態の開始", "最後の応答", "応答時間"],
    collector: "コレクター",
    states: ["応答あり", "応答なし", "オフ"],
    fault: |fault| match fault {
        PartFault::Refused => "接続が拒否されました",
        PartFault::Hanging => "時間内に応答がありません",
        PartFault::Unreachable => "ホストに到達できません",
        PartFault::WrongPassword => "パスワードの誤り、またはログイン不可",
        PartFault::NoDatabase => "データベースがありません",
        PartFault::Tls => "TLS または証明書の問題",
        PartFault::ReadOnly => "読み取り専用です",
        PartFault::PoolExhausted => "接続プールに空きがありません",
        PartFault::TooManyConnections => "接続数の上限に達しています",
        PartFault::StartingUp => "起動中または停止中です",
        PartFault::DiskFull => "ディスクに空きがありません",
        PartFault::OutOfMemory => "メモリが不足しています",
        PartFault::Other => "ログをご確認ください",
    },
    ago: |duration| format!("{duration}前"),
    sampling: "サンプリング",
    sampling_facts: ["ホストの読み取り回数", "開始の遅れ", "所要時間", "記録したサンプル", "拒否した値", "スクレイプ"],
    spread: |mean, most| format!("{mean}\u{a0}ms（99\u{a0}% が {most} 以内）"),
    outcomes: |done, failed| format!("成功 {done}、失敗 {failed}"),
    saving: "保存",
    saving_facts: [
        "保存待ち",
        "待ち時間",
        "破棄した件数",
        "保存の実行",
        "1 回の所要時間",
        "保存した行数",
        "ディスク書き込みの失敗",
    ],
    waiting: |records, size| format!("{records} 件、{size}"),
    nothing_waits: "なし",
    out: "ライブ配信・通知・バックアップ",
    out_facts: [
        "接続中の WebSocket",
        "配信したイベント",
        "送信待ちの通知",
        "最新のバックアップ",
        "サイズ",
        "最後に失敗したバックアップ",
    ],
    none: "なし",
    settings: "設定",
    settings_facts: ["最後の読み込み", "使用中の設定", "再起動待ちの設定"],
    settings_ok: "読み込み済み、使用中",
    settings_refused: "拒否",
    tables: "自身のテーブル",
    table_columns: ["テーブル", "行数（概算）", "サイズ（索引を含む）"],
    tables_unknown: "PostgreSQL から取得できません。",
    all: "合計",
    log: "最近の警告とエラー",
    log_columns: ["日時", "種類", "内容", "プログラム"],
    log_none: "起動後はありません。",
    kinds: ["警告", "エラー"],
    times: |times| format!("連続 {times} 回"),
};
