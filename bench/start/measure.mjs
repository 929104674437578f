// From the start of the process to the first answer that says it is ready, on stores that run.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Databases } from '../history/databases.mjs';
import { ownEnvironment, withDashboard } from '../lib/dashboard.mjs';
import { freePort, get } from '../lib/http.mjs';
import { start, stop } from '../lib/processes.mjs';
import { program } from '../lib/programs.mjs';
import { prometheusVersion } from '../lib/prometheus.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median } from '../lib/statistics.mjs';
import { removeDirectory, temporaryDirectory } from '../lib/temporary.mjs';

const LONG_ROUNDS = 9;
const GOAL_MS = 150;
const ASK_EVERY_MS = 1;
const PATIENCE_SECONDS = 30;
const DATABASE = 'bench_start';

export async function measure({ short }) {
  const rounds = short ? 1 : LONG_ROUNDS;
  // It is here for its PostgreSQL, and idle but for that.
  return withDashboard(({ env }) => withRedis((redis) => withStores(env.DATABASE_URL, redis, { rounds, short })));
}

async function withStores(postgresql, redis, { rounds, short }) {
  const databases = new Databases(postgresql);
  const env = { ...ownEnvironment(), DATABASE_URL: databases.url(DATABASE), REDIS_URL: redis };
  await databases.create(DATABASE);
  const directory = temporaryDirectory('start');
  const ours = () => ourStart(directory, env);
  try {
    const first = await ours();
    const results = await inTurns('start', { rounds, short }, { ours, peer: prometheusStart });
    return report(first, median(results.ours), median(results.peer), rounds);
  } finally {
    removeDirectory(directory);
    await databases.drop(DATABASE);
  }
}

async function withRedis(measure) {
  const port = await freePort();
  const redis = start('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '']);
  try {
    return await measure(`redis://127.0.0.1:${port}`);
  } finally {
    await stop(redis);
  }
}

async function ourStart(directory, env) {
  const address = `127.0.0.1:${await freePort()}`;
  const args = ['--address', address, '--data-dir', path.join(directory, 'data')];
  return timed(program('recipe-monitoring-dashboard'), args, { cwd: directory, env }, `http://${address}/readyz`);
}

async function prometheusStart() {
  const directory = temporaryDirectory('prometheus');
  const config = path.join(directory, 'prometheus.yml');
  writeFileSync(config, '{}\n');
  const address = `127.0.0.1:${await freePort()}`;
  const args = [`--config.file=${config}`, `--storage.tsdb.path=${directory}`, `--web.listen-address=${address}`];
  try {
    return await timed('prometheus', args, {}, `http://${address}/-/ready`);
  } finally {
    removeDirectory(directory);
  }
}

/** Milliseconds until `url` answers 200, asked all the time. */
async function timed(command, args, options, url) {
  const begun = performance.now();
  const started = start(command, args, options);
  try {
    while (performance.now() - begun < PATIENCE_SECONDS * 1000) {
      const answer = await get(url).catch(() => undefined);
      if (answer?.status === 200) return performance.now() - begun;
      await sleep(ASK_EVERY_MS);
    }
    throw new Error(`${command} was not ready in ${PATIENCE_SECONDS} s:\n  ${started.said.slice(-5).join('\n  ')}`);
  } finally {
    await stop(started);
  }
}

function report(first, ours, peer, rounds) {
  const row = { unit: 'ms', digits: 0 };
  return {
    rows: [
      { what: 'start to ready, with its tables there', ...row, ours, peer, goal: { of: 'ours', most: GOAL_MS } },
      { what: 'the first start of all, tables made', ...row, ours: first },
    ],
    about: [
      `median of ${rounds} new processes, each asked for /readyz every ${ASK_EVERY_MS} ms from its start on`,
      'PostgreSQL and Redis run already; ready is when both answer and the host has been sampled',
      `peer: ${prometheusVersion()} with no target and nothing stored, until /-/ready`,
    ],
  };
}
