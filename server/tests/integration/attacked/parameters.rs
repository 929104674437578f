//! Everything that a request can say, place by place. The API's are found in the description that the program itself
//! gives, so that a new parameter is attacked without a word here; forms and pages have a table, in which each has to be.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// A request that is right, of which single places are changed.
#[derive(Clone, Debug)]
pub struct Template {
    pub method: String,
    /// With `{name}` where something stands.
    pub path: String,
    /// Names and good values of what stands in the path, in the query and in a form.
    pub in_path: Vec<(String, String)>,
    pub in_query: Vec<(String, String)>,
    pub form: Vec<(String, String)>,
    pub json: Option<Value>,
}

/// One text of a request.
#[derive(Clone, Debug)]
pub enum Place {
    Path(usize),
    Query(usize),
    Form(usize),
    /// As a JSON pointer.
    Json(String),
}

/// Forms with all of their fields.
const FORMS: [(&str, &[(&str, &str)]); 9] = [
    ("/preferences", &[("lang", "en"), ("theme", "dark"), ("return", "/system")]),
    (
        "/alerts/act",
        &[
            ("do", "silence"),
            ("alert", ""),
            ("silence", "none"),
            ("receiver", "none"),
            ("matchers", "HighCPU"),
            ("name", "Mika"),
            ("reason", "known"),
            ("for", "1h"),
        ],
    ),
    (
        "/dashboard",
        &[
            ("panel", "system"),
            ("place", "1"),
            ("width", "6"),
            ("shown", "graph-cpu"),
            ("title", "Disk"),
            ("series", "disk_usage{mount=\"/\"}"),
            ("unit", "percent"),
            ("columns", "6"),
        ],
    ),
    (
        "/annotations",
        &[
            ("do", "add"),
            ("id", ""),
            ("text", "Deploy"),
            ("tags", "a, b"),
            ("ago", "5"),
            ("name", "Mika"),
            ("return", "/system"),
        ],
    ),
    ("/login", &[("name", "mika"), ("password", "a long password"), ("next", "/system")]),
    ("/logout", &[]),
    (
        "/first-admin",
        &[("token", "none"), ("name", "mika"), ("password", "a long password"), ("again", "a long password")],
    ),
    (
        "/account",
        &[
            ("do", "end"),
            ("session", "none"),
            ("now", "a long password"),
            ("password", "another long one"),
            ("again", "another long one"),
        ],
    ),
    (
        "/users",
        &[
            ("do", "role"),
            ("name", "nobody"),
            ("role", "viewer"),
            ("password", "a long password"),
            ("scope", "read"),
            ("days", "30"),
        ],
    ),
];

/// What the addresses of pages say.
const PAGES: [(&str, &[(&str, &str)]); 13] = [
    ("/", &LOOK),
    ("/system", &LOOK),
    ("/application", &LOOK),
    ("/business", &LOOK),
    ("/alerts", &[("rule", "HighCPU"), ("severity", "critical"), ("days", "7")]),
    ("/database", &LOOK),
    ("/api", &[]),
    ("/login", &[("next", "/system")]),
    ("/first-admin", &[]),
    ("/account", &[]),
    ("/users", &[]),
    ("/audit", &[]),
    ("/health", &[]),
];
const LOOK: [(&str, &str); 5] =
    [("range", "1h"), ("from", "1790000000"), ("to", "1790003600"), ("compare", "1d"), ("kiosk", "")];

