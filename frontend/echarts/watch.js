// Whether somebody looks into graphs: points at one, is at one by keyboard, or has one as a table. As long as that is so,
// `data-graphs` of <html> says it, graphs are on a canvas (entry.js), and the page (app/src/charts/echarts.rs) hears of both by
// the event "graphs" of the window. The rest of the time the drawing in the markup is what lives, at a fraction of the work.

const LOOKED_INTO = ".graph:hover, .graph:focus-within, .graph-table";
/** So long nobody looks into any graph before the canvases go. */
const REST_AFTER_MS = 10_000;

const { dataset } = document.documentElement;
let library;
/** What made somebody look, until that has come about. */
let wanted;

const tell = (isLookedInto) => {
    if (isLookedInto) dataset.graphs = "";
    else delete dataset.graphs;
    dispatchEvent(new Event("graphs"));
};

const restLater = () =>
    setTimeout(() => {
        if (document.querySelector(LOOKED_INTO)) {
            restLater();
            return;
        }
        tell(false);
        window.echarts.rest();
    }, REST_AFTER_MS);

const look = async (event) => {
    // A click is what the viewer wants; the others only lead there.
    if (!wanted || event.type === "click") wanted = event;
    try {
        await (library ??= import(dataset.echarts));
    } catch {
        // The drawing stays, and the next one tries again.
        library = wanted = undefined;
    }
    if (!wanted) return;
    tell(true);
    window.echarts.wake(wanted);
    wanted = undefined;
    restLater();
};

for (const type of ["pointerover", "focusin", "click"]) {
    addEventListener(type, (event) => {
        if (dataset.graphs === undefined && event.target.closest?.(".graph")) look(event);
    });
}

// Whoever has a hand on the pointer may come to a graph; a screen on a wall never needs ECharts.
const prefetch = () => {
    if (library) return;
    const link = document.createElement("link");
    link.rel = "prefetch";
    link.href = dataset.echarts;
    document.head.append(link);
};
addEventListener("pointerover", prefetch, { once: true });
