// Scripting time of a page with live graphs of many points, beside the peer's page with as many.

import { setTimeout as sleep } from 'node:timers/promises';
import { chromiumVersion } from '../lib/chromium.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median } from '../lib/statistics.mjs';
import { withBrowser, withPage } from './browser.mjs';
import { withBothPages } from './pages.mjs';
import { peerAddress, peerPageVersion } from './peer.mjs';
import { withStage } from './stage.mjs';

/** The points come within less than the graphs' quarter of an hour, so that none leaves them meanwhile. */
const PAST = { number: 3600, seconds: 820 };
const LONG = { rounds: 3, warmSeconds: 6, seconds: 60 };
const SHORT = { rounds: 1, warmSeconds: 0, seconds: 4 };

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  const taken = await withBothPages((dashboard, peer) =>
    withStage(dashboard, () => PAST, (ours) =>
      withBrowser((browser) => rounds(browser, ours, peer, { short, ...form })),
    ),
  );
  return report(taken, form);
}

/** In turns in one Chromium; the peer's page has as many graphs, lines and points as ours was seen to have. */
function rounds(browser, ours, peer, form) {
  let graphs;
  const isFull = (lines) => lines.length > 0 && lines.flat().every((points) => points >= PAST.number);
  const contender = (address) => () =>
    withPage(browser, address(), async (page) => {
      const lines = await page.until(isFull);
      graphs ??= lines;
      if (lines.length !== graphs.length || lines.flat().length !== graphs.flat().length) {
        throw new Error(`${address()} has other graphs: ${JSON.stringify(lines)}`);
      }
      await sleep(form.warmSeconds * 1000);
      const { script: pointed } = await page.scripting(form.seconds);
      await page.rest();
      const before = await page.time();
      const scripting = await page.scripting(form.seconds);
      const after = await page.time();
      const a = (figure) => (after[figure] - before[figure]) / ((after.at - before.at) / 1000);
      return {
        ...scripting,
        pointed,
        duration: a('script'),
        task: a('task'),
        graphs: lines.length,
        lines: lines.flat().length,
        points: Math.min(...lines.flat()),
      };
    });
  const peerUrl = () => peerAddress(peer, graphs.map((graph) => graph.length), PAST);
  return inTurns('page', form, { ours: contender(() => ours.url), peer: contender(peerUrl) });
}

function report(taken, form) {
  const of = (side, figure) => median(taken[side].map((result) => result[figure]));
  const row = (what, figure, rest) => ({
    what: `live page of ${PAST.number} points a line: ${what}`,
    unit: 'ms/s',
    digits: 1,
    ours: of('ours', figure),
    peer: of('peer', figure),
    ...rest,
  });
  const figure = (side, name) => of(side, name).toFixed(1);
  const [{ graphs, lines }] = taken.ours;
  return {
    rows: [
      row('scripting', 'script', { goal: { of: 'ratio', most: 0.5 } }),
      row('scripting while somebody points at a graph', 'pointed'),
      row('main thread', 'task'),
    ],
    about: [
      `/ with ${graphs} live graphs of ${lines} lines, each of ${of('ours', 'points')} points over a quarter of an hour, a push every 2 s that`,
      `  moves all of them; ten graphs were asked for, the page has ${graphs}, and the peer's as many of as many lines`,
      `time of the renderer's main thread over ${form.seconds} s; ${form.rounds} rounds in turns in one ${chromiumVersion()}, a new page each,`,
      '  alone and in front, 1440 x 900; the rest of both pages is live meanwhile too',
      `scripting: samples of the profiler in JavaScript, WASM (of ours ${figure('ours', 'wasm')}) and the garbage collector (of ours ${figure('ours', 'collector')},`,
      `  of the peer ${figure('peer', 'collector')} ms/s); ScriptDuration of CDP, which leaves out microtasks, that is all that socket.io calls, says`,
      `  ${figure('ours', 'duration')} and ${figure('peer', 'duration')} ms/s; main thread: TaskDuration, with layout and painting`,
      'ours draws SVG, and on canvases with all points as long as somebody points at any graph; both are seen to have the points',
      'that many points come from a made past, which is added to the snapshot that the page asks for: by itself, a line of',
      '  a live graph has 450',
      `peer: ${peerPageVersion()} (bench/page/peer): the same readings, no animation, no parsing, decimation (min-max)`,
    ],
  };
}
