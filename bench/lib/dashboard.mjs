// The product, started as a user starts it: no settings, a data directory of its own.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { get } from './http.mjs';
import { said, start, stop } from './processes.mjs';
import { program } from './programs.mjs';
import { removeDirectory, temporaryDirectory } from './temporary.mjs';

/** Settings of whoever runs the bench would make it another product. */
const FOREIGN = /^(RECIPE_MONITORING_|LEPTOS_|DATABASE_URL$|REDIS_|RUST_LOG$|PG)/;

/**
 * Runs `measure` with a dashboard that is ready, `{pid, url, env}`, and takes it away again. `env` names its stores;
 * `settings` are key=value. `before` may do something with a dashboard of the same data directory that ran before.
 */
export async function withDashboard(measure, settings = [], before = undefined) {
  const directory = temporaryDirectory('dashboard');
  const env = ownEnvironment();
  // Its working directory is an empty one, for there could be a settings file or a .env in ours.
  const args = ['--address', '127.0.0.1:0', '--data-dir', path.join(directory, 'data')];
  args.push(...settings.flatMap((setting) => ['--set', setting]));
  const run = async (use) => {
    const dashboard = start(program('recipe-monitoring-dashboard'), args, { cwd: directory, env });
    try {
      const url = await said(dashboard, servingUrl);
      await ready(url);
      return await use({ pid: dashboard.pid, url, env: stores(path.join(directory, 'data')) });
    } finally {
      await stop(dashboard);
    }
  };
  try {
    if (before) await run(before);
    return await run(measure);
  } finally {
    removeDirectory(directory);
  }
}

/** Of the bench, without what would be settings. */
export function ownEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)));
}

function servingUrl(line) {
  if (!line.startsWith('{')) return undefined;
  const { message, url } = JSON.parse(line);
  return message === 'serving' ? url : undefined;
}

/** `{DATABASE_URL, REDIS_URL}` of the program that runs on a data directory. */
function stores(directory) {
  const collector = program('recipe-monitoring-collector');
  const lines = execFileSync(collector, ['env', '--data-dir', directory], { encoding: 'utf8' }).trim().split('\n');
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

async function ready(url) {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const { status } = await get(new URL('readyz', url));
    if (status === 200) return;
    await sleep(500);
  }
  throw new Error(`${url}readyz did not become 200 in 30 s`);
}
