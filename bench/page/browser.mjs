// Pages in Chromium, and what they say of themselves.

import { setTimeout as sleep } from 'node:timers/promises';
import puppeteer from 'puppeteer-core';
import { withChromium } from '../lib/chromium.mjs';

// So high that all graphs are seen: those that are not cost our page nothing.
const VIEWPORT = { width: 1440, height: 4000 };
const PATIENCE_MS = 60_000;
const SAMPLING_MICROSECONDS = 500;
/** What the profiler calls it when no code runs. */
const NOT_SCRIPT = ['(idle)', '(program)', '(root)'];

/** Runs `use` with a new Chromium. */
export function withBrowser(use) {
  return withChromium(async (port) => {
    const browser = await puppeteer.connect({ browserURL: `http://127.0.0.1:${port}`, defaultViewport: VIEWPORT });
    try {
      return await use(browser);
    } finally {
      await browser.disconnect();
    }
  });
}

/** Runs `use` with an open page, alone and in front, `{until, rest, time, scripting, bytes, code}`. */
export async function withPage(browser, url, use) {
  const context = await browser.createBrowserContext();
  try {
    const page = await context.newPage();
    const session = await page.createCDPSession();
    await session.send('Performance.enable');
    await session.send('HeapProfiler.enable');
    await page.evaluateOnNewDocument(watch);
    await page.goto(url, { waitUntil: 'load' });
    const lines = () => page.evaluate(() => window.bench.lines());
    return await use({
      until: async (holds) => {
        // Ours hands all points over when somebody points at a graph.
        await page.hover('figure');
        return until(lines, holds, url);
      },
      rest: async () => {
        await page.mouse.move(0, 0);
        await page.waitForSelector('html:not([data-graphs])', { timeout: PATIENCE_MS });
      },
      time: () => time(session),
      scripting: (seconds) => scripting(session, seconds),
      bytes: () => bytes(page, session),
      code: () => code(session),
    });
  } finally {
    await context.close();
  }
}

/** Of each graph the points of its lines: `[[450], [450, 450], ...]`, once `holds` is true of it. */
async function until(lines, holds, url) {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(200)) {
    const found = await lines();
    if (holds(found)) return found;
    if (Date.now() > end) throw new Error(`${url}: the graphs have ${JSON.stringify(found)} points, and stay so`);
  }
}

/** Milliseconds of the page's main thread since it was opened. */
async function time(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name) => metrics.find((metric) => metric.name === name).value * 1000;
  return { at: of('Timestamp'), script: of('ScriptDuration'), task: of('TaskDuration') };
}

/**
 * Milliseconds a second in which the page's main thread runs code, over the next `seconds`: `{script, wasm, collector}`,
 * `script` being all of it. By samples, for ScriptDuration leaves out what runs in microtasks, which is all that
 * socket.io calls.
 */
async function scripting(session, seconds) {
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS });
  await session.send('Profiler.start');
  await sleep(seconds * 1000);
  const { profile } = await session.send('Profiler.stop');
  await session.send('Profiler.disable');
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const spent = { script: 0, wasm: 0, collector: 0 };
  profile.samples.forEach((id, place) => {
    const { functionName, url } = frames.get(id);
    const milliseconds = profile.timeDeltas[place] / 1000 / seconds;
    if (NOT_SCRIPT.includes(functionName)) return;
    spent.script += milliseconds;
    if (url.includes('wasm')) spent.wasm += milliseconds;
    if (functionName === '(garbage collector)') spent.collector += milliseconds;
  });
  return spent;
}

/** Bytes in use after everything that is garbage has gone: of the JavaScript heap, and the WASM memory. */
async function bytes(page, session) {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize').value;
  const wasm = await page.evaluate(() => window.bench.wasm());
  return { heap, wasm };
}

/** Bytes of the JavaScript heap that are code: what V8 has compiled of the page's functions so far. */
async function code(session) {
  const chunks = [];
  const take = ({ chunk }) => chunks.push(chunk);
  session.on('HeapProfiler.addHeapSnapshotChunk', take);
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  session.off('HeapProfiler.addHeapSnapshotChunk', take);
  const { snapshot, nodes } = JSON.parse(chunks.join(''));
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, size] = [fields.indexOf('type'), fields.indexOf('self_size')];
  const isCode = types[type].indexOf('code');
  let sum = 0;
  for (let node = 0; node < nodes.length; node += fields.length) if (nodes[node + type] === isCode) sum += nodes[node + size];
  return sum;
}

/** In the page, before its own scripts: keeps what its graphs are told to draw, and finds its WASM memory. */
function watch() {
  const drawn = new Map();
  const memories = [];
  let echarts;
  Object.defineProperty(window, 'echarts', {
    configurable: true,
    get: () => echarts,
    set: (library) => {
      echarts = {
        ...library,
        draw: (element, plot) => {
          drawn.set(element, plot);
          return library.draw(element, plot);
        },
      };
    },
  });
  const keep = (result) => {
    const { exports } = result.instance ?? result;
    if (exports.memory) memories.push(exports.memory);
    return result;
  };
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[name];
    WebAssembly[name] = (...options) => original.apply(WebAssembly, options).then(keep);
  }
  const plots = () => [...drawn].filter(([element]) => element.isConnected).map(([, plot]) => JSON.parse(plot));
  // A line without a name is a threshold.
  const points = ({ lines }) => lines.filter(({ name }) => name).map(({ data }) => data.length);
  window.bench = {
    // The peer's page names its own.
    lines: () => window.lineCharts?.map((chart) => chart.points()) ?? plots().map(points),
    wasm: () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0),
  };
}
