// A graph as a table, and as a file: what the tools in its title do.

import { moment } from "./frame.js";

const rowsOf = ({ lines: all, graph: { unit, time } }) => {
    const lines = all.filter(({ name }) => name);
    const moments = new Map();
    lines.forEach(({ data }, column) => {
        for (const [at, value] of data) {
            if (value === null || at < time[0] || at > time[1]) continue;
            if (!moments.has(at)) moments.set(at, lines.map(() => null));
            moments.get(at)[column] = value;
        }
    });
    const columns = lines.map(({ name }) => (unit ? `${name} (${unit})` : name));
    return { columns, rows: [...moments].sort(([a], [b]) => a - b) };
};

const cell = (name, text) => {
    const node = document.createElement(name);
    node.textContent = text;
    return node;
};

/** The table of a graph, newest first, as its elements; `time` is what its first column is called. */
const tableOf = (option, time) => {
    const { columns, rows } = rowsOf(option);
    const table = document.createElement("table");
    table.className = "table";
    const head = table.createTHead().insertRow();
    for (const column of [time, ...columns]) {
        const title = cell("th", column);
        title.scope = "col";
        head.append(title);
    }
    const body = table.createTBody();
    for (const [at, values] of rows.reverse()) {
        const row = body.insertRow();
        const name = cell("th", moment(at, { always: true }));
        name.scope = "row";
        row.append(name);
        const write = (value) => (value === null ? "–" : value.toFixed(option.graph.decimals));
        row.append(...values.map((value) => cell("td", write(value))));
    }
    return table;
};

/** RFC 4180; times in UTC, values in the unit that the column names. */
const csvOf = (option) => {
    const { columns, rows } = rowsOf(option);
    const field = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = rows.map(([at, values]) => [new Date(at).toISOString(), ...values.map((value) => value ?? "")]);
    return [["time", ...columns], ...lines].map((line) => `${line.map(String).map(field).join(",")}\r\n`).join("");
};

const save = (name, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = name;
    link.rel = "external";
    link.click();
    URL.revokeObjectURL(link.href);
};

/** Writes the open table of a graph anew. */
export const refresh = (figure, option) => {
    const place = figure.querySelector(".graph-table");
    place?.replaceChildren(tableOf(option, place.dataset.time));
};

const toggle = (button, figure, title, option) => {
    const open = figure.querySelector(".graph-table");
    button.setAttribute("aria-expanded", String(!open));
    if (open) {
        open.remove();
        return;
    }
    const place = document.createElement("div");
    place.className = "graph-table";
    place.tabIndex = 0;
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", title);
    place.dataset.time = button.dataset.time;
    place.append(tableOf(option, place.dataset.time));
    figure.append(place);
};

/** Does what the tool says that was pressed, if it was one; `optionIn(box)` is what is drawn there. */
export const press = (target, optionIn) => {
    const button = target.closest?.("[data-tool]");
    const figure = button?.closest(".graph");
    const option = figure && optionIn(figure.querySelector(".graph-canvas"));
    if (!option) return;
    const title = figure.querySelector("h3").textContent;
    if (button.dataset.tool === "table") {
        toggle(button, figure, title, option);
        return;
    }
    const until = new Date(option.graph.time[1]).toISOString().slice(0, 19).replaceAll(":", "");
    save(`${title.replace(/[\\/:*?"<>|\s]+/g, "_")}_${until}Z.csv`, csvOf(option));
};
