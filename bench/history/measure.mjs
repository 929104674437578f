// The history: how fast samples get into PostgreSQL and out of it again, against psql, node-postgres and Prometheus.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { withDashboard } from '../lib/dashboard.mjs';
import { get } from '../lib/http.mjs';
import { log } from '../lib/log.mjs';
import { example, program } from '../lib/programs.mjs';
import { withPrometheus } from '../lib/prometheus.mjs';
import { quietly } from '../lib/quiet.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median, quantile } from '../lib/statistics.mjs';
import { removeDirectory, temporaryDirectory } from '../lib/temporary.mjs';
import { Databases, TEMPLATE } from './databases.mjs';
import { insertOneByOne } from './inserts.mjs';

const LONG = {
  rounds: 3,
  rows: 300_000,
  inserts: 3_000,
  waiting: 6_000_000,
  days: 30,
  sampleSeconds: 10,
  questions: 200,
};
const SHORT = {
  rounds: 1,
  rows: 20_000,
  inserts: 200,
  waiting: 60_000,
  days: 8,
  sampleSeconds: 120,
  questions: 5,
};
const DAY_SECONDS = 86_400;
const METRICS = 8;
const POINTS = 800;
const MEGABYTE = 1e6;
/** Nothing of the host's own is wanted in the tables. */
const CALM = ['live.push=60s', 'sampling.system=60s', 'redis.enabled=false'];

const run = promisify(execFile);
const collector = (command, env) =>
  run(program('recipe-monitoring-collector'), [command], { env: { ...process.env, ...env } });

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  const keeper = example('history');
  return withDashboard(async ({ url, env }) => {
    const databases = new Databases(env.DATABASE_URL);
    await databases.create(TEMPLATE);
    await collector('migrate', { DATABASE_URL: databases.url(TEMPLATE) });
    const saved = await saves(keeper, databases, form, short);
    const waited = await waiting(keeper, databases, form, short);
    const read = await ranges({ url, env }, databases, form, short);
    return {
      rows: [...saved.rows, ...waited.rows, ...read.rows],
      about: [...saved.about, ...waited.about, ...read.about],
    };
  }, CALM);
}

/** The same rows by our save, by psql's COPY and by an INSERT each, into empty tables with all their indexes. */
async function saves(keeper, databases, { rounds, rows, inserts }, short) {
  const file = path.join(temporaryDirectory('rows'), 'rows');
  const spool = temporaryDirectory('spool');
  let bytes = 0;
  const taken = await inTurns('history: save', { rounds, short }, {
    ours: async () => {
      const database = await databases.fresh('ours');
      await run(keeper, ['fill', spool, String(rows)]);
      const { rowsPerSecond } = await save(keeper, spool, database);
      bytes = await databases.bytesOfSample('ours');
      await databases.copyOut('ours', file);
      return rowsPerSecond;
    },
    psql: () => databases.copyIn('psql', file, rows),
    inserts: async () => insertOneByOne(await databases.fresh('inserts'), file, inserts),
  });
  const ours = median(taken.ours);
  return {
    rows: [
      {
        what: 'rows saved, against psql COPY',
        unit: '/s',
        digits: 0,
        ours,
        peer: median(taken.psql),
        goal: { of: 'ratio', least: 0.8 },
      },
      {
        what: 'rows saved, against an INSERT each',
        unit: '/s',
        digits: 0,
        ours,
        peer: median(taken.inserts),
        goal: { of: 'ratio', least: 100 },
      },
      { what: 'disk for a sample, with indexes', unit: 'bytes', digits: 0, ours: bytes },
    ],
    about: [
      `save: ${rows} rows out of the spool; psql: \\copy of the same rows; ${rounds} rounds in turns, empty tables each`,
      `INSERT: node-postgres, one connection, a transaction each, as ${inserts} metrics were saved one by one`,
    ],
  };
}

async function save(keeper, spool, database) {
  const { stdout } = await run(keeper, ['save', spool, database]);
  const [, rows, seconds, resident] = /^saved (\d+) rows in ([\d.e-]+) s resident (\d+)$/m.exec(stdout);
  return { rowsPerSecond: rows / seconds, resident: Number(resident) };
}

