// Graphs on a canvas, while somebody looks into them (watch.js). The page (app/src/charts/echarts.rs) finds them as `window.echarts`;
// what the server alone has drawn brings what is to be drawn along in `data-chart`.
//
// A graph that nobody sees costs nothing: it stays the drawing that it was until it comes near the
// window, and those that are there at once come one after the other, whenever the browser has time.

import { LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { connect, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { linesOf, movesOf, optionOf } from "./frame.js";
import { onChange } from "./look.js";
import { press, refresh } from "./table.js";
import { zoomable } from "./zoom.js";

use([LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

// All graphs of a page share one crosshair.
const PAGE = "page";
connect(PAGE);

/** How near the window a graph has to be. */
const NEAR = "200px";

/** By the element that they are in: what they show, whether that can be seen, and the chart once there is one. */
const graphs = new Map();

/** Where the pointer came to a graph. */
let pointed;

/** Whether somebody looks into graphs: watch.js says so. */
const isAwake = () => document.documentElement.dataset.graphs !== undefined;

const whenIdle = (act) => (window.requestIdleCallback ?? setTimeout)(act, { timeout: 500 });

/** What a graph shows. */
const shown = (graph) => {
    if (graph.json !== undefined) {
        graph.option = JSON.parse(graph.json);
        graph.json = undefined;
    }
    return graph.option;
};

const update = (graph) => {
    shown(graph);
    graph.isStale = false;
    const lines = linesOf(graph.option);
    if (graph.lines === lines) {
        graph.chart.setOption(movesOf(graph.option), { lazyUpdate: true });
    } else {
        graph.lines = lines;
        const option = optionOf(graph.option, graph.element.parentElement, () => graph.option.graph);
        // At once: a line that is only there with the next frame has no points yet for a pointer that moves until then.
        graph.chart.setOption(option, { replaceMerge: ["series"] });
    }
    refresh(graph.element.closest(".graph"), graph.option);
};

/** Whoever has come to a graph before it was on its canvas sees the numbers there all the same. */
const tell = ({ element, chart }) => {
    if (!pointed || !element.contains(document.elementFromPoint(pointed.x, pointed.y))) return;
    const { left, top } = element.getBoundingClientRect();
    chart.dispatchAction({ type: "showTip", x: pointed.x - left, y: pointed.y - top });
    pointed = undefined;
};

/** Those that wait for their first turn. */
const waiting = [];

const turn = () => {
    const graph = waiting.shift();
    if (graph && graphs.get(graph.element) === graph && graph.near && isAwake()) {
        graph.chart = init(graph.element);
        graph.chart.group = PAGE;
        graph.resized = new ResizeObserver(() => graph.chart.resize());
        graph.resized.observe(graph.element);
        update(graph);
        graph.element.parentElement.classList.add("drawn");
        tell(graph);
    }
    if (waiting.length) whenIdle(turn);
};

const show = (graph) => {
    if (!isAwake()) return;
    if (graph.chart) update(graph);
    else if (!waiting.includes(graph) && waiting.push(graph) === 1) whenIdle(turn);
};

const near = new IntersectionObserver(
    (changes) => {
        for (const { target, isIntersecting } of changes) {
            const graph = graphs.get(target);
            if (!graph) continue;
            graph.near = isIntersecting;
            if (isIntersecting && graph.isStale) show(graph);
        }
    },
    { rootMargin: NEAR },
);

const draw = (element, json) => {
    let graph = graphs.get(element);
    if (!graph) {
        graph = { element };
        graphs.set(element, graph);
        zoomable(element, () => graph.chart && graph.option.graph.time);
    }
    if (graph.near === undefined) near.observe(element);
    graph.json = json;
    graph.isStale = true;
    if (graph.near) show(graph);
    return graph.chart !== undefined;
};

// Of one that is new it is not known yet.
const isAway = (element) => graphs.get(element)?.near === false;

const putAway = (graph) => {
    graph.resized?.disconnect();
    graph.chart?.dispose();
    graph.chart = graph.lines = undefined;
};

const forget = (element) => {
    const graph = graphs.get(element);
    graphs.delete(element);
    near.unobserve(element);
    if (graph) putAway(graph);
};

const wake = ({ type, target, clientX: x, clientY: y }) => {
    pointed = x === undefined ? undefined : { x, y };
    for (const graph of graphs.values()) if (graph.near && graph.figure) show(graph);
    // The page draws its own first.
    if (type === "click") setTimeout(() => press(target, optionIn));
};

const rest = () => {
    for (const graph of graphs.values()) {
        putAway(graph);
        graph.isStale = true;
        graph.element.parentElement.classList.remove("drawn");
        // The page hands its own over again; until then all their points would be in the way of the garbage collector.
        if (graph.figure) continue;
        graph.option = graph.json = graph.near = undefined;
        near.unobserve(graph.element);
    }
};

// Markup of the server's takes the place of its older self: a graph in it goes on on the canvas that it had, and an open
// table stays open.
const adopt = () => {
    for (const fresh of document.querySelectorAll("[data-chart]")) {
        const { chart: json } = fresh.dataset;
        delete fresh.dataset.chart;
        const old = [...graphs.values()].find(({ element, chart }) => chart && !element.isConnected && element.id === fresh.id);
        const figure = fresh.closest(".graph");
        const table = old?.figure.querySelector(".graph-table");
        if (old) {
            fresh.parentElement.classList.add("drawn");
            fresh.replaceWith(old.element);
        }
        if (table) {
            figure.append(table);
            figure.querySelector("[data-tool=table]")?.setAttribute("aria-expanded", "true");
        }
        const element = old?.element ?? fresh;
        draw(element, json);
        // Once the markup is replaced, the element is out of it.
        graphs.get(element).figure = figure;
    }
    for (const element of [...graphs.keys()]) if (!element.isConnected) forget(element);
};

adopt();
new MutationObserver(adopt).observe(document.getElementById("main"), { childList: true, subtree: true });
onChange(() => {
    for (const graph of graphs.values()) {
        // In other colours it is another one.
        graph.lines = undefined;
        if (graph.chart) update(graph);
    }
});

const optionIn = (element) => {
    const graph = graphs.get(element);
    return graph && shown(graph);
};
document.addEventListener("click", ({ target }) => isAwake() && press(target, optionIn));

window.echarts = { draw, forget, isAway, rest, wake };
