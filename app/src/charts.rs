//! Lines over time, and bars. What they show is given by panels; here is only how they are drawn: as SVG on
//! the server and until ECharts is there, then by ECharts in the same box.

mod bars;
#[cfg_attr(feature = "hydrate", path = "charts/echarts.rs")]
#[cfg_attr(not(feature = "hydrate"), path = "charts/no_echarts.rs")]
mod echarts;
mod line_graph;
mod plot;
mod series;
mod sparkline;
mod unit;

pub use bars::{Bar, Bars};
pub use line_graph::LineGraph;
pub use plot::Threshold;
pub use series::Series;
pub use sparkline::sparkline;
pub use unit::Unit;
