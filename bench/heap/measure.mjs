// Memory of a live page that stays open: whether it grows once its graphs are full, beside the peer's page.

import { setTimeout as sleep } from 'node:timers/promises';
import { chromiumVersion } from '../lib/chromium.mjs';
import { log } from '../lib/log.mjs';
import { median, slope } from '../lib/statistics.mjs';
import { withBrowser, withPage } from '../page/browser.mjs';
import { withBothPages } from '../page/pages.mjs';
import { peerAddress, peerPageVersion } from '../page/peer.mjs';
import { withStage } from '../page/stage.mjs';

/** Readings of ours are as many as fill a history: from then on, as much is forgotten as comes. */
const PUSH_SECONDS = 2;
const full = (seconds) => ({ number: seconds / PUSH_SECONDS, seconds });
const SPAN_SECONDS = 15 * 60;

const LONG = { readings: 16, everySeconds: 60, warmReadings: 5 };
const SHORT = { readings: 4, everySeconds: 2, warmReadings: 1 };
const KILOBYTE = 1000;

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  const taken = await withBothPages((dashboard, peer) =>
    withStage(dashboard, full, (ours) =>
      // A browser each, so that both are in front.
      withBrowser((mine) => withBrowser((theirs) => watch({ mine, theirs, ours, peer }, form))),
    ),
  );
  return report(taken, form);
}

/** `{ours: [{minute, kilobytes, heap, wasm, code}, ...], peer: [...]}`; `code` only of the first and the last that is judged */
function watch({ mine, theirs, ours, peer }, form) {
  const isFull = (lines) => lines.length > 0 && lines.flat().every((points) => points >= SPAN_SECONDS / PUSH_SECONDS - 1);
  return withPage(mine, ours.url, async (page) => {
    const lines = await page.until(isFull);
    const address = peerAddress(peer, lines.map((graph) => graph.length), full(SPAN_SECONDS));
    return withPage(theirs, address, async (peerPage) => {
      await peerPage.until(isFull);
      const taken = { ours: [], peer: [] };
      const start = Date.now();
      for (let reading = 0; reading < form.readings; reading += 1) {
        await sleep(start + reading * form.everySeconds * 1000 - Date.now());
        for (const [side, watched] of Object.entries({ ours: page, peer: peerPage })) {
          const { heap, wasm } = await watched.bytes();
          const { at } = await watched.time();
          const isEnd = reading === form.warmReadings || reading === form.readings - 1;
          const code = isEnd ? await watched.code() : undefined;
          taken[side].push({ minute: at / 60_000, kilobytes: (heap + wasm) / KILOBYTE, heap, wasm, code });
          log(`heap: ${side}, reading ${reading + 1} of ${form.readings}: ${JSON.stringify({ heap, wasm, code })}`);
        }
      }
      return { ...taken, graphs: lines.length, lines: lines.flat().length };
    });
  });
}

function report({ ours, peer, graphs, lines }, { readings, everySeconds, warmReadings }) {
  const judged = (side) => side.slice(warmReadings);
  const growth = (side) => slope(judged(side).map(({ minute, kilobytes }) => [minute, kilobytes]));
  const compiled = (side) => slope(side.filter(({ code }) => code !== undefined).map(({ minute, code }) => [minute, code / KILOBYTE]));
  const size = (side) => median(judged(side).map(({ kilobytes }) => kilobytes)) / KILOBYTE;
  const parts = (side) => side.map(({ heap, wasm }) => `${(heap / 1e6).toFixed(2)}+${(wasm / 1e6).toFixed(2)}`).join(' ');
  return {
    rows: [
      { what: 'memory of a live page', unit: 'MB', digits: 2, ours: size(ours), peer: size(peer) },
      {
        what: 'its growth per minute',
        unit: 'KB',
        digits: 1,
        ours: growth(ours),
        peer: growth(peer),
        mayBeZero: true,
      },
      {
        what: 'the same without compiled code',
        unit: 'KB',
        digits: 1,
        ours: growth(ours) - compiled(ours),
        peer: growth(peer) - compiled(peer),
        // A history that is kept too long would show as hundreds.
        goal: { of: 'ours', most: 30 },
        mayBeZero: true,
      },
    ],
    about: [
      `/ with ${graphs} live graphs of ${lines} lines, full from the start by a made past of a quarter of an hour (of an hour, where the`,
      `  page keeps that), a push every ${PUSH_SECONDS} s; both pages at the same time, in a ${chromiumVersion()} each`,
      `memory: JSHeapUsedSize after a forced collection, and the WASM memory, which never shrinks; median of the readings`,
      `growth: least-squares slope of ${readings - warmReadings} readings, one every ${everySeconds} s, after ${warmReadings} that warm up; 1 KB is 1000 bytes`,
      `code: by two snapshots of the heap, at the ends of that; for a quarter of an hour V8 compiles what turns out to be run often`,
      `  ours, heap and WASM in MB: ${parts(ours)}`,
      `  peer: ${parts(peer)}`,
      `peer: ${peerPageVersion()} (bench/page/peer) with the same graphs, lines and points`,
    ],
  };
}
