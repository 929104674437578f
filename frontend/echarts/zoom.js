// A range between two times: dragged over any graph, or filled into the form of the range picker.
// Both lead to an address, so that the back button undoes it.

import { GRID } from "./frame.js";

/** Pixels from which on a press is a drag. */
const DRAG = 5;
/** Seconds of the shortest range: as in app/src/range.rs. */
const SHORTEST = 10;

/** Goes to the range between two times in seconds: by a link, which the page's router follows. */
const show = (from, to) => {
    const search = new URLSearchParams(location.search);
    search.delete("range");
    search.set("from", from);
    search.set("to", to);
    const link = document.createElement("a");
    link.href = `${location.pathname}?${search}`;
    link.setAttribute("noscroll", "");
    document.body.append(link);
    link.click();
    link.remove();
};

/** Marks the part from `left` to `right` (0-1) of every plot; nothing without them. */
const select = (left, right) => {
    for (const box of document.querySelectorAll(".graph-box.drawn")) {
        let mark = box.querySelector(".graph-selection");
        if (left === undefined) {
            mark?.remove();
            continue;
        }
        if (!mark) {
            mark = document.createElement("div");
            mark.className = "graph-selection";
            box.append(mark);
        }
        const width = box.clientWidth - GRID.left - GRID.right;
        mark.style.left = `${GRID.left + left * width}px`;
        mark.style.width = `${(right - left) * width}px`;
    }
};

/** Lets the viewer drag over a graph on this canvas, whose time axis is `time()`. */
export const zoomable = (canvas, time) => {
    canvas.addEventListener("pointerdown", (down) => {
        if (down.button !== 0 || !time()) return;
        const place = ({ clientX }) => {
            const { left, width } = canvas.getBoundingClientRect();
            return Math.min(Math.max((clientX - left - GRID.left) / (width - GRID.left - GRID.right), 0), 1);
        };
        const start = place(down);
        const listening = new AbortController();
        const { signal } = listening;
        let dragged = null;
        const end = () => {
            listening.abort();
            select();
        };
        addEventListener("pointermove", (move) => {
            if (!dragged && Math.abs(move.clientX - down.clientX) < DRAG) return;
            const now = place(move);
            dragged = [Math.min(start, now), Math.max(start, now)];
            select(...dragged);
        }, { signal });
        addEventListener("pointerup", () => {
            end();
            if (!dragged) return;
            const [first, last] = time();
            let [from, to] = dragged.map((share) => Math.round((first + share * (last - first)) / 1000));
            if (to - from < SHORTEST) {
                from = Math.round((from + to - SHORTEST) / 2);
                to = from + SHORTEST;
            }
            show(from, to);
        }, { signal });
        addEventListener("pointercancel", end, { signal });
        addEventListener("keydown", ({ key }) => key === "Escape" && end(), { signal });
    });
};

// The form has times of the viewer's clock, and would send them without a zone.
document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches(".range-between")) return;
    event.preventDefault();
    const [from, to] = ["from", "to"].map((name) => Math.floor(new Date(form.elements[name].value).getTime() / 1000));
    const field = form.elements.to;
    field.setCustomValidity(to - from < SHORTEST ? form.dataset.error : "");
    if (!form.reportValidity()) {
        field.addEventListener("input", () => field.setCustomValidity(""), { once: true });
        return;
    }
    form.closest("details")?.removeAttribute("open");
    show(from, to);
});
