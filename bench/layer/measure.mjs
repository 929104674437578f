// What the tower layer costs a request, and what a large scrape costs the others, against Express with prom-client.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cpuSeconds, said, start, stop } from '../lib/processes.mjs';
import { example } from '../lib/programs.mjs';
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

const express = path.join(import.meta.dirname, 'express.mjs');

const run = promisify(execFile);

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  const axum = await example('layer');
  const cost = await inTurns('layer, cost', { short, rounds: short ? 1 : 3 }, { ours: () => costOfOne(axum, form) });
  // Bare before and after: the mean of both is without whatever the machine drifts, and their distance is the noise.
  const load = await inTurns('layer, throughput', { short, ...form }, {
    bare: () => throughput([axum, 'serve', 'bare'], form),
    measured: () => throughput([axum, 'serve', 'measured'], form),
    bareAgain: () => throughput([axum, 'serve', 'bare'], form),
    peerBare: () => throughput(['node', express, 'bare'], form),
    peerMeasured: () => throughput(['node', express, 'measured'], form),
    peerBareAgain: () => throughput(['node', express, 'bare'], form),
  });
  const stalls = await inTurns('layer, stall', { short, rounds: short ? 1 : 3 }, {
    ours: () => stall([axum, 'serve', 'measured', String(form.series)], form),
    peer: () => stall(['node', express, 'measured', String(form.series)], form),
  });
  return report({ cost, load, stalls }, form, short);
}

/** Nanoseconds of a request to a bare tower service, and those that the layer adds. */
async function costOfOne(axum, { requests }) {
  const { stdout } = await run(axum, ['cost', String(requests)]);
  const [bare, measured] = stdout.trim().split(' ').map(Number);
  return { bare, added: measured - bare };
}

/** Requests a second, and the share of its core that the server was busy: a load that leaves it idle shows no loss. */
async function throughput(command, { seconds }) {
  return withServer(['taskset', '-c', String(SERVER_CORE), ...command], async (url, pid) => {
    const one = new URL('recipes/7', url).href;
    await requestsPerSecond(one, { seconds: 1, core: LOAD_CORE });
    const before = cpuSeconds(pid);
    const rate = await requestsPerSecond(one, { seconds, core: LOAD_CORE });
    return { rate, busy: (cpuSeconds(pid) - before) / seconds };
  });
}

/**
 * `{p99, max, floor, scrape, lines}`, in ms: of a cheap route during a scrape, its max while nothing is scraped for as
 * long, and of the scrape; medians of several.
 */
async function stall(command, { series, scrapes }) {
  return withServer(command, async (url) => {
    const all = [];
    for (let i = 0; i <= scrapes; i += 1) {
      const scrape = () => scrapeApart(new URL('metrics', url).href);
      const cheap = new URL('recipes/7', url);
      const { latencies, milliseconds, result } = await latenciesDuring(cheap, scrape);
      if (result < series) throw new Error(`the scrape has ${result} lines`);
      await sleep(REST_MS);
      const calm = await latenciesDuring(cheap, () => sleep(milliseconds));
      // The first one of a new process is a warm-up.
      if (i === 0) continue;
      all.push({
        p99: quantile(latencies, 0.99),
        max: Math.max(...latencies),
        floor: Math.max(...calm.latencies),
        scrape: milliseconds,
        lines: result,
      });
    }
    const of = (name) => median(all.map((taken) => taken[name]));
    return { p99: of('p99'), max: of('max'), floor: of('floor'), scrape: of('scrape'), lines: of('lines') };
  });
}

async function withServer([command, ...args], measured) {
  const server = start(command, args, { cwd: import.meta.dirname });
  try {
    const url = await said(server, (line) => (line.startsWith('http://') ? line : undefined));
    return await measured(url, server.pid);
  } finally {
    await stop(server);
  }
}

function report({ cost, load, stalls }, form, short) {
  const of = (side, name) => median(stalls[side].map((stall) => stall[name]));
  const rate = (side) => Math.round(median(load[side].map(({ rate }) => rate)));
  const busy = Math.min(...Object.values(load).flat().map(({ busy }) => busy));
  const express = version('express');
  const ours = compared(load.bare, load.measured, load.bareAgain);
  const peer = compared(load.peerBare, load.peerMeasured, load.peerBareAgain);
  return {
    rows: [
      {
        what: 'layer, a request',
        unit: 'ns',
        digits: 0,
        ours: median(cost.ours.map(({ added }) => added)),
        peer: peer.nanoseconds,
        goal: { of: 'ours', most: 200 },
        mayBeZero: short,
      },
      {
        what: 'layer, throughput lost',
        unit: '%',
        digits: 1,
        ours: ours.lost,
        peer: peer.lost,
        goal: { of: 'ours', most: 1 },
        mayBeZero: true,
      },
      stallRow('max', of, short),
      stallRow('p99', of, short),
    ],
    about: [
      `cost: ${form.requests} requests to a tower service without and with the layer, in turns, the least of 20 samples each;`,
      `  the service itself takes ${median(cost.ours.map(({ bare }) => bare)).toFixed(0)} ns`,
      `  peer: what a request to Express takes longer with prom-client, of the throughput below; of that of axum it is`,
      `  ${ours.nanoseconds.toFixed(0)} ns`,
      `throughput: one core for the server, the other for ${wrkVersion()} with 16 connections, ${form.seconds} s,`,
      `  ${form.rounds} rounds in turns of bare, measured and bare again, each measured against the mean of its two bare ones;`,
      `  those two are ${ours.noise.toFixed(1)} % apart with axum and ${peer.noise.toFixed(1)} % with Express: losses below that are noise`,
      `  axum ${rate('bare')} and ${rate('measured')} requests/s, ${express} ${rate('peerBare')} and ` +
        `${rate('peerMeasured')} with ${version('prom-client')};`,
      `  the server's core was busy to ${(100 * busy).toFixed(0)} % at least`,
      `stall: 8 connections ask a cheap route during a scrape of ${form.series} series; median of ${form.scrapes} scrapes,`,
      `  which took ${of('ours', 'scrape').toFixed(0)} and ${of('peer', 'scrape').toFixed(0)} ms; while nothing is scraped for as long, ` +
        `max is ${of('ours', 'floor').toFixed(1)} and ${of('peer', 'floor').toFixed(1)} ms`,
    ],
  };
}

/** What wearing metrics costs, round by round: `{lost, noise}` in %, and `nanoseconds` of a request. */
function compared(bare, measured, bareAgain) {
  const rounds = measured.map(({ rate }, i) => {
    const [before, after] = [bare[i].rate, bareAgain[i].rate];
    const mean = (before + after) / 2;
    return { lost: 1 - rate / mean, noise: Math.abs(before - after) / mean, nanoseconds: 1e9 / rate - 1e9 / mean };
  });
  const of = (name) => median(rounds.map((round) => round[name]));
  return { lost: 100 * of('lost'), noise: 100 * of('noise'), nanoseconds: of('nanoseconds') };
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
