//! `/api`: what the API takes and answers, drawn from its own description.

use std::sync::Arc;

use serde_json::Value;

use super::{Reader, begin, begin_table, end_table};
use crate::widgets::Html;

/// The description of the API in OpenAPI 3.1. Given as context.
#[derive(Clone, Debug)]
pub struct ApiDescription(pub Arc<Value>);

/// What names a type in the description; in the page its name alone is its place.
const SCHEMAS: &str = "#/components/schemas/";

/// Its routes by tag, and its types.
pub(super) fn sections(html: &mut Html, reader: &Reader, ApiDescription(api): &ApiDescription) {
    begin(html, "api-title", "API");
    html.element("<p>", text(&api["info"]["description"]), "</p>");
    html.element("<p>", reader.own.api_more, " <a href=\"api/v1/openapi.json\">openapi.json</a></p></section>");
    for tag in list(&api["tags"]) {
        let name = text(&tag["name"]);
        html.element("<section class=\"panel\" aria-label=\"", name, "\"><header class=\"panel-header\">");
        html.element("<h2>", text(&tag["description"]), "</h2></header>");
        for (path, methods) in object(&api["paths"]) {
            for (method, operation) in object(methods) {
                if list(&operation["tags"]).iter().any(|tag| tag == name) {
                    write_operation(html, reader, path, method, operation);
                }
            }
        }
        html.mark("</section>");
    }
    begin(html, "api-types", reader.own.api_types);
    for (name, schema) in object(&api["components"]["schemas"]) {
        write_type(html, reader, name, schema);
    }
    html.mark("</section>");
}

fn write_operation(html: &mut Html, reader: &Reader, path: &str, method: &str, operation: &Value) {
    let words = reader.own;
    html.element("<details class=\"api\"><summary><code>", &format!("{} {path}", method.to_uppercase()), "</code> ");
    html.element("<span>", text(&operation["summary"]), "</span></summary>");
    if let Some(more) = operation["description"].as_str() {
        html.element("<p>", more, "</p>");
    }
    let parameters = list(&operation["parameters"]);
    if !parameters.is_empty() {
        begin_table(html, words.api_parameters, &words.api_columns);
        for parameter in parameters {
            let is_required = parameter["required"] == true;
            write_field(html, reader, text(&parameter["name"]), is_required, &parameter["schema"], parameter);
        }
        end_table(html);
    }
    let body = &operation["requestBody"];
    for (kind, content) in object(&body["content"]) {
        html.element("<p>", words.api_body, " <code>").text(kind).mark("</code> ");
        write_kind(html, &content["schema"]);
        html.element(" ", text(&body["description"]), "</p>");
    }
    begin_table(html, words.api_answers, &words.api_answer_columns);
    for (status, answer) in object(&operation["responses"]) {
        html.element("<tr><td><code>", status, "</code></td><td>");
        for (_, content) in object(&answer["content"]) {
            write_kind(html, &content["schema"]);
        }
        html.element("</td><td class=\"desk-words\">", text(&answer["description"]), "</td></tr>");
    }
    end_table(html);
    html.mark("</details>");
}

fn write_type(html: &mut Html, reader: &Reader, name: &str, schema: &Value) {
    html.element("<details class=\"api\"><summary><code>", name, "</code> ");
    html.element("<span>", text(&schema["description"]), "</span></summary>");
    // Inside, for a browser opens what its address leads into.
    html.element("<div id=\"", name, "\">");
    if schema["properties"].is_null() {
        html.mark("<p>");
        write_kind(html, schema);
        html.mark("</p>");
    } else {
        begin_table(html, name, &reader.own.api_columns);
        for (field, property) in object(&schema["properties"]) {
            let is_required = list(&schema["required"]).iter().any(|name| name == field);
            write_field(html, reader, field, is_required, property, property);
        }
        end_table(html);
    }
    html.mark("</div></details>");
}

fn write_field(html: &mut Html, reader: &Reader, name: &str, is_required: bool, schema: &Value, described: &Value) {
    html.element("<tr><td><code>", name, "</code></td><td>");
    write_kind(html, schema);
    html.element("</td><td>", if is_required { reader.own.api_required } else { "" }, "</td>");
    // Of a type that may be missing, the words are with the type.
    let words = described["description"].as_str();
    let words = words.or_else(|| list(&described["oneOf"]).iter().find_map(|one| one["description"].as_str()));
    html.element("<td class=\"desk-words\">", words.unwrap_or_default(), "</td></tr>");
}

/// What a value is: a type by its name, with a link, or a kind of JSON.
fn write_kind(html: &mut Html, schema: &Value) {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.strip_prefix(SCHEMAS)) {
        // By the browser itself: the router would not open what it leads into.
        html.element("<a rel=\"external\" href=\"#", name, "\">").text(name).mark("</a>");
        return;
    }
    for several in ["oneOf", "allOf"] {
        for (place, one) in list(&schema[several]).iter().enumerate() {
            html.mark(if place > 0 { ", " } else { "" });
            write_kind(html, one);
        }
    }
    let names = list(&schema["enum"]);
    for (place, name) in names.iter().enumerate() {
        html.element(if place > 0 { ", <code>" } else { "<code>" }, text(name), "</code>");
    }
    for (name, property) in object(&schema["properties"]) {
        html.element(" <code>", name, "</code>: ");
        write_kind(html, property);
    }
    if !names.is_empty() {
        return;
    }
    let kind = &schema["type"];
    let kind = kind.as_str().or_else(|| list(kind).iter().filter_map(Value::as_str).find(|kind| *kind != "null"));
    match kind {
        Some("array") => {
            write_kind(html, &schema["items"]);
            html.mark(" []");
        }
        Some("object") if schema["properties"].is_object() => {}
        Some(kind) => drop(html.text(schema["format"].as_str().unwrap_or(kind))),
        None => {}
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
