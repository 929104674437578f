//! `POST /dashboard`: what the overview shows in this browser, by a plain form that works without scripts.

use std::fmt::Display;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::response::{AppendHeaders, IntoResponse, Response};
use collector::Sentence;
use collector::config::{Dashboard, DashboardError, OwnGraph};
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};

use super::cookie::{A_YEAR, said, told};
use super::v1::{self, ApiError};

const COOKIE: &str = "dashboard";
/// Bytes of a cookie with its name that every browser keeps.
const MOST_BYTES: usize = 4_000;

/// Keeps the choice in a cookie and goes back to the overview, which says why where it cannot.
pub(crate) async fn set(
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, ApiError> {
    let fields = v1::form(form)?;
    let cookie = match chosen(&fields) {
        Ok(value) => {
            let age = if value.is_empty() { 0 } else { A_YEAR };
            (SET_COOKIE, format!("{COOKIE}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax"))
        }
        Err(error) => told(&said(&headers, &error)),
    };
    Ok((StatusCode::SEE_OTHER, AppendHeaders([cookie]), [(LOCATION, "/")]).into_response())
}

/// The value of the cookie; empty for what is set up.
fn chosen(fields: &[(String, String)]) -> Result<String, DashboardError> {
    if fields.iter().any(|(name, _)| name == "reset") {
        return Ok(String::new());
    }
    let dashboard = dashboard(fields);
    dashboard.verify()?;
    let invalid = |value: &dyn Display, remedy| DashboardError::new("dashboard.graphs", value, remedy);
    let json =
        serde_json::to_string(&dashboard).map_err(|error| invalid(&dashboard.graphs.len(), Sentence::quote(error)))?;
    let value = app::cookie_value(&json);
    if value.len() > MOST_BYTES {
        let more = value.len() - MOST_BYTES;
        let remedy = Sentence::new(
            format!(
                "a browser cannot keep so many ({more} bytes too many); put them into [dashboard] in \
                 recipe-monitoring.toml, or shorten titles and series"
            ),
            format!(
                "ブラウザに保存できる量を {more} バイト超えています。recipe-monitoring.toml の [dashboard] に書くか、\
                 タイトルと系列を短くしてください"
            ),
        );
        return Err(invalid(&dashboard.graphs.len(), remedy));
    }
    Ok(value)
}

/// What the fields say, field by field in the order of the form.
fn dashboard(fields: &[(String, String)]) -> Dashboard {
    let all = |wanted: &'static str| {
        fields.iter().filter(move |(name, _)| name == wanted).map(|(_, value)| value.trim().to_owned())
    };
    let mut panels: Vec<(u8, String)> = all("panel")
        .zip(all("place"))
        .zip(all("width"))
        .filter_map(|((name, place), width)| {
            let place = place.parse().ok().filter(|place| *place > 0)?;
            Some((place, format!("{name}.{width}")))
        })
        .collect();
    panels.sort_by_key(|(place, _)| *place);
    let shown: Vec<_> = all("shown").collect();
    let hidden = Dashboard::GRAPHS.into_iter().filter(|id| !shown.iter().any(|shown| shown == id));
    let graphs = all("title").zip(all("series")).zip(all("unit")).zip(all("columns"));
    let graphs = graphs.filter(|(((title, _), _), _)| !title.is_empty());
    Dashboard {
        panels: panels.into_iter().map(|(_, panel)| panel).collect(),
        hidden: hidden.map(str::to_owned).collect(),
        graphs: graphs
            .map(|(((title, series), unit), columns)| OwnGraph {
                title,
                series: series
                    .split(';')
                    .map(str::trim)
                    .filter(|series| !series.is_empty())
                    .map(str::to_owned)
                    .collect(),
                unit,
                columns: columns.parse().unwrap_or(0),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use collector::InJapanese as _;

    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_form_becomes_what_it_says() {
        let form = fields(&[
            ("panel", "system"),
            ("place", "2"),
            ("width", "6"),
            ("panel", "alerts"),
            ("place", "1"),
            ("width", "12"),
            ("panel", "business"),
            ("place", "0"),
            ("width", "5"),
            ("shown", "graph-cpu"),
            ("title", " Disk "),
            ("series", "disk_usage{mount=\"/\"}; cpu_usage"),
            ("unit", "percent"),
            ("columns", "6"),
            ("title", ""),
            ("series", ""),
            ("unit", ""),
            ("columns", "4"),
        ]);
        let dashboard = dashboard(&form);
        assert_eq!(dashboard.panels, ["alerts.12", "system.6"]);
        assert_eq!(dashboard.hidden.len(), Dashboard::GRAPHS.len() - 1);
        let [graph] = dashboard.graphs.as_slice() else { panic!("{dashboard:?}") };
        assert_eq!((graph.title.as_str(), graph.series.len(), graph.columns), ("Disk", 2, 6));
        let value = chosen(&form).unwrap();
        assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%'), "{value}");
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let wrong = fields(&[("title", "a"), ("series", "b c"), ("unit", ""), ("columns", "4")]);
        assert!(chosen(&wrong).unwrap_err().to_string().contains("b c"));
        let title = "長".repeat(70);
        let graph = [("title", title.as_str()), ("series", "cpu_usage"), ("unit", ""), ("columns", "4")];
        let many: Vec<_> = graph.iter().cycle().take(4 * 20).copied().collect();
        let error = chosen(&fields(&many)).unwrap_err();
        assert!(error.to_string().contains("recipe-monitoring.toml") && error.ja().contains("ブラウザ"), "{error}");
        assert_eq!(chosen(&fields(&[("reset", "1")])), Ok(String::new()));
    }
}
