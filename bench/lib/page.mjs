// A page and the files it loads, fetched as a browser would: in brotli, cached for ever where the server says so.

import { get } from './http.mjs';

/** What the page names, by kind. */
const FILES = {
  page: /src="([^"]*\/page-[^"]+\.js)"/,
  wasm: /data-wasm="([^"]+)"/,
  glue: /data-app="([^"]+)"/,
  echarts: /data-echarts="([^"]+)"/,
  style: /href="([^"]+\.css)"/,
  font: /href="([^"]+\.woff2)"/,
};

/** `{html, page, wasm, glue, echarts, style, font}`, each `{path, status, headers, body}`. */
export async function load(url) {
  const fetched = async (file) => ({ path: file, ...(await get(new URL(file, url), { 'accept-encoding': 'br' })) });
  const readable = (await get(url)).body.toString();
  const files = { html: await fetched('/') };
  for (const [kind, pattern] of Object.entries(FILES)) {
    const found = pattern.exec(readable);
    if (!found) throw new Error(`the page names no ${kind}`);
    files[kind] = await fetched(found[1]);
  }
  for (const { path, status } of Object.values(files)) {
    if (status !== 200) throw new Error(`${path} was answered with ${status}`);
  }
  return files;
}
