//! What is said of annotations. They are drawn by the server alone, so the browser does not carry it.

use crate::locale::Locale;

/// Its words in one language.
#[derive(Debug)]
pub struct AnnotationWords {
    /// Title of the panel.
    pub title: &'static str,
    /// Opens the form and the list.
    pub open: &'static str,
    /// In the form: the text.
    pub text: &'static str,
    /// In the form: the tags.
    pub tags: &'static str,
    /// In the form: how long ago it was.
    pub ago: &'static str,
    /// In the form: who marks it.
    pub name: &'static str,
    /// Button that marks it.
    pub mark: &'static str,
    /// Name of the list.
    pub newest: &'static str,
    /// Column: when, what, tags, who.
    pub columns: [&'static str; 4],
    /// A span of time from one moment to another.
    pub span: fn(from: &str, to: &str) -> String,
    /// Button that removes one.
    pub remove: &'static str,
    /// Name of that button.
    pub remove_one: fn(text: &str) -> String,
    /// Where there are none.
    pub none: &'static str,
    /// PostgreSQL does not answer.
    pub away: &'static str,
    /// What was done, by the word of the form's answer.
    pub done: fn(word: &str) -> Option<&'static str>,
}

/// In English.
static EN: AnnotationWords = AnnotationWords {
    title: "Annotations",
    open: "Mark a moment on every graph, or see the latest",
    text: "What happened",
    tags: "Tags, with commas between them",
    ago: "Minutes ago",
    name: "Your name",
    mark: "Mark it",
    newest: "The latest annotations",
    columns: ["When", "What", "Tags", "By"],
    span: |from, to| format!("{from} to {to}"),
    remove: "Remove",
    remove_one: |text| format!("Remove: {text}"),
    none: "Nothing is marked yet.",
    away: "PostgreSQL does not answer, so nothing can be marked now.",
    done: |word| {
        Some(match word {
            "marked" => "It is marked on every graph.",
            "removed" => "The annotation is removed.",
            _ => return None,
        })
    },
};

/// In Japanese.
static JA: AnnotationWords = AnnotationWords {
    title: "アノテーション",
    open: "すべてのグラフに印を付ける・最近の一覧",
    text: "出来事",
    tags: "タグ（カンマ区切り）",
    ago: "何分前",
    name: "お名前",
    mark: "印を付ける",
    newest: "最近のアノテーション",
    columns: ["日時", "出来事", "タグ", "記録者"],
    span: |from, to| format!("{from} ～ {to}"),
    remove: "削除",
    remove_one: |text| format!("削除: {text}"),
    none: "まだ印はありません。",
    away: "PostgreSQL が応答しないため、今は印を付けられません。",
    done: |word| {
        Some(match word {
            "marked" => "すべてのグラフに印を付けました。",
            "removed" => "アノテーションを削除しました。",
            _ => return None,
        })
    },
};

impl AnnotationWords {
    /// Those of a language.
    #[must_use]
    pub fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &EN,
            Locale::Ja => &JA,
        }
    }
}
