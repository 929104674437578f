// Bundles entry.js into frontend/assets/echarts-<hash>.js and removes earlier ones. The hash is of
// the content, so the file may be cached for ever.

import { createHash } from "node:crypto";
import { readdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";

const here = new URL(".", import.meta.url);
const assets = new URL("../assets/", here);

const result = await build({
    absWorkingDir: fileURLToPath(here),
    entryPoints: ["entry.js"],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2020",
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
    banner: { js: "/*! Apache ECharts 6.1.0, Apache-2.0; zrender, BSD-3-Clause */" },
});
const script = result.outputFiles[0].contents;
const hash = createHash("sha256").update(script).digest("hex").slice(0, 16);

for (const name of await readdir(assets)) {
    if (/^echarts-.*\.js(\.br|\.gz)?$/.test(name)) await rm(new URL(name, assets));
}
await writeFile(new URL(`echarts-${hash}.js`, assets), script);

const kilobytes = (bytes) => (bytes / 1000).toFixed(0);
console.log(`echarts-${hash}.js: ${kilobytes(script.length)} kB, ${kilobytes(brotliCompressSync(script).length)} kB in brotli`);
