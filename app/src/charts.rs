//! Lines over time, and bars. What they show is given by panels; here is only how they are drawn: as SVG,
//! and in the same box by ECharts while somebody looks into them.

mod bars;
mod chart;
#[cfg_attr(feature = "hydrate", path = "charts/echarts.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "charts/no_echarts.rs")]
mod echarts;
mod figure;
mod line_graph;
mod plot;
mod series;
mod sparkline;
mod unit;

pub use bars::{Bar, Bars};
pub use figure::thresholds;
pub use line_graph::line_graph;
pub use plot::Threshold;
pub use series::Series;
pub use sparkline::sparkline;
pub use unit::Unit;
#[cfg(feature = "ssr")]
pub(crate) use {
    chart::{Name, option},
    figure::{over, summary, until_now, write_axes, write_legend, write_lines, write_marks, write_tools},
    plot::Plot,
    series::{Dot, with_breaks},
    sparkline::write_sparkline,
};
