// What ECharts makes of a graph of ours (app/src/charts/chart.rs): its lines in the page's colours,
// and around them axes and tooltip. The tooltip's content is elements without a style attribute,
// dressed by style/graph.css.

import { property } from "./look.js";

/** The plot's place in its box: the same numbers as in style/graph.css. */
export const GRID = { left: 34, right: 10, top: 8, bottom: 22 };

const element = (name, className, text) => {
    const node = document.createElement(name);
    node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
};

const twoDigits = (number) => String(number).padStart(2, "0");

/** The day and the time of day, as the viewer's clock has them. */
export const moment = (milliseconds, { always = false } = {}) => {
    const date = new Date(milliseconds);
    const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(":");
    if (!always && date.toDateString() === new Date().toDateString()) return time;
    const day = [date.getMonth() + 1, date.getDate()].map(twoDigits).join("-");
    return always ? `${date.getFullYear()}-${day} ${time}` : `${day} ${time}`;
};

/** The alerts and notes of a graph at a moment: what is drawn within `near` milliseconds of it. */
const marksAt = (box, at, near) =>
    [...box.querySelectorAll(".graph-marks rect")].filter((mark) => {
        const [from, to] = [mark.dataset.from, mark.dataset.to].map(Number);
        // What has no end goes on, unless it is a moment.
        const end = to || (mark.matches(".note") ? from : Infinity);
        return from - near <= at && at <= end + near;
    });

const tooltip = (box, frame) => (points) => {
    const { unit, decimals, time } = frame();
    const content = element("div", "graph-tooltip");
    const at = points[0].axisValue;
    content.append(element("div", "graph-tooltip-time", moment(at)));
    for (const { color, seriesName, value } of points) {
        // A threshold.
        if (!seriesName) continue;
        const row = element("div", "graph-tooltip-row");
        const mark = element("span", "graph-tooltip-mark");
        mark.style.backgroundColor = color;
        // A break has no value, and an earlier time may have no dot here.
        const number = value?.[1];
        const text = typeof number === "number" ? `${number.toFixed(decimals)}${unit && ` ${unit}`}` : "–";
        row.append(mark, element("span", "", seriesName), element("b", "", text));
        content.append(row);
    }
    for (const mark of marksAt(box, at, (time[1] - time[0]) / 200)) {
        const row = element("div", "graph-tooltip-row");
        row.append(element("span", `graph-tooltip-mark ${mark.getAttribute("class")}`), element("span", "", mark.textContent));
        content.append(row);
    }
    return content;
};

const series = ({ name, style, filled, data }) => {
    const color = property(style.color);
    return {
        type: "line",
        name,
        data,
        showSymbol: false,
        // Where there are more points than pixels, the lowest and the highest of each.
        sampling: "minmax",
        itemStyle: { color },
        lineStyle: { ...style, color },
        areaStyle: filled ? { color, opacity: 0.12 } : null,
    };
};

/** What moves on with time: all that has to be set while the lines are the same. */
export const movesOf = ({ lines, graph }) => ({
    series: lines.map(({ data }) => ({ data })),
    xAxis: {
        min: graph.time[0],
        max: graph.time[1],
        axisLabel: { show: graph.marks.length > 0, formatter: graph.mark_format, customValues: graph.marks },
    },
    yAxis: { max: graph.top, interval: graph.step },
});

/** Which lines a graph has, and how they look. */
export const linesOf = ({ lines }) => lines.map(({ name, style, filled }) => [name, style.color, style.type, filled]).join();

/** The option of a graph in its box; `frame` answers what its axes are now. */
export const optionOf = (shown, box, frame) => {
    const { xAxis, yAxis } = movesOf(shown);
    const ink = property("ink-2");
    const label = { color: ink, fontSize: Number.parseFloat(property("text-axis")), fontFamily: property("font") };
    return {
        animation: false,
        series: shown.lines.map(series),
        grid: GRID,
        xAxis: {
            ...xAxis,
            type: "time",
            axisLabel: { ...label, ...xAxis.axisLabel },
            axisLine: { show: false },
            axisTick: { show: false },
            splitLine: { show: false },
        },
        yAxis: {
            ...yAxis,
            type: "value",
            min: 0,
            axisLabel: label,
            splitLine: { lineStyle: { color: property("line") } },
        },
        tooltip: {
            trigger: "axis",
            axisPointer: { type: "line", lineStyle: { color: ink, width: 1, type: "solid", opacity: 0.5 } },
            formatter: tooltip(box, frame),
            className: "graph-tooltip-box",
            confine: true,
            transitionDuration: 0,
        },
    };
};
