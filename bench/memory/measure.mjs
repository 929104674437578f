// Resident memory of the one process after ten minutes of use, and whether it grows once the
// 15 minutes of live history that it holds are full.

import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { withDashboard } from '../lib/dashboard.mjs';
import { exporterVersion, scrape, startExporter } from '../lib/exporter.mjs';
import { load } from '../lib/page.mjs';
import { residentBytes, stop } from '../lib/processes.mjs';
import { quietly } from '../lib/quiet.mjs';
import { median, slope } from '../lib/statistics.mjs';
import { oneEvent, peerVersion, withPeer } from '../websocket/contenders.mjs';
import { connectClients, count, disconnectClients } from '../websocket/swarm.mjs';

const LONG = { seconds: 1_560, takenAtSecond: 600, judgedSeconds: 560 };
const SHORT = { seconds: 8, takenAtSecond: 8, judgedSeconds: 6 };
const READ_EVERY_SECONDS = 2;
const LOAD_EVERY_SECONDS = 10;
const MEGABYTE = 1e6;
const MEBIBYTE = 2 ** 20;
/** The part of the judged time over which a step of a steady rise is taken. */
const STEPS = 7;

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  const readings = await quietly(short, () => withAll((servers) => watch(servers, form)));
  return report(readings, { short, ...form });
}

function withAll(measure) {
  return withDashboard(async (dashboard) => {
    const event = await oneEvent(dashboard.url);
    return withPeer(event, async (peer) => {
      const exporter = await startExporter();
      try {
        return await measure({ dashboard, peer, exporter });
      } finally {
        await stop(exporter);
      }
    });
  });
}

/** `[{second, ours, socketio, exporter}]`, in bytes. */
async function watch({ dashboard, peer, exporter }, { seconds }) {
  const clients = [
    await connectClients('ours', dashboard.url, 1),
    await connectClients('peer', peer.url, 1),
  ];
  const readings = [];
  const start = Date.now();
  for (let second = 0; second <= seconds; second += READ_EVERY_SECONDS) {
    await sleep(start + second * 1000 - Date.now());
    if (second % LOAD_EVERY_SECONDS === 0) await Promise.all([load(dashboard.url), scrape(exporter)]);
    readings.push({
      second,
      ours: residentBytes(dashboard.pid),
      socketio: residentBytes(peer.pid),
      exporter: residentBytes(exporter.pid),
    });
  }
  for (const client of clients) {
    const { fewest } = await count(client);
    if (!(fewest > 0)) throw new Error('the client got no event');
    await disconnectClients(client);
  }
  return readings;
}

function report(readings, { short, seconds, takenAtSecond, judgedSeconds }) {
  const judged = readings.filter(({ second }) => second >= seconds - judgedSeconds);
  const minute = readings.filter(({ second }) => second > takenAtSecond - 60 && second <= takenAtSecond);
  const megabytes = (side) => median(minute.map((reading) => reading[side])) / MEGABYTE;
  const growth = slope(judged.map(({ second, ours }) => [second / 60, ours / MEBIBYTE]));
  const rises = isSteadyRise(steps(judged));
  const parts = steps(judged).map((bytes) => (bytes / MEGABYTE).toFixed(2));
  return {
    rows: [
      {
        what: `resident memory after ${Math.round(takenAtSecond / 6) / 10} min`,
        unit: 'MB',
        digits: 1,
        ours: megabytes('ours'),
        peer: megabytes('exporter') + megabytes('socketio'),
        goal: { of: 'ours', most: 40 },
      },
      {
        what: 'its growth per minute',
        unit: 'MiB',
        digits: 3,
        ours: growth,
        // A rise without a pause is growth, however slow.
        goal: { of: 'ours', most: rises && !short ? 0 : 0.2 },
        mayBeZero: true,
      },
    ],
    about: [
      `one websocket client, and / with all its files every ${LOAD_EVERY_SECONDS} s; median RSS of the minute before, 1 MB is 10^6 bytes`,
      `growth: least-squares slope of the last ${judgedSeconds} of ${seconds} s, in whose parts it was ${parts.join(' ')} MB`,
      ...(rises && !short ? ['the parts rise without a pause, so the goal is no growth at all'] : []),
      `peer, in the same minutes: ${exporterVersion()}, scraped as often, ${megabytes('exporter').toFixed(1)} MB`,
      `  and ${peerVersion()} with one client, ${megabytes('socketio').toFixed(1)} MB`,
      'the peer serves no page and keeps no history, ours does',
    ],
  };
}

/** The median of each of the parts of the judged time. */
function steps(judged) {
  const size = Math.ceil(judged.length / STEPS);
  const parts = Array.from({ length: STEPS }, (_, i) => judged.slice(i * size, (i + 1) * size));
  return parts.filter((part) => part.length).map((part) => median(part.map(({ ours }) => ours)));
}

const isSteadyRise = (values) => values.every((value, i) => i === 0 || value > values[i - 1]);
