// Debian's Prometheus, with samples that were given to it as blocks.

import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort, get } from '../lib/http.mjs';
import { log } from '../lib/log.mjs';
import { start, stop } from '../lib/processes.mjs';
import { removeDirectory, temporaryDirectory } from '../lib/temporary.mjs';

const run = promisify(execFile);

/** Runs `measure` with a Prometheus that has the samples of an OpenMetrics file. */
export async function withPrometheus(file, measure) {
  const directory = temporaryDirectory('prometheus');
  const data = path.join(directory, 'data');
  log('history: giving the samples to prometheus');
  await run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', file, data], { maxBuffer: 2 ** 26 });
  const config = path.join(directory, 'prometheus.yml');
  writeFileSync(config, '{}\n');
  const port = await freePort();
  const prometheus = start('prometheus', [
    `--config.file=${config}`,
    `--storage.tsdb.path=${data}`,
    '--storage.tsdb.retention.time=1y',
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  const url = `http://127.0.0.1:${port}`;
  try {
    await ready(url, prometheus);
    const range = ({ query, from, to, step }) =>
      new URL(`${url}/api/v1/query_range?query=${query}&start=${from}&end=${to}&step=${step}`);
    return await measure({ range, version: `Prometheus ${await version(url)}` });
  } finally {
    await stop(prometheus);
    removeDirectory(directory);
  }
}

async function ready(url, prometheus) {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    const answer = await get(`${url}/-/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(250);
  }
  throw new Error(`prometheus did not come up:\n  ${prometheus.said.slice(-5).join('\n  ')}`);
}

/** Of the server that answers, which has to be the one that the table names. */
async function version(url) {
  const text = execFileSync('prometheus', ['--version'], { encoding: 'utf8' });
  const installed = /version ([^\s,]+)/.exec(text)[1];
  const { body } = await get(`${url}/api/v1/status/buildinfo`);
  const { version: running } = JSON.parse(body).data;
  if (running !== installed) throw new Error(`prometheus ${running} answers where ${installed} is installed`);
  return running;
}
