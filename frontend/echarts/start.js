// Starts the app once what can be read is on the screen: over a slow link the words come before the program.

const { dataset } = document.documentElement;

const start = async () => {
    const wasm = fetch(dataset.wasm);
    const app = await import(dataset.app);
    await app.default({ module_or_path: wasm });
    app.hydrate();
};

// Nothing is painted of a page that nobody sees, so there it is at once.
if (document.hidden) start();
else requestAnimationFrame(() => setTimeout(start));
