// What charming (app/src/charts/echarts.rs) finds as `window.echarts`.
//
// It sends its lines and, as `graph`, what the axes and the tooltip are made of here: the code for
// all that ECharts knows of them would be in the page's WASM otherwise, and a page under a strict
// Content-Security-Policy may not turn text into functions. The tooltip's content is elements
// without a style attribute, dressed by style/graph.css.

import { LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { connect, dispose, init, registerPreprocessor, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

// All graphs of a page share one crosshair.
const PAGE = "page";
connect(PAGE);

const element = (name, className, text) => {
    const node = document.createElement(name);
    node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
};

const twoDigits = (number) => String(number).padStart(2, "0");

// The time of day, and before it the day where that is not today.
const moment = (milliseconds) => {
    const date = new Date(milliseconds);
    const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(":");
    if (date.toDateString() === new Date().toDateString()) return time;
    return `${[date.getMonth() + 1, date.getDate()].map(twoDigits).join("-")} ${time}`;
};

const tooltip = (unit, decimals) => (points) => {
    const content = element("div", "graph-tooltip");
    content.append(element("div", "graph-tooltip-time", moment(points[0].axisValue)));
    for (const { color, seriesName, value } of points) {
        // A threshold.
        if (!seriesName) continue;
        const row = element("div", "graph-tooltip-row");
        const mark = element("span", "graph-tooltip-mark");
        mark.style.backgroundColor = color;
        const known = typeof value[1] === "number";
        const text = known ? `${value[1].toFixed(decimals)}${unit && ` ${unit}`}` : "–";
        row.append(mark, element("span", "", seriesName), element("b", "", text));
        content.append(row);
    }
    return content;
};

// The plot's place in its box: the same numbers as in style/graph.css.
const GRID = { left: 34, right: 10, top: 8, bottom: 22 };

registerPreprocessor((option) => {
    const { graph } = option;
    if (!graph) return;
    delete option.graph;
    const label = { color: graph.ink, fontSize: graph.font_size, fontFamily: graph.font };
    option.grid = GRID;
    option.xAxis = {
        type: "time",
        min: graph.time[0],
        max: graph.time[1],
        axisLabel: { ...label, show: graph.marks.length > 0, formatter: graph.mark_format, customValues: graph.marks },
        axisLine: { show: false },
        axisTick: { show: false },
        splitLine: { show: false },
    };
    option.yAxis = {
        type: "value",
        min: 0,
        max: graph.top,
        interval: graph.step,
        axisLabel: label,
        splitLine: { lineStyle: { color: graph.line } },
    };
    option.tooltip = {
        trigger: "axis",
        axisPointer: { type: "line", lineStyle: { color: graph.ink, width: 1, type: "solid", opacity: 0.5 } },
        formatter: tooltip(graph.unit, graph.decimals),
        className: "graph-tooltip-box",
        confine: true,
        transitionDuration: 0,
    };
});

window.echarts = {
    dispose,
    init: (box, theme, size) => {
        const chart = init(box, theme, size);
        chart.group = PAGE;
        const set = chart.setOption.bind(chart);
        chart.setOption = (option, ...more) => set(typeof option === "string" ? JSON.parse(option) : option, ...more);
        return chart;
    },
};
