// Many clients of one server, seen from the measuring side.

import { once } from 'node:events';
import path from 'node:path';
import { start, stop } from '../lib/processes.mjs';

const program = path.join(import.meta.dirname, 'clients.mjs');
const CONNECT_SECONDS = 120;

export async function connectClients(dialect, url, number) {
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'];
  const swarm = start(process.execPath, [program, dialect, url, String(number)], { stdio });
  try {
    await once(swarm.child, 'message', { signal: AbortSignal.timeout(CONNECT_SECONDS * 1000) });
  } catch {
    await stop(swarm);
    throw new Error(`${number} clients were not connected and served within ${CONNECT_SECONDS} s`);
  }
  await count(swarm);
  return swarm;
}

/** What arrived since the last count: `{messages, fewest, bytes}`, `fewest` being those of the worst-served client. */
export async function count(swarm) {
  const answer = once(swarm.child, 'message', { signal: AbortSignal.timeout(60_000) });
  swarm.child.send('count');
  const [counted] = await answer;
  if (counted.lost) throw new Error(`a client was lost: ${counted.lost}`);
  return counted;
}

export const disconnectClients = stop;
