// What the app (app/src/browser/wasm.rs) asks the server and the page.

/** The JSON text that the server answers to JSON; `null` where it refuses, or answers something else. */
export const ask = async (path, body) => {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    return answer.ok ? answer.json().catch(() => null) : null;
};

const ACTED_IN = ".act-more[open],.query[open],.server-drawn :focus-visible,.cell .markup :focus-visible";

export const isActing = () => document.querySelector(ACTED_IN) !== null;

export const setHead = (title, icon) => {
    if (document.title !== title) document.title = title;
    const link = document.querySelector("link[rel=icon]");
    if (link && link.getAttribute("href") !== icon) link.setAttribute("href", icon);
};

/** The system's own theme needs no name. Where cookies are refused, the choice lasts as long as the page. */
export const dress = (theme, seconds) => {
    const { dataset } = document.documentElement;
    if (theme === "system") delete dataset.theme;
    else dataset.theme = theme;
    try {
        document.cookie = `theme=${theme}; Max-Age=${seconds}${dataset.cookie ?? ""}`;
    } catch {
        // Until then.
    }
};

/** There is no canvas in the element any more, if there ever was. */
export const forget = (element) => window.echarts?.forget(element);

/** Writes into every element that says since which second something is what `age` makes of that. */
export const setAges = (age) => {
    for (const element of document.querySelectorAll("[data-since]")) element.textContent = age(BigInt(element.dataset.since));
};
