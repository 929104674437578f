// The peer for what is told of alerts: Debian's Alertmanager behind Prometheus, waiting for nothing.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, get } from './http.mjs';
import { start, stop } from './processes.mjs';
import { removeDirectory, temporaryDirectory } from './temporary.mjs';

const PROGRAM = 'prometheus-alertmanager';

/** An alert goes out as soon as it comes in, alone, and as soon as it is over. */
const configuration = (webhook) => `route:
  receiver: bench
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: bench
    webhook_configs:
      - url: '${webhook}'
        send_resolved: true
`;

/** Runs `measure` with an Alertmanager that tells a webhook, `{pid, host}`, and takes it away again. */
export async function withAlertmanager(webhook, measure) {
  const directory = temporaryDirectory('alertmanager');
  const config = path.join(directory, 'alertmanager.yml');
  writeFileSync(config, configuration(webhook));
  const host = `127.0.0.1:${await freePort()}`;
  // One of a cluster would wait for the others first.
  const alertmanager = start(PROGRAM, [
    `--config.file=${config}`,
    `--storage.path=${path.join(directory, 'data')}`,
    `--web.listen-address=${host}`,
    '--cluster.listen-address=',
  ]);
  try {
    await ready(host, alertmanager);
    return await measure({ pid: alertmanager.pid, host });
  } finally {
    await stop(alertmanager);
    removeDirectory(directory);
  }
}

async function ready(host, alertmanager) {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    const answer = await get(`http://${host}/-/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(250);
  }
  throw new Error(`${PROGRAM} did not come up:\n  ${alertmanager.said.slice(-5).join('\n  ')}`);
}

export function alertmanagerVersion() {
  const version = execFileSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  return `Alertmanager ${/version ([^\s,]+)/.exec(version)[1]}`;
}
