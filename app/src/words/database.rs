//! What the panel and the page of the databases say. The server alone draws them, so the browser does
//! not carry it.

use collector::database::ObstacleKind;

use crate::locale::Locale;

/// Their words in one language.
#[derive(Debug)]
pub struct DatabaseWords {
    /// Title of the panel.
    pub database: &'static str,
    /// The link from the panel to its page.
    pub all: &'static str,
    /// Connections of the server.
    pub connections: &'static str,
    /// States of connections: active, idle, idle in a transaction, waiting for a lock, hidden.
    pub states: [&'static str; 5],
    /// How many there may be.
    pub of_most: fn(most: &str) -> String,
    /// Our own pool of connections.
    pub pool: &'static str,
    /// States of the pool: active, idle, waiting, free.
    pub pool_states: [&'static str; 4],
    /// Share of blocks found in memory.
    pub cache_hit: &'static str,
    /// The same since the statistics were reset.
    pub in_all: fn(share: &str) -> String,
    /// Transactions.
    pub transactions: &'static str,
    /// Those that were committed.
    pub commits: &'static str,
    /// Those that were rolled back.
    pub rollbacks: &'static str,
    /// How many of them were rolled back.
    pub rolled_back: fn(rate: &str) -> String,
    /// Locks that are waited for.
    pub locks_waiting: &'static str,
    /// The longest open transaction.
    pub longest_transaction: fn(duration: &str) -> String,
    /// Size of the database.
    pub size: &'static str,
    /// Its name.
    pub of_database: fn(name: &str) -> String,
    /// Memory of Redis.
    pub redis_memory: &'static str,
    /// Its limit; `None`: there is none.
    pub memory_limit: fn(limit: Option<&str>) -> String,
    /// Redis' share of lookups that found a key.
    pub hit_ratio: &'static str,
    /// Keys that were dropped for lack of memory.
    pub evictions: &'static str,
    /// Connections of Redis.
    pub clients: &'static str,
    /// Those that wait.
    pub blocked: fn(count: &str) -> String,
    /// Commands of Redis.
    pub commands: &'static str,
    /// Keys of Redis.
    pub keys: &'static str,
    /// The most memory that it had.
    pub peak: &'static str,
    /// What it does when its memory is full.
    pub policy: &'static str,
    /// Keys whose time was over.
    pub expired: &'static str,
    /// Connections that were refused.
    pub rejected: &'static str,
    /// How long an answer takes.
    pub answer: &'static str,
    /// Its role.
    pub role: &'static str,
    /// Version.
    pub version: &'static str,
    /// Time since the start.
    pub uptime: &'static str,
    /// Deadlocks.
    pub deadlocks: &'static str,
    /// Temporary files.
    pub temporary: &'static str,
    /// Age of the oldest transaction, in transactions, and where a forced vacuum begins.
    pub transaction_age: &'static str,
    /// Since when is counted; `None`: always.
    pub counted_since: fn(moment: Option<&str>) -> String,
    /// Title of the statements.
    pub statements: &'static str,
    /// Columns: statement, mean, calls, total, share, change.
    pub statement_columns: [&'static str; 6],
    /// There is none.
    pub statements_none: &'static str,
    /// A statement whose text is hidden.
    pub hidden_statements: &'static str,
    /// The mean changed against yesterday: `+12 %`.
    pub mean_changed: fn(change: &str) -> String,
    /// So did the calls.
    pub calls_changed: fn(change: &str) -> String,
    /// It did not run in one of the two days.
    pub not_run: &'static str,
    /// Not yet known.
    pub change_unknown: &'static str,
    /// What the change is.
    pub change_note: &'static str,
    /// Title of the locks.
    pub locks: &'static str,
    /// Nobody waits.
    pub locks_none: &'static str,
    /// Columns: session, waits for, since, statement.
    pub lock_columns: [&'static str; 4],
    /// One that blocks others and waits for nobody.
    pub blocks: &'static str,
    /// A deadlock.
    pub deadlock: &'static str,
    /// A prepared transaction.
    pub prepared: &'static str,
    /// Whom it waits for besides.
    pub also_waits_for: fn(pids: &str) -> String,
    /// Title of the sessions.
    pub sessions: &'static str,
    /// None is busy.
    pub sessions_none: &'static str,
    /// Columns: session, state, waits for, statement since, transaction since, statement.
    pub session_columns: [&'static str; 6],
    /// Title of the tables.
    pub tables: &'static str,
    /// Columns: table, size, indexes, day, week, rows, dead, bloat, vacuumed, analysed.
    pub table_columns: [&'static str; 10],
    /// There is none.
    pub tables_none: &'static str,
    /// What bloat is, and of whom growth is known.
    pub tables_note: &'static str,
    /// Title of the indexes that are not used.
    pub unused: &'static str,
    /// All are used.
    pub unused_none: &'static str,
    /// What that means.
    pub unused_note: fn(since: &str) -> String,
    /// Title of the largest indexes.
    pub indexes: &'static str,
    /// Columns: index, table, size, day, week, scans.
    pub index_columns: [&'static str; 6],
    /// Title of the replication.
    pub replication: &'static str,
    /// Columns: standby, address, state, seconds, bytes.
    pub standby_columns: [&'static str; 5],
    /// Columns: slot, state, bytes.
    pub slot_columns: [&'static str; 3],
    /// A slot is read from, or not.
    pub slot_state: fn(is_active: bool) -> &'static str,
    /// This server follows another one.
    pub own_lag: fn(seconds: &str) -> String,
    /// Title of the slow log.
    pub slow_log: &'static str,
    /// Columns: command, time, at.
    pub slow_columns: [&'static str; 3],
    /// It is empty.
    pub slow_none: &'static str,
    /// Rows of a table that are folded away.
    pub more: fn(count: usize) -> String,
    /// Never.
    pub never: &'static str,
    /// Title of the newest backup.
    pub backup: &'static str,
    /// How long it took, in seconds.
    pub backup_took: fn(seconds: &str) -> String,
    /// Redis is not in it.
    pub backup_partial: &'static str,
    /// The host that it lies on.
    pub backup_on: fn(host: &str) -> String,
    /// There is none, and none is made by itself; or one is made every day.
    pub backup_none: [&'static str; 2],
    /// The last try failed; why comes after it.
    pub backup_failed: fn(ago: &str) -> String,
    /// What stands in the way, and what to do; the lines come after it.
    pub obstacle: fn(ObstacleKind, part: &str) -> String,
}

/// In English.
static EN: DatabaseWords = DatabaseWords {
    database: "Database",
    all: "Locks, tables, all queries",
    connections: "Connections",
    states: ["active", "idle", "idle in transaction", "waiting for a lock", "hidden"],
    of_most: |most| format!("of {most}"),
    pool: "Our connection pool",
    pool_states: ["active", "idle", "waiting", "free"],
    cache_hit: "Cache hits",
    in_all: |share| format!("{share} in all"),
    transactions: "Transactions",
    commits: "Commits",
    rollbacks: "Rollbacks",
    rolled_back: |rate| format!("{rate} rolled back"),
    locks_waiting: "Waiting for locks",
    longest_transaction: |duration| format!("longest transaction {duration}"),
    size: "Size",
    of_database: |name| format!("database {name}"),
    redis_memory: "Redis memory",
    memory_limit: |limit| limit.map_or_else(|| "no limit".to_owned(), |limit| format!("of {limit}")),
    hit_ratio: "Redis hits",
    evictions: "Evictions",
    clients: "Clients",
    blocked: |count| format!("{count} blocked"),
    commands: "Commands",
    keys: "Keys",
    peak: "Most memory",
    policy: "When memory is full",
    expired: "Expired keys",
    rejected: "Refused connections",
    answer: "Answers in",
    role: "Role",
    version: "Version",
    uptime: "Up for",
    deadlocks: "Deadlocks",
    temporary: "Temporary files",
    transaction_age: "Oldest unfrozen transaction",
    counted_since: |moment| match moment {
        Some(moment) => format!("counted since {moment}"),
        None => "counted since the database was made".to_owned(),
    },
    statements: "Slow queries",
    statement_columns: ["Query", "Mean", "Calls", "Total", "Share of time", "Since yesterday"],
    statements_none: "No query has been counted yet.",
    hidden_statements: "queries of other roles, hidden",
    mean_changed: |change| format!("mean {change}"),
    calls_changed: |change| format!("calls {change}"),
    not_run: "did not run on both days",
    change_unknown: "not known yet",
    change_note: "Since yesterday: the last 24 hours against the 24 before, known after two days of counting.",
    locks: "Locks",
    locks_none: "Nobody waits for a lock.",
    lock_columns: ["Session", "Waits for", "Since", "Query"],
    blocks: "blocks those below",
    deadlock: "deadlock",
    prepared: "prepared transaction",
    also_waits_for: |pids| format!("also waits for {pids}"),
    sessions: "At work now",
    sessions_none: "No session is at work.",
    session_columns: ["Session", "State", "Waits for", "Query for", "Transaction for", "Query"],
    tables: "Largest tables",
    table_columns: [
        "Table",
        "Size",
        "Indexes",
        "In a day",
        "In a week",
        "Rows",
        "Dead rows",
        "Bloat, estimated",
        "Vacuumed",
        "Analyzed",
    ],
    tables_none: "There is no table.",
    tables_note: "Growth is known after a day and a week. Bloat is what the rows of the last analysis would not need.",
    unused: "Unused indexes",
    unused_none: "Every index is used or keeps something unique.",
    unused_note: |since| format!("No query has used them, and they keep nothing unique ({since})."),
    indexes: "Largest indexes",
    index_columns: ["Index", "Table", "Size", "In a day", "In a week", "Uses"],
    replication: "Replication",
    standby_columns: ["Standby", "Address", "State", "Behind", "Bytes behind"],
    slot_columns: ["Slot", "State", "Log kept"],
    slot_state: |is_active| if is_active { "in use" } else { "not in use" },
    own_lag: |seconds| format!("This server is a standby, {seconds} behind."),
    slow_log: "Redis slow log",
    slow_columns: ["Command", "Took", "At"],
    slow_none: "No command was slow.",
    more: |count| format!("{count} more"),
    never: "never",
    backup: "Newest backup",
    backup_took: |seconds| format!("took {seconds} s"),
    backup_partial: "without Redis",
    backup_on: |host| format!("on {host}"),
    backup_none: [
        "None, and none is made by itself: set backup.schedule = \"on\", or run recipe-monitoring-collector backup.",
        "None yet: the first one is made next night.",
    ],
    backup_failed: |ago| format!("The last try failed {ago}; it is tried again."),
    obstacle: |kind, part| match kind {
        ObstacleKind::Permission => format!("{part}: the role may not see all of it. An administrator can grant that:"),
        ObstacleKind::Extension => {
            format!("{part}: pg_stat_statements counts queries, and is not set up yet. Still missing:")
        }
        ObstacleKind::Away => format!("{part}: it does not answer, so nothing is known of it now."),
        ObstacleKind::Off => format!("{part}: it is switched off."),
        ObstacleKind::TooSlow => format!("{part}: the answer took too long; it is asked again."),
        ObstacleKind::Locked => format!("{part}: a lock is held on it; it is asked again."),
        ObstacleKind::Failed => format!("{part}: it could not be read; the log says why."),
    },
};

/// In Japanese.
static JA: DatabaseWords = DatabaseWords {
    database: "データベース",
    all: "ロック、テーブル、全クエリ",
    connections: "接続",
    states: ["アクティブ", "アイドル", "トランザクション中アイドル", "ロック待ち", "非表示"],
    of_most: |most| format!("上限 {most}"),
    pool: "接続プール",
    pool_states: ["アクティブ", "アイドル", "待機", "空き"],
    cache_hit: "キャッシュヒット",
    in_all: |share| format!("累計 {share}"),
    transactions: "トランザクション",
    commits: "コミット",
    rollbacks: "ロールバック",
    rolled_back: |rate| format!("ロールバック {rate}"),
    locks_waiting: "ロック待ち",
    longest_transaction: |duration| format!("最長トランザクション {duration}"),
    size: "サイズ",
    of_database: |name| format!("データベース {name}"),
    redis_memory: "Redis メモリ",
    memory_limit: |limit| limit.map_or_else(|| "上限なし".to_owned(), |limit| format!("上限 {limit}")),
    hit_ratio: "Redis ヒット率",
    evictions: "追い出し",
    clients: "クライアント",
    blocked: |count| format!("ブロック中 {count}"),
    commands: "コマンド",
    keys: "キー",
    peak: "最大メモリ",
    policy: "メモリ上限時",
    expired: "期限切れキー",
    rejected: "拒否した接続",
    answer: "応答時間",
    role: "役割",
    version: "バージョン",
    uptime: "稼働時間",
    deadlocks: "デッドロック",
    temporary: "一時ファイル",
    transaction_age: "凍結前の最古トランザクション",
    counted_since: |moment| match moment {
        Some(moment) => format!("{moment} からの集計"),
        None => "データベース作成時からの集計".to_owned(),
    },
    statements: "スロークエリ",
    statement_columns: ["クエリ", "平均", "回数", "合計", "時間の割合", "前日比"],
    statements_none: "集計されたクエリはまだありません。",
    hidden_statements: "ほかのロールのクエリ（非表示）",
    mean_changed: |change| format!("平均 {change}"),
    calls_changed: |change| format!("回数 {change}"),
    not_run: "両日とも実行された記録はありません",
    change_unknown: "集計中",
    change_note: "前日比は直近 24 時間とその前の 24 時間の比較で、集計開始から 2 日後に分かります。",
    locks: "ロック",
    locks_none: "ロック待ちはありません。",
    lock_columns: ["セッション", "待っているロック", "経過", "クエリ"],
    blocks: "下のセッションをブロック中",
    deadlock: "デッドロック",
    prepared: "プリペアドトランザクション",
    also_waits_for: |pids| format!("ほかに {pids} も待機"),
    sessions: "実行中",
    sessions_none: "実行中のセッションはありません。",
    session_columns: ["セッション", "状態", "待機", "クエリ経過", "トランザクション経過", "クエリ"],
    tables: "大きいテーブル",
    table_columns: [
        "テーブル",
        "サイズ",
        "インデックス",
        "1 日の増加",
        "1 週間の増加",
        "行数",
        "不要行",
        "肥大化（推定）",
        "VACUUM",
        "ANALYZE",
    ],
    tables_none: "テーブルはありません。",
    tables_note: "増加は 1 日後・1 週間後に分かります。肥大化は前回の ANALYZE の行が必要としない容量の推定です。",
    unused: "未使用インデックス",
    unused_none: "どのインデックスも使用されているか、一意性を保っています。",
    unused_note: |since| format!("どのクエリにも使われず、一意性も保っていません（{since}）。"),
    indexes: "大きいインデックス",
    index_columns: ["インデックス", "テーブル", "サイズ", "1 日の増加", "1 週間の増加", "使用回数"],
    replication: "レプリケーション",
    standby_columns: ["スタンバイ", "アドレス", "状態", "遅延", "遅延バイト"],
    slot_columns: ["スロット", "状態", "保持中のログ"],
    slot_state: |is_active| if is_active { "使用中" } else { "未使用" },
    own_lag: |seconds| format!("このサーバーはスタンバイで、遅延は {seconds} です。"),
    slow_log: "Redis スローログ",
    slow_columns: ["コマンド", "時間", "時刻"],
    slow_none: "遅いコマンドはありません。",
    more: |count| format!("ほか {count} 件"),
    never: "なし",
    backup: "最新のバックアップ",
    backup_took: |seconds| format!("所要 {seconds} 秒"),
    backup_partial: "Redis を含みません",
    backup_on: |host| format!("ホスト {host}"),
    backup_none: [
        "まだなく、自動でも作成されません。backup.schedule = \"on\" を設定するか、recipe-monitoring-collector backup を実行してください。",
        "まだありません。最初のバックアップは次の夜に作成されます。",
    ],
    backup_failed: |ago| format!("{ago}のバックアップに失敗しました。再試行は続きます。"),
    obstacle: |kind, part| match kind {
        ObstacleKind::Permission => {
            format!("{part}: このロールにはすべてを見る権限がありません。管理者が次の文で付与できます:")
        }
        ObstacleKind::Extension => {
            format!("{part}: クエリを集計する pg_stat_statements がまだ設定されていません。残りの手順:")
        }
        ObstacleKind::Away => format!("{part}: 応答がないため、今は分かりません。"),
        ObstacleKind::Off => format!("{part}: 無効になっています。"),
        ObstacleKind::TooSlow => format!("{part}: 応答に時間がかかりすぎました。再度問い合わせます。"),
        ObstacleKind::Locked => format!("{part}: ロックされています。再度問い合わせます。"),
        ObstacleKind::Failed => format!("{part}: 読み取れませんでした。原因はログにあります。"),
    },
};

impl DatabaseWords {
    /// Those of a language.
    #[must_use]
    pub fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &EN,
            Locale::Ja => &JA,
        }
    }
}
