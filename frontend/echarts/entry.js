// Graphs on a canvas. The page (app/src/charts/echarts.rs) finds them as `window.echarts`; what the
// server alone has drawn brings what is to be drawn along in `data-chart`.

import { LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { connect, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { optionOf } from "./frame.js";
import { onChange } from "./look.js";
import { listen, refresh } from "./table.js";
import { zoomable } from "./zoom.js";

use([LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

// All graphs of a page share one crosshair.
const PAGE = "page";
connect(PAGE);

/** By the element that they are in: the chart, and what it shows. */
const graphs = new Map();

const update = (element, { chart, option }) => {
    chart.setOption(optionOf(option, element.parentElement), { replaceMerge: ["series"] });
};

const draw = (element, json) => {
    let graph = graphs.get(element);
    if (!graph) {
        const chart = init(element);
        chart.group = PAGE;
        const resized = new ResizeObserver(() => chart.resize());
        resized.observe(element);
        graph = { chart, resized };
        graphs.set(element, graph);
        zoomable(element, () => graph.option.graph.time);
    }
    graph.option = JSON.parse(json);
    update(element, graph);
    refresh(element.closest(".graph"), graph.option);
};

const forget = (element) => {
    const graph = graphs.get(element);
    graphs.delete(element);
    graph?.resized.disconnect();
    graph?.chart.dispose();
};

// Markup of the server's takes the place of its older self: a graph in it goes on on the canvas that it had, and an open
// table stays open.
const adopt = () => {
    for (const fresh of document.querySelectorAll("[data-chart]")) {
        const { chart: json } = fresh.dataset;
        delete fresh.dataset.chart;
        const old = [...graphs.keys()].find((element) => !element.isConnected && element.id === fresh.id);
        const figure = fresh.closest(".graph");
        const table = old?.closest(".graph")?.querySelector(".graph-table");
        if (old) fresh.replaceWith(old);
        if (table) {
            figure.append(table);
            figure.querySelector("[data-tool=table]")?.setAttribute("aria-expanded", "true");
        }
        const element = old ?? fresh;
        element.parentElement.classList.add("drawn");
        draw(element, json);
    }
    for (const element of [...graphs.keys()]) if (!element.isConnected) forget(element);
};

adopt();
new MutationObserver(adopt).observe(document.getElementById("main"), { childList: true, subtree: true });
onChange(() => graphs.forEach((graph, element) => update(element, graph)));
listen((element) => graphs.get(element)?.option);

window.echarts = { draw, forget };
