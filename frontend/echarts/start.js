// Starts the app once what can be read is on the screen: over a slow link the words come before the program.

const { dataset } = document.documentElement;

// Where the app follows the live feed.
dataset.live = new URL("api/v1/live", document.baseURI).href.replace("http", "ws");

const start = async () => {
    const wasm = fetch(dataset.wasm);
    const app = await import(dataset.app);
    await app.default({ module_or_path: wasm });
    app.hydrate();
};

/** Calls back once something of the page has been painted; the first frame need not have anything in it. */
const oncePainted = (then) => {
    if (!PerformanceObserver.supportedEntryTypes.includes("paint")) {
        requestAnimationFrame(() => setTimeout(then));
        return;
    }
    const observer = new PerformanceObserver((list) => {
        if (list.getEntriesByName("first-contentful-paint").length === 0) return;
        observer.disconnect();
        then();
    });
    observer.observe({ type: "paint", buffered: true });
};

// Nothing is painted of a page that nobody sees, so there it is at once.
if (document.hidden) start();
else oncePainted(start);
