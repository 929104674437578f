// The peer's page, served by a process of its own.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { said, start, stop } from '../lib/processes.mjs';

const program = path.join(import.meta.dirname, 'peer/server.mjs');

/** Runs `measure` with the peer's page, `{pid, url}`, of what this dashboard reads. */
export async function withPeerPage(dashboard, measure) {
  const peer = start(process.execPath, [program, dashboard.url]);
  try {
    const url = await said(peer, (line) => (line.startsWith('{') ? JSON.parse(line).url : undefined));
    return await measure({ pid: peer.pid, url });
  } finally {
    await stop(peer);
  }
}

/** Its address with so many lines in each graph, and a past of so many points over so many seconds. */
export function peerAddress({ url }, lines, { number, seconds }) {
  return new URL(`?made=${number},${seconds}&lines=${lines}`, url).href;
}

export function peerPageVersion() {
  const require = createRequire(import.meta.url);
  const version = (file) => JSON.parse(readFileSync(file, 'utf8')).version;
  const chart = version(path.join(path.dirname(require.resolve('chart.js')), '../package.json'));
  return `Chart.js ${chart}, socket.io ${version(require.resolve('socket.io/package.json'))}, Express`;
}
