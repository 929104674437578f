// What is ingested in a second of CPU time: the same series scraped and pushed, against Prometheus that scrapes them.

import { setTimeout as sleep } from 'node:timers/promises';
import { withDashboard } from '../lib/dashboard.mjs';
import { get, post } from '../lib/http.mjs';
import { cpuSecondsOfAll } from '../lib/processes.mjs';
import { withPrometheus } from '../lib/prometheus.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median } from '../lib/statistics.mjs';
import { POINTS, SAMPLES, pushes, startTarget, versions } from './application.mjs';

/** What warms up by scrapes is, of ours, the minute over which it derives. */
const LONG = { rounds: 3, warmSeconds: 12, idleSeconds: 20, warmScrapes: 65, scrapes: 30, warmPushes: 5, pushes: 100 };
const SHORT = { rounds: 1, warmSeconds: 1, idleSeconds: 2, warmScrapes: 2, scrapes: 4, warmPushes: 1, pushes: 10 };
/** From the answer to a scrape until what it was answered is surely ingested, and the next one not begun. */
const INGESTED_MS = 500;
/** What Prometheus adds to every scrape: up, its duration, and three numbers of samples. */
const ADDED_SAMPLES = 5;
const MILLISECONDS = 1000;

/** Saved so often, every span has saves in it. */
const SETTINGS = [
  'sampling.application=1s',
  'schedule.save=10s',
  'schedule.first_save=1s',
  'ingest.requests_per_second=1000',
];

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  let version = '';
  const taken = await inTurns('ingest', { short, together: true, ...form }, {
    ours: () => ours(form),
    peer: () =>
      withPrometheus((prometheus) => {
        version = prometheus.version;
        return peer(prometheus, form);
      }),
  });
  const of = (side, figure) => median(taken[side].map((result) => result[figure]));
  const row = (what, rest) => ({ what, unit: '/s', digits: 0, ...rest });
  const milliseconds = (seconds) => (seconds * MILLISECONDS).toFixed(1);
  const cost = (side, figure, amount) => milliseconds(amount / of(side, figure));
  const { scraped, pushed } = versions();
  return {
    rows: [
      row('scraped samples ingested, per core', { ours: of('ours', 'samples'), peer: of('peer', 'samples') }),
      row('OTLP points ingested, per core', {
        ours: of('ours', 'points'),
        peer: (of('peer', 'samples') * POINTS) / SAMPLES,
      }),
    ],
    about: [
      `an application of ${SAMPLES} samples (lines), which are ${POINTS} data points of OTLP: 1000 histograms of 15`,
      '  buckets, 1000 counters, 100 gauges; between two scrapes or pushes, each counts one more',
      `scraped: every second, ${form.scrapes} times after ${form.warmScrapes} that warm up; a page of ${scraped}, uncompressed`,
      `pushed: ${form.pushes} bodies in protobuf of ${pushed}, one after the other over one connection`,
      `a core is a second of CPU time: of the program, PostgreSQL and Redis together, less what they use without target`,
      `  (${milliseconds(of('ours', 'idle'))} and ${milliseconds(of('peer', 'idle'))} ms a second); ${form.rounds} rounds in turns`,
      `that is ${cost('ours', 'samples', SAMPLES)} ms for a scrape, ${cost('ours', 'points', POINTS)} ms for a push, and ` +
        `${cost('peer', 'samples', SAMPLES)} ms for a scrape of the peer`,
      `peer: ${version} that scrapes the same page; it has no receiver of OTLP (that came with 2.47), so beside the points`,
      '  stands the same figure of its scrapes, a histogram counted as the one point that it is in OTLP',
      'not the same work: Prometheus keeps every sample in its TSDB (head and WAL; no compaction falls into the span),',
      '  ours derives rates, errors and quantiles for the panels once a second and saves these (here every 10 s)',
    ],
  };
}

