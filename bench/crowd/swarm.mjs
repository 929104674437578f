// The crowd seen from the measuring side: clients in several processes, and the deaf ones.

import { once } from 'node:events';
import path from 'node:path';
import { said, start, stop } from '../lib/processes.mjs';

const CONNECT_SECONDS = 180;
const clients = path.join(import.meta.dirname, 'clients.mjs');
const deaf = path.join(import.meta.dirname, 'deaf.py');

/** Runs `measure(count)` with so many clients of a server, a share of which goes and comes back every minute. */
export async function withCrowd(dialect, url, { clients: number, share, processes }, measure) {
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'];
  const args = [clients, dialect, url, String(number / processes), String(share)];
  const swarms = Array.from({ length: processes }, () => start(process.execPath, args, { stdio }));
  try {
    await Promise.all(swarms.map(connected));
    return await measure(() => count(swarms));
  } finally {
    await Promise.all(swarms.map(stop));
  }
}

async function connected({ child }) {
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('clients ended before all were connected')));
  await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(CONNECT_SECONDS * 1000) }), ended]);
}

/**
 * What came since the last count: `{messages, lost, repeated, returned, dropped, quantile}`; `quantile(share)` of the
 * delays, in ms.
 */
async function count(swarms) {
  const answers = await Promise.all(
    swarms.map(async ({ child }) => {
      const answer = once(child, 'message', { signal: AbortSignal.timeout(60_000) });
      child.send('count');
      const [counted] = await answer;
      return counted;
    }),
  );
  const sum = (figure) => answers.reduce((total, answer) => total + answer[figure], 0);
  const delays = answers.flatMap((answer) => answer.delays).sort(([a], [b]) => a - b);
  const all = delays.reduce((total, [, number]) => total + number, 0);
  const quantile = (share) => {
    let seen = 0;
    return delays.find(([, number]) => (seen += number) >= share * all)?.[0];
  };
  const figures = ['messages', 'lost', 'repeated', 'returned', 'dropped'].map((figure) => [figure, sum(figure)]);
  return { ...Object.fromEntries(figures), quantile };
}

/** Runs `measure` with so many clients besides that never read. */
export async function withDeaf(url, number, measure) {
  const { hostname, port } = new URL(url);
  const started = start('/usr/bin/python3', [deaf, hostname, port, String(number)], { stdio: ['pipe', 'pipe', 'pipe'] });
  try {
    await said(started, (line) => (line === 'connected' ? true : undefined));
    return await measure();
  } finally {
    await stop(started);
  }
}
