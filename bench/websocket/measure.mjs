// Memory of an idle websocket connection, and CPU time of the server for a message delivered.

import { setTimeout as sleep } from 'node:timers/promises';
import { withDashboard } from '../lib/dashboard.mjs';
import { cpuSeconds, settledBytes } from '../lib/processes.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median } from '../lib/statistics.mjs';
import { eventOf, peerVersion, withFloor, withPeer } from './contenders.mjs';
import { connectClients, count, disconnectClients } from './swarm.mjs';

/** What the goals were set for. */
const EVENT_BYTES = 1200;

const LONG = { clients: 2000, rounds: 3, warmSeconds: 10, settleSeconds: 10, spanSeconds: 40 };
const SHORT = { clients: 200, rounds: 1, warmSeconds: 0, settleSeconds: 0, spanSeconds: 4, readings: 2 };
/** Nothing but that event is sent. */
const ALONE = ['application.enabled=false'];

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  const { settings, event, natural } = await eventOf(short ? 0 : EVENT_BYTES);
  const taken = await inTurns('websocket', { short, together: true, ...form }, {
    ours: () => withDashboard((server) => round('ours', server, form), [...settings, ...ALONE]),
    peer: () => withPeer(event, (server) => round('peer', server, form)),
    floor: () => withFloor(event, (server) => round('ours', server, form)),
  });
  const of = (side, figure) => median(taken[side].map((result) => result[figure]));
  const row = (what, figure, rest) => ({ what, ours: of('ours', figure), peer: of('peer', figure), ...rest });
  return {
    rows: [
      row('memory of an idle websocket', 'kibibytesPerConnection', {
        unit: 'KiB',
        digits: 1,
        goal: { of: 'ours', most: 8 },
        // So few clients can disappear in what the server gives back meanwhile.
        mayBeZero: short,
      }),
      row('CPU per message delivered', 'microsecondsPerMessage', {
        unit: 'us',
        digits: 1,
        goal: { of: 'ratio', most: 0.6 },
        // So few messages may cost less than is counted.
        mayBeZero: short,
      }),
      {
        ...row('the same, beside bare send()', 'microsecondsPerMessage', { unit: 'us', digits: 1 }),
        peer: of('floor', 'microsecondsPerMessage'),
        mayBeZero: short,
      },
      row('the same, with all else that the server does', 'microsecondsOfAll', {
        unit: 'us',
        digits: 1,
        mayBeZero: short,
      }),
    ],
    about: [
      `${form.clients} clients (ws, one process), an event every 2 s; ${form.rounds} rounds in turns`,
      `an event has ${of('ours', 'bytes')} bytes, the peer's ${of('peer', 'bytes')}; ours would have ${natural} for the few disks of this host and is made larger by a long system.host`,
      `memory: growth of the server's RSS by connecting, ${form.settleSeconds} s after the last client`,
      `CPU: user and system time of the server over ${form.spanSeconds} s, less what it used in as long before there were clients,`,
      '  divided by the messages received; with all else: nothing taken off. Ours reads the host and fills the stores meanwhile,',
      '  the peer only sends',
      `peer: ${peerVersion()}`,
      'bare send(): a loop in one thread that writes a ready frame to each socket and does nothing else (server/examples/floor.rs)',
    ],
  };
}

async function round(dialect, { pid, url }, { clients, warmSeconds, settleSeconds, spanSeconds, readings }) {
  await sleep(warmSeconds * 1000);
  const idle = await used(pid, spanSeconds);
  const before = await settledBytes(pid, readings);
  const swarm = await connectClients(dialect, url, clients);
  try {
    await sleep(settleSeconds * 1000);
    const after = await settledBytes(pid, readings);
    await count(swarm);
    const all = await used(pid, spanSeconds);
    const { messages, fewest, bytes } = await count(swarm);
    if (!(fewest > 0)) throw new Error('a client got no event at all');
    return {
      kibibytesPerConnection: (after - before) / clients / 1024,
      microsecondsPerMessage: ((all - idle) / messages) * 1e6,
      microsecondsOfAll: (all / messages) * 1e6,
      messages,
      fewest,
      bytes,
      beforeMebibytes: before / 2 ** 20,
    };
  } finally {
    await disconnectClients(swarm);
  }
}

/** CPU time of a process over the next seconds. */
async function used(pid, seconds) {
  const before = cpuSeconds(pid);
  await sleep(seconds * 1000);
  return cpuSeconds(pid) - before;
}
