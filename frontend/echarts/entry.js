// What charming (app/src/charts/echarts.rs) finds as `window.echarts`.
//
// charming can only send plain data, and a page under a strict Content-Security-Policy may not
// turn text into functions. So the one function the graphs need, the tooltip's content, is made
// here: `tooltip.formatter` arrives as "<unit>|<decimals>" and leaves as a function that answers
// elements, without a style attribute, dressed by style/graph.css.

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

registerPreprocessor((option) => {
    const format = option.tooltip?.formatter;
    if (typeof format === "string") {
        const [unit, decimals] = format.split("|");
        Object.assign(option.tooltip, {
            formatter: tooltip(unit, Number(decimals)),
            className: "graph-tooltip-box",
            confine: true,
            transitionDuration: 0,
        });
    }
});

window.echarts = {
    dispose,
    init: (box, theme, size) => {
        const chart = init(box, theme, size);
        chart.group = PAGE;
        return chart;
    },
};
