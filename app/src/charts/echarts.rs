//! Graphs on a canvas, by charming and ECharts. The script (frontend/echarts) is loaded after the
//! page is alive; where it cannot be had, the SVG graphs stay and stay live.

use std::cell::OnceCell;
use std::time::Duration;

use charming::element::{AreaStyle, ItemStyle, LineStyle, LineStyleType};
use leptos::html::Div;
use leptos::prelude::*;
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlScriptElement, ResizeObserver};

use super::plot::Plot;
use super::series::{Dot, Series};
use crate::browser;
use crate::format::Zone;
use crate::theme::PageTheme;

/// A page that has just come alive has more urgent things to do.
const LOAD_AFTER: Duration = Duration::from_millis(60);

/// Keeps a graph of `plot` in the box `id` and says so by `drawn`.
pub fn draw(_id: &'static str, canvas: NodeRef<Div>, plot: Memo<Plot>, series: Vec<Series>, drawn: RwSignal<bool>) {
    let theme = expect_context::<PageTheme>();
    let names: Vec<_> = series.iter().map(|series| series.color).collect();
    let look = Memo::new(move |_| {
        theme.changed.track();
        Look::read(&names)
    });
    let graph = StoredValue::new_local(None::<Graph>);
    Effect::new(move |_| {
        let (ready, hidden) = (script(), browser::hidden());
        let Some(element) = canvas.get() else { return };
        if !ready.get() || hidden.get() {
            return;
        }
        let chart = plot.with(|plot| look.with(|look| chart(plot, &series, look)));
        let is_drawn = graph.try_update_value(|graph| graph.get_or_insert_with(|| Graph::new(&element)).set(&chart));
        drawn.set(is_drawn.unwrap_or(false));
    });
    on_cleanup(move || {
        // Gone already when the whole page is.
        let _ = graph.try_update_value(Option::take);
    });
}

/// What `setOption` takes, as JSON: lines as charming writes them, and what frontend/echarts/entry.js
/// makes axes, grid and tooltip of. Not charming's `Chart`, `Line` and `Axis` themselves: the code to
/// write down all that these can have would be a quarter of the whole page's weight.
#[derive(Serialize)]
struct Chart {
    animation: bool,
    series: Vec<Line>,
    graph: Frame,
}

/// One line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    show_symbol: bool,
    item_style: ItemStyle,
    line_style: LineStyle,
    area_style: Option<AreaStyle>,
    /// `null` is a break.
    data: Vec<Dot>,
}

/// Axes and tooltip.
#[derive(Serialize)]
struct Frame {
    /// Left and right end, in milliseconds since the epoch.
    time: (f64, f64),
    /// Where the marks of the time axis are, and how they are written.
    marks: Vec<f64>,
    mark_format: &'static str,
    /// Upper end of the value axis, and the distance of its marks.
    top: f64,
    step: f64,
    /// How the tooltip writes a value.
    unit: String,
    decimals: usize,
    /// The page's look.
    ink: String,
    line: String,
    font: String,
    font_size: f64,
}

#[wasm_bindgen]
extern "C" {
    type Echarts;

    #[wasm_bindgen(js_namespace = echarts)]
    fn init(element: &Element) -> Echarts;

    #[wasm_bindgen(method, js_name = setOption)]
    fn set_option(this: &Echarts, option: &str);

    #[wasm_bindgen(method)]
    fn resize(this: &Echarts);

    #[wasm_bindgen(method)]
    fn dispose(this: &Echarts);
}

/// A graph on its canvas, as large as its box.
struct Graph {
    echarts: std::rc::Rc<Echarts>,
    observer: Option<ResizeObserver>,
    _on_resize: Closure<dyn FnMut()>,
}

impl Graph {
    fn new(element: &Element) -> Self {
        let echarts = std::rc::Rc::new(init(element));
        let resized = std::rc::Rc::clone(&echarts);
        let on_resize = Closure::<dyn FnMut()>::new(move || resized.resize());
        let observer = ResizeObserver::new(on_resize.as_ref().unchecked_ref()).ok();
        if let Some(observer) = &observer {
            observer.observe(element);
        }
        Self { echarts, observer, _on_resize: on_resize }
    }

