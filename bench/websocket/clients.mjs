// The clients, in a process of their own: node clients.mjs DIALECT URL CLIENTS.
//
// Says 'connected' to its parent when all have got their first event, and answers 'count' at a moment when none is on
// its way with what has been received since the last count.

import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { dialects } from './dialects.mjs';

const CONNECTING_AT_ONCE = 100;
/** Longer than a tick takes to reach all, shorter than the time between two. */
const SILENCE_MS = 400;

const [name, url, wanted] = process.argv.slice(2);
const dialect = dialects[name];
const clients = [];
let newest = 0;

function connect() {
  const client = { received: 0, bytes: 0, lost: undefined };
  clients.push(client);
  const socket = new WebSocket(new URL(dialect.path, url.replace('http:', 'ws:')), { perMessageDeflate: false });
  return new Promise((resolve) => {
    const lose = (why) => {
      client.lost ??= why;
      resolve();
    };
    socket.on('open', () => dialect.greeting && socket.send(dialect.greeting));
    socket.on('message', (data) => {
      const text = data.toString();
      const answer = dialect.answer(text);
      if (answer) socket.send(answer);
      if (!dialect.isEvent(text)) return;
      newest = performance.now();
      client.received += 1;
      client.bytes = data.length;
      resolve();
    });
    socket.on('error', (error) => lose(error.message));
    socket.on('close', (code) => lose(`closed with ${code}`));
  });
}

async function count() {
  while (performance.now() - newest < SILENCE_MS) await sleep(20);
  const received = clients.map((client) => client.received);
  for (const client of clients) client.received = 0;
  return {
    messages: received.reduce((sum, one) => sum + one, 0),
    fewest: Math.min(...received),
    bytes: clients[0].bytes,
    lost: clients.map((client) => client.lost).find(Boolean),
  };
}

process.on('message', async () => process.send(await count()));
process.on('disconnect', () => process.exit());

while (clients.length < Number(wanted)) {
  const batch = Math.min(CONNECTING_AT_ONCE, Number(wanted) - clients.length);
  await Promise.all(Array.from({ length: batch }, connect));
}
process.send('connected');