/** Far more samples than memory should hold: kept on disk, then saved. */
async function waiting(keeper, databases, { waiting: rows }, short) {
  const spool = temporaryDirectory('spool');
  const { stdout, saved } = await quietly(short, async () => {
    const { stdout } = await run(keeper, ['fill', spool, String(rows)]);
    return { stdout, saved: await save(keeper, spool, await databases.fresh('waiting')) };
  });
  const resident = [...stdout.matchAll(/^resident (\d+)$/gm)].map(([, bytes]) => Number(bytes) / MEGABYTE);
  removeDirectory(spool);
  await databases.drop('waiting');
  return {
    rows: [
      {
        what: `memory while ${rows} rows wait`,
        unit: 'MB',
        digits: 1,
        ours: resident.at(-1),
        peer: resident[0],
        goal: { of: 'ratio', most: 1.1 },
      },
      {
        what: 'rows replayed out of that spool',
        unit: '/s',
        digits: 0,
        ours: saved.rowsPerSecond,
        goal: { of: 'ours', least: 50_000 },
      },
    ],
    about: [
      `memory: of the process that keeps them, after the last tenth; peer is itself after the first twentieth`,
      `replay: the process that saves them had ${(saved.resident / MEGABYTE).toFixed(1)} MB at its end`,
    ],
  };
}

/** A metric over seven days, as a graph asks for it, from rollups and from samples. */
async function ranges({ url, env }, databases, { days, sampleSeconds, questions }, short) {
  log(`history: ${days} days of ${METRICS} metrics`);
  const now = Math.floor(Date.now() / 1000 / sampleSeconds) * sampleSeconds;
  const from = now - days * DAY_SECONDS;
  await databases.fill({ from, to: now, step: sampleSeconds, metrics: METRICS });
  await collector('aggregate', env);
  const file = path.join(temporaryDirectory('openmetrics'), 'samples');
  await databases.copyOutOpenMetrics(file, METRICS);
  const fill = async (data) => {
    log('history: giving the samples to prometheus');
    await run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', file, data], { maxBuffer: 2 ** 26 });
  };
  return withPrometheus(async (prometheus) => {
    const ours = (span, resolution) =>
      new URL(
        `api/v1/range?metric=metric_1&points=${POINTS}&from=${now - span}&to=${now}&resolution=${resolution}`,
        url,
      );
    const week = 7 * DAY_SECONDS;
    const asked = {
      rollups: ours(week, 'hourly'),
      raw: ours(week, 'raw'),
      prometheus: new URL(
        `api/v1/query_range?query=metric_1&start=${now - week}&end=${now}&step=${week / POINTS}`,
        prometheus.url,
      ),
      month: ours(days * DAY_SECONDS, 'hourly'),
    };
    const times = Object.fromEntries(Object.keys(asked).map((name) => [name, []]));
    const points = {};
    await quietly(short, async () => {
      for (let question = -3; question < questions; question += 1) {
        for (const [name, address] of Object.entries(asked)) {
          const answered = await answer(address);
          points[name] = answered.points;
          // The first ones warm everybody up.
          if (question >= 0) times[name].push(answered.taken);
        }
      }
    });
    const row = (what, mine, peer, value, goal) => ({
      what,
      unit: 'ms',
      digits: 2,
      ours: value(times[mine]),
      peer: value(times[peer]),
      goal,
    });
    return {
      rows: [
        row('7 days from rollups, median', 'rollups', 'prometheus', median, { of: 'ratio', most: 1 }),
        row('7 days from rollups, p99', 'rollups', 'prometheus', p99, { of: 'ratio', most: 1 }),
        row('7 days from samples, median', 'raw', 'prometheus', median),
        row(`${days} days against 7, median`, 'month', 'rollups', median, { of: 'ratio', most: 2 }),
      ],
      about: [
        `ranges: ${METRICS} metrics, a sample every ${sampleSeconds} s for ${days} days, over HTTP, ${POINTS} points, ` +
          `${questions} questions in turns`,
        `points answered: 7 days from rollups ${points.rollups} (an hour is the shortest), from samples ${points.raw}, ` +
          `from Prometheus ${points.prometheus}; ${days} days from rollups ${points.month}`,
        `peer of 7 days: ${prometheus.version}, the same samples, query_range of the plain metric; ours has min, avg and max`,
      ],
    };
  }, fill);
}

async function answer(address) {
  const start = performance.now();
  const { status, body } = await get(address);
  const taken = performance.now() - start;
  const answered = JSON.parse(body);
  const series = (answered.series ?? answered.data?.result ?? [])[0];
  const points = (series?.points ?? series?.values ?? []).length;
  if (status !== 200 || points < 100 || points > POINTS + 1) throw new Error(`${address}: ${body}`);
  return { taken, points };
}

const p99 = (values) => quantile(values, 0.99);
