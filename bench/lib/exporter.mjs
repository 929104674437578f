// The peer for samples: Debian's node_exporter with the collectors it has switched on by itself.

import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, get } from './http.mjs';
import { start, stop } from './processes.mjs';

const PROGRAM = 'prometheus-node-exporter';

export async function startExporter() {
  const port = await freePort();
  const exporter = start(PROGRAM, [`--web.listen-address=127.0.0.1:${port}`]);
  const url = `http://127.0.0.1:${port}/metrics`;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const answer = await get(url).catch(() => undefined);
    if (answer?.status === 200) return { ...exporter, url };
    await sleep(100);
  }
  await stop(exporter);
  throw new Error(`${PROGRAM} did not come up:\n  ${exporter.said.slice(-5).join('\n  ')}`);
}

export async function scrape(exporter) {
  const { status, body } = await get(exporter.url);
  if (status !== 200 || !body.includes('node_load1 ')) throw new Error(`node_exporter answered ${status}`);
}

export function exporterVersion() {
  const version = execFileSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  return `node_exporter ${/version (\S+)/.exec(version)[1]}`;
}