    fn set(&self, chart: &Chart) -> bool {
        serde_json::to_string(chart).is_ok_and(|option| {
            self.echarts.set_option(&option);
            true
        })
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
        self.echarts.dispose();
    }
}

/// Whether ECharts is there; asking for the first time loads it.
fn script() -> ArcRwSignal<bool> {
    thread_local! {
        static READY: OnceCell<ArcRwSignal<bool>> = const { OnceCell::new() };
    }
    READY.with(|ready| {
        ready
            .get_or_init(|| {
                let ready = ArcRwSignal::new(false);
                let loaded = ready.clone();
                set_timeout(move || load(loaded), LOAD_AFTER);
                ready
            })
            .clone()
    })
}

fn load(loaded: ArcRwSignal<bool>) {
    let Some(url) = browser::root_attribute("data-echarts") else { return };
    let script =
        document().create_element("script").ok().and_then(|script| script.dyn_into::<HtmlScriptElement>().ok());
    let (Some(script), Some(head)) = (script, document().head()) else { return };
    script.set_src(&url);
    let on_load = Closure::once_into_js(move || loaded.set(true));
    script.set_onload(Some(on_load.unchecked_ref()));
    // A script that cannot be added is one that cannot be loaded.
    let _ = head.append_child(&script);
}

#[derive(Clone, PartialEq)]
struct Look {
    ink: String,
    line: String,
    font: String,
    font_size: f64,
    series: Vec<String>,
    warning: String,
    critical: String,
}

impl Look {
    fn read(series: &[&str]) -> Self {
        Self {
            ink: browser::custom_property("--ink-2"),
            line: browser::custom_property("--line"),
            font: browser::custom_property("--font"),
            font_size: browser::custom_length("--text-axis"),
            series: series.iter().map(|name| browser::custom_property(&format!("--{name}"))).collect(),
            warning: browser::custom_property("--warning"),
            critical: browser::custom_property("--critical"),
        }
    }
}

fn chart(plot: &Plot, series: &[Series], look: &Look) -> Chart {
    let marks = plot.time_marks(Zone::Local(browser::minutes_east_of_utc()));
    let graph = Frame {
        time: plot.time,
        marks: marks.into_iter().map(|(_, at)| at).collect(),
        mark_format: if plot.marks_days() { "{MM}-{dd}" } else { "{HH}:{mm}" },
        top: plot.top,
        step: plot.step,
        unit: plot.unit.clone(),
        decimals: plot.decimals,
        ink: look.ink.clone(),
        line: look.line.clone(),
        font: look.font.clone(),
        font_size: look.font_size,
    };
    let line = |name: &'static str, color: &str, width: f64, stroke: LineStyleType, data: Vec<Dot>| Line {
        kind: "line",
        name,
        show_symbol: false,
        item_style: ItemStyle::new().color(color),
        line_style: LineStyle::new().color(color).width(width).type_(stroke),
        area_style: (plot.lines.len() == 1 && !name.is_empty()).then(|| AreaStyle::new().color(color).opacity(0.12)),
        data,
    };
    let lines = series.iter().zip(&plot.lines).zip(&look.series);
    let lines = lines.map(|((series, dots), color)| line(series.name, color, 1.5, LineStyleType::Solid, dots.clone()));
    // A line without a name is left out of the tooltip.
    let thresholds = plot.thresholds.iter().map(|&(value, severity)| {
        let color = if severity == "critical" { &look.critical } else { &look.warning };
        let ends = [plot.time.0, plot.time.1].map(|at| (at, Some(value)));
        line("", color, 1.0, LineStyleType::Dashed, ends.to_vec())
    });
    Chart { animation: false, series: lines.chain(thresholds).collect(), graph }
}
