// The peer's page: five panels by Express, socket.io and Chart.js, as good as these make it. node server.mjs DASHBOARD
//
// The values are in the first HTML; the script is one bundle of what is used, in brotli of the highest quality, to be
// cached for ever; events come by websocket at once; and charts follow what Chart.js says of its performance.
// `/?made=450,900&lines=1,2` has a made past of so many points over so many seconds, and graphs with so many lines.

import { createServer } from 'node:http';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import compression from 'compression';
import { build } from 'esbuild';
import express from 'express';
import { Server } from 'socket.io';
import { html } from './html.mjs';
import { graphs } from './metrics.mjs';
import { State } from './state.mjs';

const here = import.meta.dirname;
const icon = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4"/></svg>';

const state = new State(process.argv[2]);
await state.start();
const script = await bundle();
const style = readFileSync(path.join(here, 'page.css'), 'utf8');

const app = express();
app.disable('x-powered-by');
app.get(script.path, (_, response) => {
  response.set({
    'content-type': 'text/javascript; charset=utf-8',
    'content-encoding': 'br',
    'cache-control': 'public, max-age=31536000, immutable',
  });
  response.send(script.brotli);
});
app.use(compression());
app.get('/icon.svg', (_, response) => response.type('svg').set('cache-control', 'public, max-age=3600').send(icon));
app.get('/robots.txt', (_, response) => response.type('text').send('User-agent: *\nDisallow:\n'));
app.get('/', (request, response) => {
  const numbers = (name) => request.query[name]?.split(',').map(Number);
  const [number, seconds] = numbers('made') ?? [];
  const snapshot = state.snapshot(number && { number, seconds });
  const page = html({ ...snapshot, graphs: graphs(numbers('lines')) }, { script: script.path, style });
  response.set('cache-control', 'no-cache').type('html').send(page);
});

const server = createServer(app);
const io = new Server(server, { transports: ['websocket'], serveClient: false, perMessageDeflate: false });
state.on('event', (event, data) => io.emit(event, data));
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/` })));
process.on('SIGTERM', () => process.exit());

/** `{path, brotli}`. */
async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [path.join(here, 'page.js')],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
  });
  const { contents } = outputFiles[0];
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 16);
  return { path: `/page-${hash}.js`, brotli: brotliCompressSync(contents) };
}
