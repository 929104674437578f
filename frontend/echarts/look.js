// The page's look, from its custom properties: graphs name a colour, and the theme says what it is.

export const property = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Calls `changed` when the colours on the page may have changed: by choice, or with the system. */
export const onChange = (changed) => {
    new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
};
