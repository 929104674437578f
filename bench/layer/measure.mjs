// What the tower layer costs a request, and what a large scrape costs the others, against Express with prom-client.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { withDashboard } from '../lib/dashboard.mjs';
import { cpuSeconds, said, start, stop } from '../lib/processes.mjs';
import { example } from '../lib/programs.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median, quantile } from '../lib/statistics.mjs';
import { latenciesDuring, requestsPerSecond, scrapeApart, wrkVersion } from './load.mjs';

const LONG = { rounds: 20, seconds: 3, requests: 500_000, series: 100_000, scrapes: 9 };
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
  const axum = example('layer');
  const recipes = example('recipe_api');
  const cost = await inTurns('layer, cost', { short, rounds: short ? 1 : 3 }, { ours: () => costOfOne(axum, form) });
  const load = {
    recipes: await throughputs('layer, recipe API', form, short, (kind, serve) => withRecipes(recipes, kind, serve)),
    empty: await throughputs('layer, empty handler', form, short, (kind, serve) => {
      return withServer(pinned(axum, 'serve', kind), (url, pid) => serve(new URL('recipes/7', url).href, pid));
    }),
    peer: await throughputs('layer, peer', form, short, (kind, serve) => {
      return withServer(pinned('node', express, kind), (url, pid) => serve(new URL('recipes/7', url).href, pid));
    }),
  };
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

/**
 * Rounds of `{rate, busy, microseconds}` of a server that is bare and one that is measured, `{bare, measured}`: requests
 * a second, the share of a core that the server used, and how long it used it for a request. Both stay up, so that one
 * can be asked right after the other. `within(kind, serve)` runs `serve(url, pid)` with one of them.
 */
async function throughputs(name, { rounds, seconds }, short, within) {
  return within('bare', (bareUrl, barePid) => {
    return within('measured', async (url, pid) => {
      const load = async (url, pid) => {
        const before = cpuSeconds(pid);
        const rate = await requestsPerSecond(url, { seconds, core: LOAD_CORE });
        const busy = (cpuSeconds(pid) - before) / seconds;
        return { rate, busy, microseconds: (1e6 * busy) / rate };
      };
      await load(bareUrl, barePid);
      await load(url, pid);
      return inTurns(name, { short, rounds }, { bare: () => load(bareUrl, barePid), measured: () => load(url, pid) });
    });
  });
}

/** The example recipe API with one recipe, on a PostgreSQL of its own beside the load. */
async function withRecipes(recipes, kind, serve) {
  return withDashboard(async ({ env }) => {
    const command = pinned(recipes, '--address', '127.0.0.1:0', '--database', 'recipe_site');
    if (kind === 'bare') command.push('--bare');
    const server = start(command[0], command.slice(1), { cwd: import.meta.dirname, env: { ...process.env, ...env } });
    try {
      const url = await said(server, (line) => /serving (\S+)/.exec(line)?.[1]);
      const user = await post(new URL('users', url), { name: 'Mei', email: 'mei@example.com' });
      const steps = 'Cut all, and boil it until it is soft.';
      await post(new URL('recipes', url), { user_id: user.id, title: 'Soup', ingredients: ['leek', 'potato'], steps });
      return await serve(new URL('recipes?search=soup', url).href, server.pid);
    } finally {
      await stop(server);
    }
  });
}

async function post(url, body) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

const pinned = (...command) => ['taskset', '-c', String(SERVER_CORE), ...command];

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
  const [recipes, empty, peer] = [load.recipes, load.empty, load.peer].map(compared);
  const express = version('express');
  const rates = ({ bare, measured }) => `${Math.round(bare)} and ${Math.round(measured)} requests/s`;
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
        what: 'layer, throughput lost, recipe API',
        unit: '%',
        digits: 2,
        ours: recipes.lost,
        goal: { of: 'ours', most: 1 },
        mayBeZero: true,
      },
      {
        what: 'layer, throughput lost, empty handler',
        unit: '%',
        digits: 2,
        ours: empty.lost,
        peer: peer.lost,
        mayBeZero: true,
      },
      stallRow('max', of, short),
      stallRow('p99', of, short),
    ],
    about: [
      `cost: ${form.requests} requests to a tower service without and with the layer, in turns, the least of 20 samples each;`,
      `  the service itself takes ${median(cost.ours.map(({ bare }) => bare)).toFixed(0)} ns`,
      `  peer: what a request to Express takes longer with prom-client, of the throughput below; with axum around them a`,
      `  request to an empty handler takes ${empty.nanoseconds.toFixed(0)} ns longer, one to the recipe API ${recipes.nanoseconds.toFixed(0)} ns`,
      `throughput lost: the share of the server's CPU time for a request that the layer takes; a core for the server, the`,
      `  other for ${wrkVersion()} with 16 connections, PostgreSQL on both; ${form.rounds} rounds of ${form.seconds} s in turns, each measured one`,
      `  against the mean of the bare ones around it; medians`,
      `  recipe API, a search in PostgreSQL: ${rates(recipes)}, lost ± ${recipes.error.toFixed(2)} %`,
      `  empty handler: axum ${rates(empty)}, lost ± ${empty.error.toFixed(2)} %; ${express} ${rates(peer)} with ` +
        `${version('prom-client')}, lost ± ${peer.error.toFixed(2)} %`,
      `stall: 8 connections ask a cheap route during a scrape of ${form.series} series; median of ${form.scrapes} scrapes,`,
      `  which took ${of('ours', 'scrape').toFixed(0)} and ${of('peer', 'scrape').toFixed(0)} ms; while nothing is scraped for as long, ` +
        `max is ${of('ours', 'floor').toFixed(1)} and ${of('peer', 'floor').toFixed(1)} ms`,
    ],
  };
}

/**
 * What wearing metrics costs, of rounds: `{lost, error}` in %, with the standard error of the median; `nanoseconds` of
 * a request; and the rates `bare` and `measured`.
 */
function compared({ bare, measured }) {
  const rounds = measured.map(({ microseconds }, i) => {
    const without = (bare[i].microseconds + (bare[i + 1] ?? bare[i]).microseconds) / 2;
    return { lost: 1 - without / microseconds, nanoseconds: 1e3 * (microseconds - without) };
  });
  const of = (name) => median(rounds.map((round) => round[name]));
  const deviation = median(rounds.map(({ lost }) => Math.abs(lost - of('lost'))));
  return {
    lost: 100 * of('lost'),
    // Of normal noise the deviation is 1.4826 times its median, and the error of a median 1.2533 times that of a mean.
    error: (100 * 1.4826 * 1.2533 * deviation) / Math.sqrt(rounds.length),
    nanoseconds: of('nanoseconds'),
    bare: median(bare.map(({ rate }) => rate)),
    measured: median(measured.map(({ rate }) => rate)),
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
