//! The document around the app, made by the server only.

use leptos::html::meta;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::preferences::{self, Outside};
use crate::routes::App;
use crate::theme::Theme;

/// Where the server has the files that the page loads by itself. Given as context.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    /// URL of the style, if it was built.
    pub style: Option<String>,
    /// URL of the script that starts the app and follows whether somebody looks into graphs, if it was built.
    pub page: Option<String>,
    /// URL of the app's module, if it was built.
    pub app: Option<String>,
    /// URL of the app's WASM, if it was built.
    pub wasm: Option<String>,
    /// URL of the ECharts script, if it was built.
    pub echarts: Option<String>,
    /// URL of the script that keeps the page of the own health up to date, if it was built.
    pub health: Option<String>,
}

const FONT: &str = "fonts/inter-5.3.0.woff2";

/// The whole document. Reads [`Assets`] and the request's [`http::request::Parts`] from context.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let locale = preferences::locale();
    let theme = preferences::theme();
    let kiosk = preferences::is_kiosk().then_some("");
    let outside = Outside::of_request();
    let base = (!outside.base.is_empty()).then(|| outside.base.to_string());
    let Assets { style, page, app, wasm, echarts, .. } = use_context().unwrap_or_default();
    let (light, dark) = match theme {
        Theme::System => ("(prefers-color-scheme: light)", "(prefers-color-scheme: dark)"),
        Theme::Light => ("all", "not all"),
        Theme::Dark => ("not all", "all"),
    };
    view! {
        <!DOCTYPE html>
        <html lang=locale.tag() data-theme=theme.attribute() data-app=app data-wasm=wasm data-echarts=echarts
            data-base=base data-cookie=outside.cookie() data-kiosk=kiosk data-panels=preferences::panels() data-hidden=preferences::hidden()>
            <head>
                <meta charset="utf-8"/>
                {preferences::way_up().map(|up| view! { <base href=up/> })}
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                {meta().name("theme-color").content("#f6f7f9").attr("media", light)}
                {meta().name("theme-color").content("#0d1015").attr("media", dark)}
                <meta name="description" content=locale.words().description/>
                <link rel="icon" type="image/svg+xml" href="favicon.svg"/>
                <link rel="preload" href=FONT r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                {style.map(|url| view! { <link rel="stylesheet" href=url/> })}
                <AutoReload options=options/>
                // Instead of HydrationScripts, whose preloads are in the way of what can be read.
                {page.map(|url| view! { <script type="module" src=url></script> })}
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}
