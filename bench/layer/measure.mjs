// What the tower layer costs a request, and what a large scrape costs the others, against Express with prom-client.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { root } from '../lib/dashboard.mjs';
import { log } from '../lib/log.mjs';
import { said, start, stop } from '../lib/processes.mjs';
import { quiet } from '../lib/quiet.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median, quantile } from '../lib/statistics.mjs';
import { latenciesDuring, requestsPerSecond, scrapeApart, wrkVersion } from './load.mjs';

const LONG = { rounds: 7, seconds: 6, requests: 500_000, series: 100_000, scrapes: 9 };
const SHORT = { rounds: 1, seconds: 1, requests: 10_000, series: 5_000, scrapes: 1 };
/** A core for the server and one for the load, so that both servers have one and the same. */
const SERVER_CORE = 0;
const LOAD_CORE = 1;
/** Between two scrapes, for the garbage of the last one. */
const REST_MS = 500;

const BUILD = ['build', '--release', '-p', 'server', '--example', 'layer', '--locked'];
const example = path.join(root, 'target/release/examples/layer');
const express = path.join(import.meta.dirname, 'express.mjs');

const run = promisify(execFile);

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  if (!short) await quiet();
  log('layer: building the example');
  await run('cargo', BUILD, { cwd: root, maxBuffer: 2 ** 26 });
  const cost = await inTurns('layer, cost', { short, rounds: short ? 1 : 3 }, { ours: () => costOfOne(form) });
  const load = await inTurns('layer, throughput', { short, ...form }, {
    bare: () => throughput([example, 'serve', 'bare'], form),
    measured: () => throughput([example, 'serve', 'measured'], form),
    peerBare: () => throughput(['node', express, 'bare'], form),
    peerMeasured: () => throughput(['node', express, 'measured'], form),
  });
  const stalls = await inTurns('layer, stall', { short, rounds: short ? 1 : 3 }, {
    ours: () => stall([example, 'serve', 'measured', String(form.series)], form),
    peer: () => stall(['node', express, 'measured', String(form.series)], form),
  });
  return report({ cost, load, stalls }, form, short);
}

/** Nanoseconds that the layer adds to a bare tower service. */
async function costOfOne({ requests }) {
  const { stdout } = await run(example, ['cost', String(requests)]);
  const [bare, measured] = stdout.trim().split(' ').map(Number);
  return measured - bare;
}

async function throughput(command, { seconds }) {
  return withServer(['taskset', '-c', String(SERVER_CORE), ...command], async (url) => {
    const one = new URL('recipes/7', url).href;
    await requestsPerSecond(one, { seconds: 1, core: LOAD_CORE });
    return requestsPerSecond(one, { seconds, core: LOAD_CORE });
  });
}

/** `{p99, max, scrape, lines}`, in ms: of a cheap route during a scrape, and of the scrape; medians of several. */
async function stall(command, { series, scrapes }) {
  return withServer(command, async (url) => {
    const all = [];
    for (let i = 0; i <= scrapes; i += 1) {
      const scrape = () => scrapeApart(new URL('metrics', url).href);
      const { latencies, milliseconds, result } = await latenciesDuring(new URL('recipes/7', url), scrape);
      if (result < series) throw new Error(`the scrape has ${result} lines`);
      const taken = { p99: quantile(latencies, 0.99), max: Math.max(...latencies), scrape: milliseconds, lines: result };
      // The first one of a new process is a warm-up.
      if (i > 0) all.push(taken);
      await sleep(REST_MS);
    }
    const of = (name) => median(all.map((taken) => taken[name]));
    return { p99: of('p99'), max: of('max'), scrape: of('scrape'), lines: of('lines') };
  });
}

async function withServer([command, ...args], measured) {
  const server = start(command, args, { cwd: import.meta.dirname });
  try {
    return await measured(await said(server, (line) => (line.startsWith('http://') ? line : undefined)));
  } finally {
    await stop(server);
  }
}

function report({ cost, load, stalls }, form, short) {
  const lost = (bare, measured) => 100 * (1 - median(measured) / median(bare));
  const of = (side, name) => median(stalls[side].map((stall) => stall[name]));
  const rate = (side) => Math.round(median(load[side]));
  const express = version('express');
  const peerCost = 1e9 / median(load.peerMeasured) - 1e9 / median(load.peerBare);
  return {
    rows: [
      {
        what: 'layer, a request',
        unit: 'ns',
        digits: 0,
        ours: median(cost.ours),
        peer: peerCost,
        goal: { of: 'ours', most: 200 },
        mayBeZero: short,
      },
      {
        what: 'layer, throughput lost',
        unit: '%',
        digits: 1,
        ours: lost(load.bare, load.measured),
        peer: lost(load.peerBare, load.peerMeasured),
        goal: { of: 'ours', most: 1 },
        mayBeZero: true,
      },
      stallRow('max', of, short),
      stallRow('p99', of, short),
    ],
    about: [
      `cost: ${form.requests} requests to a tower service without and with the layer, the least of 20 samples each`,
      `  peer: what a request to Express takes longer with prom-client, of the throughput below`,
      `throughput: one core for the server, the other for ${wrkVersion()} with 16 connections, ${form.seconds} s,`,
      `  ${form.rounds} rounds in turns; axum ${rate('bare')} and ${rate('measured')} requests/s,`,
      `  ${express} ${rate('peerBare')} and ${rate('peerMeasured')} with ${version('prom-client')}`,
      `stall: 8 connections ask a cheap route during a scrape of ${form.series} series; median of ${form.scrapes} scrapes,`,
      `  which took ${of('ours', 'scrape').toFixed(0)} and ${of('peer', 'scrape').toFixed(0)} ms`,
    ],
  };
}

function stallRow(name, of, short) {
  return {
    what: `stall by a scrape, ${name}`,
    unit: 'ms',
    digits: 1,
    ours: of('ours', name),
    peer: of('peer', name),
    // A fifteenth.
    goal: { of: 'ratio', most: 0.066 },
    mayBeZero: short,
  };
}

function version(name) {
  const file = path.join(import.meta.dirname, '../node_modules', name, 'package.json');
  return `${name} ${JSON.parse(readFileSync(file, 'utf8')).version}`;
}
