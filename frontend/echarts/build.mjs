// Bundles page.js into frontend/assets/page-<hash>.js, health.js and entry.js into health-<hash>.js and echarts-<hash>.js,
// and removes earlier ones. The hash is of the content, so the files may be cached for ever.

import { createHash } from "node:crypto";
import { readdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";

const here = new URL(".", import.meta.url);
const assets = new URL("../assets/", here);

const kilobytes = (bytes) => (bytes / 1000).toFixed(1);

const bundle = async (entry, name, banner) => {
    const result = await build({
        absWorkingDir: fileURLToPath(here),
        entryPoints: [entry],
        bundle: true,
        minify: true,
        write: false,
        format: "esm",
        target: "es2020",
        legalComments: "none",
        define: { "process.env.NODE_ENV": '"production"' },
        banner: { js: banner },
    });
    const script = result.outputFiles[0].contents;
    const file = `${name}-${createHash("sha256").update(script).digest("hex").slice(0, 16)}.js`;
    await writeFile(new URL(file, assets), script);
    console.log(`${file}: ${kilobytes(script.length)} kB, ${kilobytes(brotliCompressSync(script).length)} kB in brotli`);
};

for (const name of await readdir(assets)) {
    if (/^(page|health|echarts)-.*\.js(\.br|\.gz)?$/.test(name)) await rm(new URL(name, assets));
}
await bundle("page.js", "page", "");
await bundle("health.js", "health", "");
await bundle("entry.js", "echarts", "/*! Apache ECharts 6.1.0, Apache-2.0; zrender, BSD-3-Clause */");
