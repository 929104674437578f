// Ten thousand clients of one server, some of which come and go, and a thousand that never read.

import { setTimeout as sleep } from 'node:timers/promises';
import { withDashboard } from '../lib/dashboard.mjs';
import { get } from '../lib/http.mjs';
import { cpuSeconds, said, settledBytes, start, stop } from '../lib/processes.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median } from '../lib/statistics.mjs';
import { eventOf, peerVersion } from '../websocket/contenders.mjs';
import { withCrowd, withDeaf } from './swarm.mjs';

/** As in websocket/. */
const EVENT_BYTES = 1200;
const LONG = {
  rounds: 2,
  clients: 10_000,
  deaf: 1000,
  share: 0.1,
  processes: 2,
  warmSeconds: 5,
  fillSeconds: 75,
  seconds: 45,
  readings: 20,
};
const SHORT = {
  rounds: 1,
  clients: 200,
  deaf: 20,
  share: 2,
  processes: 2,
  warmSeconds: 0,
  fillSeconds: 0,
  seconds: 4,
  readings: 2,
};
/** Whatever may listen where an application is looked for by default would have events of its own. */
const CALM = ['application.targets=[]'];
const peerProgram = new URL('peer.mjs', import.meta.url).pathname;

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  // How large an event is matters to figures only.
  const { settings } = short ? { settings: [] } : await eventOf(EVENT_BYTES);
  const contenders = {
    ours: () => withDashboard((server) => ours(server, form), [...settings, ...CALM]),
    peer: () => withPeer((server) => round('peer', server, form)),
  };
  return report(await inTurns('crowd', { short, together: true, ...form }, contenders), form, short);
}

async function withPeer(measure) {
  const peer = start(process.execPath, [peerProgram, String(EVENT_BYTES)]);
  try {
    const url = await said(peer, (line) => (line.startsWith('{') ? JSON.parse(line).url : undefined));
    return await measure({ pid: peer.pid, url });
  } finally {
    await stop(peer);
  }
}

/** Without and then with those that never read. */
function ours(server, form) {
  return round('ours', server, form, async (span) => {
    const before = await connected(server);
    return withDeaf(server.url, form.deaf, async () => {
      // Until what was sent to them fills all that is between.
      await sleep(form.fillSeconds * 1000);
      const { p99, lost, dropped } = await span();
      return { besideDeaf: { p99, lost, dropped, leftOfThem: (await connected(server)) - before } };
    });
  });
}

/** The clients that the server says it has. */
async function connected({ url }) {
  const { body } = await get(new URL('metrics', url));
  return Number(/^recipe_monitoring_live_clients (\d+)/m.exec(body.toString())?.[1]);
}

async function round(dialect, { pid, url }, form, more = async () => ({})) {
  await sleep(form.warmSeconds * 1000);
  const before = await settledBytes(pid, form.readings);
  return withCrowd(dialect, url, form, async (count) => {
    const after = await settledBytes(pid, form.readings);
    const span = async () => {
      await count();
      const cpu = cpuSeconds(pid);
      await sleep(form.seconds * 1000);
      const used = cpuSeconds(pid) - cpu;
      const { quantile, ...counted } = await count();
      if (!(counted.messages > 0)) throw new Error('no client got any event');
      return { ...counted, p50: quantile(0.5), p99: quantile(0.99), cpu: (100 * used) / form.seconds };
    };
    const taken = await span();
    return { kibibytes: (after - before) / form.clients / 1024, ...taken, ...(await more(span)) };
  });
}

function report(taken, form, short) {
  const of = (side, figure) => median(taken[side].map((result) => result[figure]));
  const sum = (side, figure) => taken[side].reduce((total, result) => total + result[figure], 0);
  const row = (what, figure, rest) => ({
    what: `${form.clients} clients: ${what}`,
    ours: of('ours', figure),
    peer: of('peer', figure),
    ...rest,
  });
  const beside = taken.ours.map(({ besideDeaf }) => besideDeaf);
  const besides = (figure) => beside.map((result) => result[figure]);
  const total = (figure) => besides(figure).reduce((all, one) => all + one, 0);
  return {
    rows: [
      row('delay, p50', 'p50', { unit: 'ms', digits: 0, mayBeZero: true }),
      row('delay, p99', 'p99', { unit: 'ms', digits: 0, goal: { of: 'ratio', most: 1 }, mayBeZero: short }),
      row('memory of one', 'kibibytes', { unit: 'KiB', digits: 1, goal: { of: 'ours', most: 8 }, mayBeZero: short }),
      row('CPU of the server', 'cpu', { unit: '%', digits: 1, goal: { of: 'ratio', most: 1 }, mayBeZero: short }),
      {
        what: `${form.clients} clients: events lost`,
        digits: 0,
        ours: sum('ours', 'lost') + total('lost'),
        peer: sum('peer', 'lost'),
        goal: { of: 'ours', most: 0 },
        mayBeZero: true,
      },
      {
        what: `delay, p99, beside ${form.deaf} that never read`,
        unit: 'ms',
        digits: 0,
        ours: median(besides('p99')),
        peer: of('ours', 'p99'),
        goal: { of: 'ratio', most: 1.2 },
        mayBeZero: short,
      },
    ],
    about: [
      `${form.clients} clients in ${form.processes} processes, an event every 2 s; of them ${form.share * 100} % a minute go away for 0.5 to 4 s and come back`,
      `  by ?since= (the peer's by its connection state recovery): ${sum('ours', 'returned')} and ${sum('peer', 'returned')} times in ${form.rounds} rounds of ${form.seconds} s`,
      'delay: from the time that the event bears to the client that has read it; server and clients share the machine,',
      '  and the clients are a parser on a plain socket, for both the same; what was missed while away is not in it',
      `lost: each client looks for holes in the numbers; cut off by the server without cause: ${sum('ours', 'dropped') + total('dropped')}, by the peer ${sum('peer', 'dropped')}`,
      'memory: growth of the RSS by connecting all; CPU: of one core, by the whole dashboard process without its stores',
      `never read: sockets with the smallest buffers (crowd/deaf.py), full after ${form.fillSeconds} s; the peer in that row is ours without them;`,
      `  after ${form.seconds} s more the server had still about ${besides('leftOfThem').join(', ')} of them, and cut off the others`,
      `peer: ${peerVersion()} with connectionStateRecovery, which only sends`,
    ],
  };
}
