//! Every address of the dashboard, and what its pages share.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::hooks::use_location;
use leptos_router::{SsrMode, StaticSegment};

use crate::api::system::snapshot;
use crate::browser;
use crate::live::{self, LiveStore};
use crate::pages::{
    NotFound, SnapshotResource, alerts_page, api_page, application_page, business_page, database_page, overview,
    system_page,
};
use crate::preferences;
use crate::range::Look;
use crate::theme::PageTheme;
use crate::widgets::header;

/// The whole page below `<body>`.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(PageTheme::new(preferences::theme()));
    view! { <Router base=browser::base()><Page/></Router> }
}

/// What stays while the viewer goes from page to page: header, snapshot and live store.
#[component]
fn Page() -> impl IntoView {
    let search = use_location().search;
    let look = Memo::new(move |_| Look::of_search(&search.get()));
    let store = LiveStore::new(look.into(), preferences::locale());
    provide_context(store);
    provide_context(SnapshotResource(Resource::new_blocking(|| (), move |()| snapshot(look.get_untracked().search()))));
    Effect::new(move |_| live::connect(store));
    view! {
        {header()}
        <main id="main" tabindex="-1">
            <FlatRoutes fallback=NotFound>
                <Route path=StaticSegment("") view=overview ssr=SsrMode::Async/>
                <Route path=StaticSegment("system") view=system_page ssr=SsrMode::Async/>
                <Route path=StaticSegment("application") view=application_page ssr=SsrMode::Async/>
                <Route path=StaticSegment("business") view=business_page ssr=SsrMode::Async/>
                <Route path=StaticSegment("alerts") view=alerts_page ssr=SsrMode::Async/>
                <Route path=StaticSegment("database") view=database_page ssr=SsrMode::Async/>
                <Route path=StaticSegment("api") view=api_page ssr=SsrMode::Async/>
            </FlatRoutes>
        </main>
    }
}
