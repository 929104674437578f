// Keeps the page about the monitoring itself up to date, as the server draws it. Without this it is as it was loaded.

const EVERY = 5_000;
const PATIENCE = 4_000;
const place = document.getElementById("vitals");
const stale = document.getElementById("stale");

const ask = async () => {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(PATIENCE), headers: { accept: "text/html" } });
    // Whoever has to log in again is led there.
    if (answer.redirected) return location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.getElementById("vitals");
    if (!now) throw new Error("another page");
    // Section by section, so that what is the same stays, with the focus and what is scrolled in it.
    const [old, fresh] = [[...place.children], [...now.children]];
    if (old.length !== fresh.length) return place.replaceChildren(...fresh);
    old.forEach((section, at) => {
        if (!section.isEqualNode(fresh[at]) && !section.contains(document.activeElement)) section.replaceWith(fresh[at]);
    });
};

const turn = async () => {
    if (!document.hidden) {
        try {
            await ask();
            stale.hidden = true;
        } catch {
            stale.hidden = false;
        }
    }
    setTimeout(turn, EVERY);
};

setTimeout(turn, EVERY);
