//! What is said of users, log-in and the audit log. These pages are the server's alone, so the browser does not carry it.

use crate::locale::Locale;

/// Its words in one language.
#[derive(Debug)]
pub struct AccessWords {
    /// Title and button: log in.
    pub log_in: &'static str,
    /// Button: log out.
    pub log_out: &'static str,
    /// Name of the place that says who is logged in.
    pub logged_in: &'static str,
    /// Field: name of the user.
    pub name: &'static str,
    /// Field: the password.
    pub password: &'static str,
    /// Field: the password that holds.
    pub password_now: &'static str,
    /// Field: the password to be.
    pub password_new: &'static str,
    /// Field: the same once more.
    pub password_again: &'static str,
    /// How long a password must be.
    pub password_note: &'static str,
    /// Name or password is not right.
    pub wrong: &'static str,
    /// The password of now is not right.
    pub password_wrong: &'static str,
    /// Two passwords differ.
    pub not_the_same: &'static str,
    /// Too many tries.
    pub too_often: fn(seconds: u64) -> String,
    /// It could not be done.
    pub failed: &'static str,
    /// Title: the first admin.
    pub first_admin: &'static str,
    /// How it is done.
    pub first_admin_more: &'static str,
    /// Field: that token.
    pub first_token: &'static str,
    /// It is another one.
    pub first_token_wrong: &'static str,
    /// Button that makes it.
    pub first_admin_make: &'static str,
    /// Title: one's own account.
    pub account: &'static str,
    /// One's role.
    pub role_is: &'static str,
    /// Title and button: change it.
    pub change_password: &'static str,
    /// What that does.
    pub change_password_note: &'static str,
    /// Title: where one is logged in.
    pub sessions: &'static str,
    /// Columns: browser, address, since, last used.
    pub session_columns: [&'static str; 4],
    /// The session of this page.
    pub session_this: &'static str,
    /// Button that ends one.
    pub session_end: &'static str,
    /// Where nobody needs to log in.
    pub nobody_needed: &'static str,
    /// Title: users and tokens.
    pub users: &'static str,
    /// Where there are none.
    pub users_none: &'static str,
    /// Columns: name, role, password since, what can be done.
    pub user_columns: [&'static str; 4],
    /// Field: role.
    pub role: &'static str,
    /// Button that gives another role.
    pub role_set: &'static str,
    /// Button that gives another password.
    pub password_set: &'static str,
    /// Button that removes.
    pub remove: &'static str,
    /// Title and button: add a user.
    pub add_user: &'static str,
    /// What the roles may.
    pub roles_note: &'static str,
    /// Title: API tokens.
    pub tokens: &'static str,
    /// How they are sent.
    pub tokens_note: &'static str,
    /// Where there are none.
    pub tokens_none: &'static str,
    /// Columns: name, scopes, made by, until, what can be done.
    pub token_columns: [&'static str; 5],
    /// A token without an end.
    pub token_for_ever: &'static str,
    /// Title and button: make a token.
    pub add_token: &'static str,
    /// Field: name of the token.
    pub token_name: &'static str,
    /// Field: what it may.
    pub token_scopes: &'static str,
    /// Field: how long it holds.
    pub token_days: &'static str,
    /// It is no such number.
    pub token_days_wrong: &'static str,
    /// The new token.
    pub token_made: &'static str,
    /// Link to the page about the monitoring itself, and its title.
    pub health: &'static str,
    /// Title: the audit log.
    pub audit: &'static str,
    /// What is in it.
    pub audit_more: &'static str,
    /// Where it is empty.
    pub audit_none: &'static str,
    /// PostgreSQL does not answer.
    pub audit_partial: &'static str,
    /// Columns: when, who, what, to what, more, from where, outcome.
    pub audit_columns: [&'static str; 7],
    /// It was done.
    pub audit_ok: &'static str,
    /// It was refused or failed.
    pub audit_failed: &'static str,
    /// Title: one may not do that.
    pub refused: &'static str,
    /// Link to the overview.
    pub to_overview: &'static str,
    /// What was done, by the word of the form's answer.
    pub done: fn(word: &str) -> Option<&'static str>,
}

/// In English.
static EN: AccessWords = AccessWords {
    log_in: "Log in",
    log_out: "Log out",
    logged_in: "Logged in",
    name: "Name",
    password: "Password",
    password_now: "Password now",
    password_new: "New password",
    password_again: "New password once more",
    password_note: "At least 10 characters.",
    wrong: "Name or password is not right.",
    password_wrong: "This is not your password.",
    not_the_same: "The two passwords are not the same.",
    too_often: |seconds| format!("Too many tries: wait {seconds} seconds, and try again."),
    failed: "It could not be done now; the program's log says why.",
    first_admin: "Make the first admin",
    first_admin_more: "Nobody can log in yet. When it started, the program printed a token, on its terminal or in its log; it holds until it is used, or the program starts again.",
    first_token: "Token of the start",
    first_token_wrong: "This is not the token of the last start. Look for the newest one in the log.",
    first_admin_make: "Make it and log in",
    account: "Account",
    role_is: "Role",
    change_password: "Change the password",
    change_password_note: "All other sessions of yours end.",
    sessions: "Where you are logged in",
    session_columns: ["Browser", "Address", "Since", "Last used"],
    session_this: "This one",
    session_end: "End",
    nobody_needed: "Nobody needs to log in here: the dashboard is reached from this machine only and has no users. Once there is one, everybody has to.",
    users: "Users",
    users_none: "There are no users. The first one must be admin; from then on, everybody has to log in.",
    user_columns: ["Name", "Role", "Password since", "Change"],
    role: "Role",
    role_set: "Set the role",
    password_set: "Set the password",
    remove: "Remove",
    add_user: "Add a user",
    roles_note: "viewer reads; operator looks after alerts, silences and annotates, too; admin has users, tokens and the audit log, too.",
    tokens: "API tokens",
    tokens_note: "Programs send one as the header Authorization: Bearer rmt_… Scopes: metrics is GET /metrics; ingest is pushing events and OTLP; read is the API and the live feed; operate is silences, annotations and receivers.",
    tokens_none: "There are no API tokens.",
    token_columns: ["Name", "Scopes", "Made by", "Until", "Change"],
    token_for_ever: "removed",
    add_token: "Make a token",
    token_name: "Name of the token",
    token_scopes: "Scopes",
    token_days: "Days that it holds; empty: until it is removed",
    token_days_wrong: "Write a whole number of days from 1 to 3650, or leave it empty.",
    token_made: "This is the new token. It is shown only now:",
    health: "Own health",
    audit: "Audit log",
    audit_more: "What somebody has changed, and who tried to log in; the newest first. No clean-up deletes it.",
    audit_none: "Nothing yet.",
    audit_partial: "PostgreSQL does not answer: only entries that wait to be saved are shown.",
    audit_columns: ["When", "Who", "Action", "Object", "Detail", "Address", "Outcome"],
    audit_ok: "Done",
    audit_failed: "Refused",
    refused: "You may not do this",
    to_overview: "To the overview",
    done: |word| {
        Some(match word {
            "added" => "The user is added.",
            "role" => "The user has another role.",
            "password" => "The user has another password, and no session any more.",
            "removed" => "The user is removed.",
            "token_removed" => "The token is removed.",
            "own_password" => "Your password is changed, and all other sessions of yours have ended.",
            "ended" => "The session has ended.",
            _ => return None,
        })
    },
};

/// In Japanese.
static JA: AccessWords = AccessWords {
    log_in: "ログイン",
    log_out: "ログアウト",
    logged_in: "ログイン中",
    name: "ユーザー名",
    password: "パスワード",
    password_now: "現在のパスワード",
    password_new: "新しいパスワード",
    password_again: "新しいパスワード（確認）",
    password_note: "10 文字以上。",
    wrong: "ユーザー名またはパスワードが違います。",
    password_wrong: "現在のパスワードが違います。",
    not_the_same: "二つのパスワードが一致しません。",
    too_often: |seconds| format!("試行回数が多すぎます。{seconds} 秒後にもう一度お試しください。"),
    failed: "今は実行できません。理由はプログラムのログをご覧ください。",
    first_admin: "最初の管理者を作成",
    first_admin_more: "まだ誰もログインできません。起動時にプログラムが端末またはログに表示したトークンを入力してください。トークンは一度だけ、次の起動まで有効です。",
    first_token: "起動時のトークン",
    first_token_wrong: "最後の起動時のトークンではありません。ログで最新のものをご確認ください。",
    first_admin_make: "作成してログイン",
    account: "アカウント",
    role_is: "権限",
    change_password: "パスワードを変更",
    change_password_note: "他のセッションはすべて終了します。",
    sessions: "ログイン中の端末",
    session_columns: ["ブラウザ", "アドレス", "開始", "最終利用"],
    session_this: "この端末",
    session_end: "終了",
    nobody_needed: "この画面はこのコンピューターからのみ利用でき、ユーザーがいないため、ログインは不要です。ユーザーを追加すると、全員にログインが必要になります。",
    users: "ユーザー",
    users_none: "ユーザーはいません。最初のユーザーは管理者（admin）にしてください。以後は全員にログインが必要になります。",
    user_columns: ["ユーザー名", "権限", "パスワード設定日", "操作"],
    role: "権限",
    role_set: "権限を変更",
    password_set: "パスワードを設定",
    remove: "削除",
    add_user: "ユーザーを追加",
    roles_note: "viewer は閲覧、operator はさらにアラート対応・サイレンス・アノテーション、admin はさらにユーザー・トークン・監査ログを扱えます。",
    tokens: "API トークン",
    tokens_note: "プログラムはヘッダー Authorization: Bearer rmt_… で送ります。metrics は GET /metrics、ingest はイベントと OTLP の送信、read は API とライブ配信、operate はサイレンス・アノテーション・通知先の操作です。",
    tokens_none: "API トークンはありません。",
    token_columns: ["名前", "スコープ", "作成者", "期限", "操作"],
    token_for_ever: "削除まで",
    add_token: "トークンを作成",
    token_name: "トークンの名前",
    token_scopes: "スコープ",
    token_days: "有効日数（空欄: 削除まで）",
    token_days_wrong: "1～3650 の整数か、空欄にしてください。",
    token_made: "新しいトークンです。表示されるのは今だけです:",
    health: "監視システムの状態",
    audit: "監査ログ",
    audit_more: "誰が何を変更したか、誰がログインを試みたか（新しい順）。自動削除されません。",
    audit_none: "まだ記録はありません。",
    audit_partial: "PostgreSQL が応答しないため、保存待ちの記録のみを表示しています。",
    audit_columns: ["日時", "実行者", "操作", "対象", "詳細", "アドレス", "結果"],
    audit_ok: "成功",
    audit_failed: "失敗",
    refused: "権限がありません",
    to_overview: "概要へ",
    done: |word| {
        Some(match word {
            "added" => "ユーザーを追加しました。",
            "role" => "権限を変更しました。",
            "password" => "パスワードを設定し、そのユーザーのセッションを終了しました。",
            "removed" => "ユーザーを削除しました。",
            "token_removed" => "トークンを削除しました。",
            "own_password" => "パスワードを変更し、他のセッションをすべて終了しました。",
            "ended" => "セッションを終了しました。",
            _ => return None,
        })
    },
};

impl AccessWords {
    /// Those of a language.
    #[must_use]
    pub fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &EN,
            Locale::Ja => &JA,
        }
    }
}