/** Samples and points a second of CPU, and CPU time a second without either. */
async function ours(form) {
  const { idle, points } = await withDashboard(
    async (server) => {
      const idle = await idleShare(server, form);
      return { idle, points: await pushed(server, idle, form) };
    },
    [...SETTINGS, 'application.targets=[]'],
  );
  const target = await startTarget();
  try {
    const samples = await withDashboard(
      (server) => scraped(server, target, idle, form, scrapesOfOurs),
      [...SETTINGS, `application.targets=["${target.url}"]`],
    );
    return { samples, points, idle };
  } finally {
    target.stop();
  }
}

async function peer(prometheus, form) {
  const idle = await idleShare(prometheus, form);
  const target = await startTarget();
  try {
    const { host } = new URL(target.url);
    await prometheus.configure(`scrape_configs:
  - job_name: application
    scrape_interval: 1s
    scrape_timeout: 1s
    static_configs:
      - targets: ['${host}']
`);
    return { samples: await scraped(prometheus, target, idle, form, scrapesOfPrometheus), idle };
  } finally {
    target.stop();
  }
}

/** Seconds of CPU time a second while there is nothing to ingest. */
async function idleShare({ pid }, { warmSeconds, idleSeconds }) {
  await sleep(warmSeconds * MILLISECONDS);
  const before = cpuSecondsOfAll(pid);
  await sleep(idleSeconds * MILLISECONDS);
  return (cpuSecondsOfAll(pid) - before) / idleSeconds;
}

/** Samples ingested in a second of CPU time; `scrapesOf` reads from the server's own metrics how many scrapes it took. */
async function scraped(server, target, idle, { warmScrapes, scrapes, rounds }, scrapesOf) {
  const after = async (number) => {
    for (let i = 0; i < number; i += 1) await target.scraped();
    await sleep(INGESTED_MS);
  };
  await after(warmScrapes);
  const before = await scrapesOf(server);
  const span = start(server);
  await after(scrapes);
  const seconds = span(idle);
  const ingested = Number(((await scrapesOf(server)) - before).toFixed(6));
  // On a machine with much else to do, as in the short form, one more may have come.
  const isWhole = ingested === scrapes || (rounds === 1 && ingested > scrapes);
  if (!isWhole) throw new Error(`${ingested} of ${scrapes} scrapes were ingested as a whole`);
  return (scrapes * SAMPLES) / seconds;
}

/** Data points ingested in a second of CPU time. */
async function pushed(server, idle, { warmPushes, pushes: number }) {
  const next = pushes();
  const push = async (times) => {
    for (let i = 0; i < times; i += 1) {
      const headers = { 'content-type': 'application/x-protobuf' };
      const { status, body } = await post(new URL('v1/metrics', server.url), headers, await next());
      if (status !== 200 || body.length) throw new Error(`a push was answered with ${status}: ${body}`);
    }
  };
  await push(warmPushes);
  const before = await own(server, /^recipe_monitoring_otlp_points_total /);
  const span = start(server);
  await push(number);
  const seconds = span(idle);
  const points = (await own(server, /^recipe_monitoring_otlp_points_total /)) - before;
  if (points !== number * POINTS) throw new Error(`${points} of ${number * POINTS} points were taken`);
  return points / seconds;
}

/** Begins a span; what is returned gives the CPU time since, less the idle share of that time. */
function start({ pid }) {
  const [time, before] = [performance.now(), cpuSecondsOfAll(pid)];
  return (idle) => cpuSecondsOfAll(pid) - before - (idle * (performance.now() - time)) / MILLISECONDS;
}

async function scrapesOfOurs(server) {
  if (await own(server, /^recipe_monitoring_scrape_series_left_out_total\{/)) throw new Error('series were left out');
  return own(server, /^recipe_monitoring_scrapes_total\{outcome="success"\}/);
}

/** A scrape is in it as a whole or not at all. */
async function scrapesOfPrometheus(server) {
  return (await own(server, /^prometheus_tsdb_head_samples_appended_total/)) / (SAMPLES + ADDED_SAMPLES);
}

/** The sum of all series on the server's own `/metrics` whose line begins like this. */
async function own({ url }, pattern) {
  const { body } = await get(new URL('metrics', url));
  const lines = body.toString().split('\n').filter((line) => pattern.test(line));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
