//! Lines over time. What they show is given by panels; here is only how they are drawn: as SVG on
//! the server and until ECharts is there, then by ECharts in the same box.

#[cfg_attr(feature = "hydrate", path = "charts/echarts.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "charts/no_echarts.rs")]
mod echarts;
mod line_graph;
mod plot;
mod series;
mod sparkline;

pub use line_graph::LineGraph;
pub use plot::Unit;
pub use series::Series;
pub use sparkline::Sparkline;
