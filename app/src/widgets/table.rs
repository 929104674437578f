//! Rows of text under names of columns.

use leptos::prelude::*;

/// One cell: its text and its class.
pub type Cell = (String, &'static str);

/// A table whose first column names the row. `none` is said where there is no row.
pub fn table(columns: Vec<String>, rows: Memo<Vec<Vec<Cell>>>, none: &'static str) -> AnyView {
    let is_empty = Signal::derive(move || rows.with(Vec::is_empty));
    let has_rows = Signal::derive(move || !is_empty.get());
    let row = |row: Vec<Cell>| {
        let mut cells = row.into_iter();
        let (name, class) = cells.next().unwrap_or_default();
        view! {
            <tr>
                <th scope="row" class=format!("path {class}") title=name.clone()>
                    <span><span class="path-name">{name.clone()}</span></span>
                </th>
                {cells.map(|(text, class)| view! { <td class=class>{text}</td> }).collect_view()}
            </tr>
        }
    };
    view! {
        <table class="table" hidden=is_empty>
            <thead><tr>{columns.into_iter().map(|name| view! { <th scope="col">{name}</th> }).collect_view()}</tr></thead>
            <tbody>{move || rows.get().into_iter().map(row).collect_view()}</tbody>
        </table>
        <p class="table-none" hidden=has_rows>{none}</p>
    }
    .into_any()
}
