//! Tables and indexes.

use collector::database::{Index, Postgresql, Table};

use super::super::begin;
use super::{Viewer, count, grown, known_size};
use crate::format;
use crate::widgets::Html;

/// Tables, indexes that are not used, and the largest indexes.
pub(super) fn sections(html: &mut Html, viewer: &Viewer<'_>, postgresql: &Postgresql) {
    let own = viewer.own;
    let seen = &postgresql.relations;
    begin(html, "tables-title", own.tables);
    viewer.obstacles(html, own.tables, &seen.obstacles);
    let Some(relations) = &seen.value else {
        html.mark("</section>");
        return;
    };
    if relations.tables.is_empty() {
        html.element("<p class=\"table-none\">", own.tables_none, "</p>");
    } else {
        viewer.table(html, own.tables, &own.table_columns, &relations.tables, |html, table| row(html, viewer, table));
        html.element("<p class=\"desk-note\">", own.tables_note, "</p>");
    }
    html.mark("</section>");
    begin(html, "unused-title", own.unused);
    if relations.unused_indexes.is_empty() {
        html.element("<p class=\"table-none\">", own.unused_none, "</p>");
    } else {
        indexes(html, viewer, own.unused, &relations.unused_indexes);
        let since = postgresql.server.value.as_ref().and_then(|server| server.counted_since);
        let since = since.map(|at| viewer.reader.moment(at));
        let note = (own.unused_note)(&(own.counted_since)(since.as_deref()));
        html.element("<p class=\"desk-note\">", &note, "</p>");
    }
    html.mark("</section>");
    begin(html, "indexes-title", own.indexes);
    indexes(html, viewer, own.indexes, &relations.indexes);
    html.mark("</section>");
}

fn row(html: &mut Html, viewer: &Viewer<'_>, table: &Table) {
    html.element("<tr><th scope=\"row\"><code>", &table.name, "</code></th>");
    let cells = [
        format::size(table.bytes),
        format::size(table.index_bytes),
        grown(table.growth.day),
        grown(table.growth.week),
        table.rows.map_or_else(|| "–".to_owned(), count),
        count(table.dead_rows),
        known_size(table.bloat_bytes),
        viewer.ago(table.vacuumed_at),
        viewer.ago(table.analyzed_at),
    ];
    for cell in cells {
        html.element("<td class=\"number\">", &cell, "</td>");
    }
    html.mark("</tr>");
}

fn indexes(html: &mut Html, viewer: &Viewer<'_>, name: &str, indexes: &[Index]) {
    viewer.table(html, name, &viewer.own.index_columns, indexes, |html, index| {
        html.element("<tr><th scope=\"row\"><code>", &index.name, "</code></th>");
        html.element("<td><code>", &index.table, "</code></td>");
        let cells = [format::size(index.bytes), grown(index.growth.day), grown(index.growth.week), count(index.scans)];
        for cell in cells {
            html.element("<td class=\"number\">", &cell, "</td>");
        }
        html.mark("</tr>");
    });
}
