// The peer for the history, for what is ingested and for alerts: Debian's Prometheus.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, get, post } from './http.mjs';
import { start, stop } from './processes.mjs';
import { removeDirectory, temporaryDirectory } from './temporary.mjs';

/**
 * Runs `measure` with a Prometheus that scrapes nothing, `{pid, url, version, configure}`, and takes it away again;
 * `configure` gives it another configuration while it runs. `fill` may put blocks into its data directory before.
 */
export async function withPrometheus(measure, fill = async () => {}) {
  const directory = temporaryDirectory('prometheus');
  const data = path.join(directory, 'data');
  await fill(data);
  const config = path.join(directory, 'prometheus.yml');
  writeFileSync(config, '{}\n');
  const port = await freePort();
  const prometheus = start('prometheus', [
    `--config.file=${config}`,
    `--storage.tsdb.path=${data}`,
    '--storage.tsdb.retention.time=1y',
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-lifecycle',
  ]);
  const url = `http://127.0.0.1:${port}/`;
  const configure = async (text) => {
    writeFileSync(config, text);
    const { status, body } = await post(new URL('-/reload', url));
    if (status !== 200) throw new Error(`prometheus did not take its configuration: ${body}`);
  };
  try {
    await ready(url, prometheus);
    return await measure({ pid: prometheus.pid, url, version: `Prometheus ${await version(url)}`, configure });
  } finally {
    await stop(prometheus);
    removeDirectory(directory);
  }
}

async function ready(url, prometheus) {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    const answer = await get(new URL('-/ready', url)).catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(250);
  }
  throw new Error(`prometheus did not come up:\n  ${prometheus.said.slice(-5).join('\n  ')}`);
}

/** Of the server that answers, which has to be the one that the table names. */
async function version(url) {
  const installed = installedVersion();
  const { body } = await get(new URL('api/v1/status/buildinfo', url));
  const { version: running } = JSON.parse(body).data;
  if (running !== installed) throw new Error(`prometheus ${running} answers where ${installed} is installed`);
  return running;
}

function installedVersion() {
  const text = execFileSync('prometheus', ['--version'], { encoding: 'utf8' });
  return /version ([^\s,]+)/.exec(text)[1];
}

export const prometheusVersion = () => `Prometheus ${installedVersion()}`;
