// Many clients, in a process of their own: node clients.mjs DIALECT URL CLIENTS SHARE
//
// That SHARE of them goes away every minute, each for a while, and comes back to where it was. Says 'connected' to its
// parent when all have got their first event; answers every message with what came since the last one.

import { setTimeout as sleep } from 'node:timers/promises';
import { dialects } from './dialects.mjs';
import { openSocket } from './socket.mjs';

const CONNECTING_AT_ONCE = 100;
const AWAY_MS = [500, 4000];
/** Delays are counted by the millisecond, up to this one. */
const LONGEST_MS = 20_000;
const MINUTE_MS = 60_000;

const [name, url, wanted, share] = process.argv.slice(2);
const dialect = dialects[name];
const { hostname: host, port } = new URL(url);
const clients = [];
let counted = none();
let known = { text: '', read: undefined };

function none() {
  return { messages: 0, lost: 0, repeated: 0, returned: 0, dropped: 0, delays: new Uint32Array(LONGEST_MS + 1) };
}

/** Resolves when it is connected. */
function connect(client) {
  return new Promise((resolve) => {
    // Until it is connected, which may come after what it missed.
    client.since = Infinity;
    client.socket = openSocket({ host, port }, dialect.path(client), {
      text: (bytes) => hear(client, bytes, resolve),
      end: () => {
        if (!client.isAway) {
          counted.dropped += 1;
          leave(client);
        }
        resolve();
      },
    });
  });
}

function hear(client, bytes, resolve) {
  const { answer, greeted, ready, resumed, seq, at, session, offset } = read(bytes);
  if (answer) return client.socket.send(answer);
  if (greeted) return client.socket.send(dialect.greet(client));
  if (ready) {
    client.since = performance.timeOrigin + performance.now();
    // What it missed is gone: the numbers that follow will not show it by themselves.
    if (client.seq && resumed === false) counted.lost += 1;
    if (!client.seq) client.seq = seq;
    client.session = session;
    return resolve();
  }
  if (client.seq && seq > client.seq + 1) counted.lost += seq - client.seq - 1;
  if (client.seq && seq <= client.seq) counted.repeated += 1;
  client.seq = seq;
  client.offset = offset;
  counted.messages += 1;
  // What was made while it was away cannot have come in time.
  if (at >= client.since) {
    const delay = Math.round(performance.timeOrigin + performance.now() - at);
    counted.delays[Math.max(0, Math.min(delay, LONGEST_MS))] += 1;
  }
  client.isServed = true;
  return undefined;
}

/** Most get what another one has got before. */
function read(bytes) {
  if (!dialect.isSame) return dialect.read(bytes);
  const text = bytes.toString('latin1', 0, 40);
  if (text !== known.text) known = { text, read: dialect.read(bytes) };
  return known.read.ready ? dialect.read(bytes) : known.read;
}

async function leave(client) {
  client.isAway = true;
  client.socket.destroy();
  const [least, most] = AWAY_MS;
  await sleep(least + Math.random() * (most - least));
  client.isAway = false;
  counted.returned += 1;
  await connect(client);
}

process.on('message', () => {
  const { delays, ...rest } = counted;
  counted = none();
  process.send({ ...rest, delays: [...delays.entries()].filter(([, count]) => count) });
});
process.on('disconnect', () => process.exit());

while (clients.length < Number(wanted)) {
  const batch = Array.from({ length: Math.min(CONNECTING_AT_ONCE, Number(wanted) - clients.length) }, () => ({ seq: 0 }));
  clients.push(...batch);
  await Promise.all(batch.map(connect));
}
while (!clients.every(({ isServed }) => isServed)) await sleep(50);
process.send('connected');

if (Number(share) > 0) {
  let next = 0;
  setInterval(() => {
    const client = clients[next % clients.length];
    next += 1;
    if (!client.isAway) leave(client);
  }, MINUTE_MS / (clients.length * Number(share)));
}
