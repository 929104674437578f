//! Markup as text, for what is only shown: tables, bars, lists. A view of its own for each would
//! weigh several times as much in the browser. What is not ours is escaped: markup is only what
//! stands in the code.

use leptos::html::Div;
use leptos::prelude::*;

use super::icon::Shape;
use crate::browser;
use crate::live::LiveStore;

/// Markup that is being written.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Adds markup.
    pub fn mark(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds what the server has drawn, or the path of a drawing.
    pub fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// Adds text, also inside the quotes of an attribute.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                letter => self.0.push(letter),
            }
        }
        self
    }

    /// Adds an element of a class with text in it.
    pub fn element(&mut self, start: &'static str, text: &str, end: &'static str) -> &mut Self {
        self.mark(start).text(text).mark(end)
    }

    /// Adds an icon beside words.
    pub fn icon(&mut self, shape: Shape) -> &mut Self {
        self.mark("<svg class=\"icon\" viewBox=\"0 0 18 18\" aria-hidden=\"true\"><path d=\"");
        self.mark(shape.path()).mark("\"/></svg>")
    }

    /// Adds a table whose first column names the row, or `none` where there is no row. A cell is
    /// its text; the name's class is `class`.
    pub fn table(&mut self, class: &'static str, columns: &[String], rows: &[Vec<String>], none: &str) -> &mut Self {
        if rows.is_empty() {
            return self.element("<p class=\"table-none\">", none, "</p>");
        }
        self.mark("<table class=\"table\"><thead><tr>");
        for name in columns {
            self.element("<th scope=\"col\">", name, "</th>");
        }
        self.mark("</tr></thead><tbody>");
        for row in rows {
            let mut cells = row.iter();
            let name = cells.next().map(String::as_str).unwrap_or_default();
            self.mark("<tr><th scope=\"row\" class=\"path ").mark(class);
            self.element("\" title=\"", name, "\">");
            self.element("<span><span class=\"path-name\">", name, "</span></span></th>");
            for cell in cells {
                self.element("<td>", cell, "</td>");
            }
            self.mark("</tr>");
        }
        self.mark("</tbody></table>")
    }

    /// What was written.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The place of markup that is written anew when a signal it reads changes.
pub fn part(write: impl Fn(&mut Html) + Send + Sync + 'static) -> AnyView {
    of_text("markup", Box::new(write), false)
}

/// The same, that waits while somebody fills in a form in it.
pub fn part_with_forms(write: impl Fn(&mut Html) + Send + Sync + 'static) -> AnyView {
    of_text("markup", Box::new(write), true)
}

/// The same with these classes, which have `markup` among them.
pub fn of_text(class: &'static str, write: Box<dyn Fn(&mut Html) + Send + Sync>, has_forms: bool) -> AnyView {
    let store = use_context::<LiveStore>();
    // Elements stay as they are while the text does.
    let html = Memo::new(move |before: Option<&String>| {
        if let (Some(before), Some(store)) = (before.filter(|_| has_forms && browser::is_acting()), store) {
            // Once that is done, this is written anew.
            store.now.track();
            return before.clone();
        }
        let mut html = Html::default();
        write(&mut html);
        html.into_string()
    });
    let place = NodeRef::<Div>::new();
    let markup = browser::written(html, place);
    view! { <div class=class node_ref=place inner_html=markup></div> }.into_any()
}

/// A view that is there as long as `is` holds.
pub fn when(is: Memo<bool>, view: Box<dyn Fn() -> AnyView + Send + Sync>) -> AnyView {
    let view = move || if is.get() { view() } else { ().into_any() };
    view! { {view} }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_is_text() {
        let mut html = Html::default();
        html.element("<b title=\"", "\"><script>", "\">").text("a & b");
        assert_eq!(html.into_string(), "<b title=\"&quot;&gt;&lt;script&gt;\">a &amp; b");
    }

    #[test]
    fn a_table_names_its_rows_and_says_why_it_is_empty() {
        let mut html = Html::default();
        html.table("route", &["Route".into(), "P95".into()], &[vec!["<a>".into(), "5 ms".into()]], "none");
        assert_eq!(
            html.into_string(),
            "<table class=\"table\"><thead><tr><th scope=\"col\">Route</th><th scope=\"col\">P95</th></tr></thead><tbody>\
             <tr><th scope=\"row\" class=\"path route\" title=\"&lt;a&gt;\"><span><span class=\"path-name\">&lt;a&gt;</span>\
             </span></th><td>5 ms</td></tr></tbody></table>"
        );
        let mut html = Html::default();
        html.table("route", &[], &[], "none");
        assert_eq!(html.into_string(), "<p class=\"table-none\">none</p>");
    }
}
