// The peer for the whole product: Debian's Netdata with what it has switched on by itself.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, get } from './http.mjs';
import { start, stop } from './processes.mjs';
import { removeDirectory, temporaryDirectory } from './temporary.mjs';

/** Its own place, on one port of this machine, and it tells nobody anything. */
const configuration = (directory, port, user) => `[global]
run as user = ${user}
[directories]
cache = ${directory}/cache
lib = ${directory}/lib
log = ${directory}/log
lock = ${directory}/lib/lock
[web]
bind to = 127.0.0.1
default port = ${port}
[statsd]
enabled = no
[registry]
enabled = no
[health]
script to execute on alarm = /bin/true
`;

/** Runs `measure` with a Netdata that collects, `{pid, url}`, and takes it away again. */
export async function withNetdata(measure) {
  const directory = temporaryDirectory('netdata');
  for (const name of ['cache', 'lib/lock', 'lib/cloud.d', 'lib/registry', 'log']) {
    mkdirSync(path.join(directory, name), { recursive: true });
  }
  const user = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim();
  const port = await freePort();
  const config = path.join(directory, 'netdata.conf');
  writeFileSync(config, configuration(directory, port, user));
  writeFileSync(path.join(directory, 'lib/cloud.d/cloud.conf'), '[global]\nenabled = no\n');
  const netdata = start('netdata', ['-D', '-c', config], { env: { ...process.env, DO_NOT_TRACK: '1' } });
  const url = `http://127.0.0.1:${port}/`;
  try {
    await ready(url, netdata);
    return await measure({ pid: netdata.pid, url });
  } finally {
    await stop(netdata);
    removeDirectory(directory);
  }
}

async function ready(url, netdata) {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    const answer = await get(new URL('api/v1/data?chart=system.cpu', url)).catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(250);
  }
  throw new Error(`netdata did not come up:\n  ${netdata.said.slice(-5).join('\n  ')}`);
}

export function netdataVersion() {
  const version = execFileSync('netdata', ['-V'], { encoding: 'utf8' });
  return `Netdata ${/v(\S+)/.exec(version)[1]}`;
}
