// CPU time of one full reading of the host against one scrape of node_exporter.

import { setTimeout as sleep } from 'node:timers/promises';
import { exporterVersion, scrape, startExporter } from '../lib/exporter.mjs';
import { cpuSeconds, said, start, stop } from '../lib/processes.mjs';
import { example } from '../lib/programs.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median } from '../lib/statistics.mjs';

const LONG = { rounds: 3, samples: 200 };
const SHORT = { rounds: 1, samples: 8 };
/** As the example does it: readings closer together than sysinfo's 200 ms would be incomplete. */
const PAUSE_MS = 250;
const MICROSECONDS = 1e6;

export async function measure({ short }) {
  const { rounds, samples } = short ? SHORT : LONG;
  const reader = example('sample');
  const taken = await inTurns('sample', { short, together: true, rounds }, {
    ours: () => ours(reader, samples),
    peer: () => peer(samples),
  });
  return {
    rows: [
      {
        what: 'CPU of one host sample',
        unit: 'us',
        digits: 0,
        ours: median(taken.ours),
        peer: median(taken.peer),
        goal: { of: 'ratio', most: 0.5 },
        // The kernel counts in 10 ms, which a few readings need not reach.
        mayBeZero: short,
      },
    ],
    about: [
      `${samples} readings and scrapes, one every ${PAUSE_MS} ms; ${rounds} rounds in turns`,
      'ours: every system metric, per mount and interface, written as JSON (collector/examples/sample.rs)',
      `peer: one scrape over keep-alive of ${exporterVersion()} with its default collectors, which read more than ours`,
    ],
  };
}

async function ours(reader, samples) {
  const reading = start(reader, [String(samples)]);
  const seconds = await said(reading, (line) => (/^[\d.e-]+$/.test(line) ? Number(line) : undefined), 600);
  await stop(reading);
  return seconds * MICROSECONDS;
}

async function peer(samples) {
  const exporter = await startExporter();
  try {
    await scrape(exporter);
    const before = cpuSeconds(exporter.pid);
    for (let i = 0; i < samples; i += 1) {
      await sleep(PAUSE_MS);
      await scrape(exporter);
    }
    return ((cpuSeconds(exporter.pid) - before) / samples) * MICROSECONDS;
  } finally {
    await stop(exporter);
  }
}
