// Writes what the page shows as text of markup (app/src/widgets/html.rs). Most of it is as it was but for a few values, so only
// these are set: elements that are made anew each time are work for the browser, and garbage.

/** Tags, and the text between them; what is in quotes has neither of the brackets. */
const TOKENS = /<[^>]*>|[^<]+/g;
const VALUES = /([\w-]+)="([^"]*)"/g;

const LETTERS = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"' };
const plain = (text) => (text.includes("&") ? text.replace(/&\w+;/g, (name) => LETTERS[name] ?? name) : text);

const isTag = (token) => token[0] === "<";
const frameOf = (tag) => tag.replace(VALUES, "$1");

// A word that grows in its place would push the others aside, which counts as a shift.
const isAlike = (old, fresh) =>
    old === fresh || (isTag(old) ? isTag(fresh) && frameOf(old) === frameOf(fresh) : old.length === fresh.length && !isTag(fresh));

const change = (node, fresh) => {
    if (!isTag(fresh)) {
        node.data = plain(fresh);
        return;
    }
    for (const [, name, value] of fresh.matchAll(VALUES)) {
        const text = plain(value);
        if (node.getAttribute(name) !== text) node.setAttribute(name, text);
    }
};

/** Whether only values had to be set in the element. */
const rewrite = (element, before, text) => {
    const [olds, news] = [before, text].map((markup) => markup.match(TOKENS) ?? []);
    if (olds.length !== news.length || !olds.every((old, at) => isAlike(old, news[at]))) return false;
    const nodes = document.createTreeWalker(element, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    return news.every((fresh, at) => {
        if (fresh.startsWith("</")) return true;
        const node = nodes.nextNode();
        // Others may have written into it too.
        const isThere = node && (isTag(fresh) ? fresh.startsWith(node.localName, 1) : node.data === plain(olds[at]));
        if (isThere && fresh !== olds[at]) change(node, fresh);
        return isThere;
    });
};

/** Has the element show `text` after `before`. */
export const write = (element, before, text) => {
    // In the server's markup are graphs, whose elements go on in the place of new ones.
    if (text.includes("data-chart") || !rewrite(element, before, text)) element.innerHTML = text;
};