/// The questions that a page asks the server.
const FUNCTIONS: [(&str, &str); 2] = [
    ("/api/snapshot", r#"{"search":"range=1h&compare=1d"}"#),
    ("/api/drawn", r#"{"path":"/alerts","search":"rule=HighCPU&days=7","minutes_east":540}"#),
];

/// All requests there are, by the description of the API.
pub fn templates(openapi: &Value) -> Vec<Template> {
    let mut all = Vec::new();
    for (path, operations) in openapi["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let of = |place: &str| {
                let here = parameters.iter().filter(|parameter| parameter["in"] == place);
                here.map(|parameter| {
                    let name = parameter["name"].as_str().unwrap().to_owned();
                    let value = good(&name, &parameter["schema"], openapi);
                    (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                })
                .collect()
            };
            let json = &operation["requestBody"]["content"]["application/json"]["schema"];
            all.push(Template {
                method: method.to_uppercase(),
                path: path.clone(),
                in_path: of("path"),
                in_query: of("query"),
                form: Vec::new(),
                json: (!json.is_null()).then(|| good("", json, openapi)),
            });
        }
    }
    let pairs =
        |fields: &[(&str, &str)]| fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let plain = |method: &str, path: &str| Template {
        method: method.to_owned(),
        path: path.to_owned(),
        in_path: Vec::new(),
        in_query: Vec::new(),
        form: Vec::new(),
        json: None,
    };
    all.extend(FORMS.iter().map(|(path, fields)| Template { form: pairs(fields), ..plain("POST", path) }));
    all.extend(PAGES.iter().map(|(path, fields)| Template { in_query: pairs(fields), ..plain("GET", path) }));
    all.extend(
        FUNCTIONS
            .iter()
            .map(|(path, body)| Template { json: Some(serde_json::from_str(body).unwrap()), ..plain("POST", path) }),
    );
    all.push(plain("GET", "/api/v1/openapi.json"));
    for (method, path) in server::routes() {
        let is_here = method == "*" || all.iter().any(|known| known.method == method && known.path == path);
        assert!(is_here, "{method} {path} is not attacked: say here what it takes");
    }
    all
}

/// A value of this schema, by the name of what it is for.
fn good(name: &str, schema: &Value, openapi: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return good(name, openapi.pointer(reference.trim_start_matches('#')).unwrap(), openapi);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let first = choices.iter().find(|choice| choice["type"] != "null").unwrap();
            return good(name, first, openapi);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return values[0].clone();
    }
    let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    let kind = kinds.iter().find_map(|kind| kind.as_str().filter(|kind| *kind != "null")).unwrap_or("object");
    match kind {
        "object" => {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            let fields: Map<_, _> =
                fields.iter().map(|(name, schema)| (name.clone(), good(name, schema, openapi))).collect();
            Value::Object(fields)
        }
        "array" => json!([good(name, &schema["items"], openapi)]),
        "string" => match name {
            "metric" => json!("cpu_usage"),
            "labels" => json!("{\"mount\":\"/\"}"),
            "matchers" => json!("HighCPU"),
            "event" => json!("recipe_created"),
            "from" => json!("2026-11-24T03:00:00Z"),
            "to" => json!("2100-11-24T03:00:00Z"),
            "at" => json!(Timestamp::now().to_string()),
            "ends_at" => json!((Timestamp::now() + SignedDuration::from_hours(240)).to_string()),
            _ => json!("some"),
        },
        "boolean" => json!(true),
        _ => json!(5),
    }
}

impl Template {
    /// Every text that stands somewhere.
    pub fn places(&self) -> Vec<Place> {
        let mut places: Vec<_> = (0..self.in_path.len()).map(Place::Path).collect();
        places.extend((0..self.in_query.len()).map(Place::Query));
        places.extend((0..self.form.len()).map(Place::Form));
        if let Some(json) = &self.json {
            find(json, String::new(), &mut places);
        }
        places
    }

    /// With another text there.
    pub fn with(&self, place: &Place, text: &str) -> Self {
        let mut other = self.clone();
        match place {
            Place::Path(index) => other.in_path[*index].1 = text.to_owned(),
            Place::Query(index) => other.in_query[*index].1 = text.to_owned(),
            Place::Form(index) => other.form[*index].1 = text.to_owned(),
            Place::Json(pointer) => {
                *other.json.as_mut().and_then(|json| json.pointer_mut(pointer)).unwrap() = json!(text);
            }
        }
        other
    }

    pub fn target(&self) -> String {
        let path = self
            .in_path
            .iter()
            .fold(self.path.clone(), |path, (name, value)| path.replace(&format!("{{{name}}}"), &percent(value)));
        let query = pairs(&self.in_query);
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }

    /// The kind of its body, and the body.
    pub fn body(&self) -> (&'static str, String) {
        match &self.json {
            Some(json) => ("application/json", json.to_string()),
            None if self.method == "POST" => ("application/x-www-form-urlencoded", pairs(&self.form)),
            None => ("text/plain", String::new()),
        }
    }

    /// As it goes over the wire.
    pub fn bytes(&self, host: &str, headers: &str) -> Vec<u8> {
        let (kind, body) = self.body();
        let (method, target, length) = (&self.method, self.target(), body.len());
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        [head.into_bytes(), body.into_bytes()].concat()
    }
}

fn find(json: &Value, pointer: String, places: &mut Vec<Place>) {
    match json {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| find(value, format!("{pointer}/{name}"), places));
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| find(value, format!("{pointer}/{index}"), places));
        }
        // A number or a truth, too: a text in its place is as much an attack.
        _ => places.push(Place::Json(pointer)),
    }
}

fn pairs(pairs: &[(String, String)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// As it may stand in an address.
fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
