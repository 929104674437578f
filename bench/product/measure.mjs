// Memory and CPU time of all that watches a host: ours with and without its stores, beside what is often put together
// for the same, and beside Netdata. All of them in the same minutes, each with somebody who looks.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alertmanagerVersion, withAlertmanager } from '../lib/alertmanager.mjs';
import { withDashboard } from '../lib/dashboard.mjs';
import { exporterVersion, startExporter } from '../lib/exporter.mjs';
import { get } from '../lib/http.mjs';
import { netdataVersion, withNetdata } from '../lib/netdata.mjs';
import { cpuSeconds, cpuSecondsOfAll, proportionalBytes, proportionalBytesOfAll, stop } from '../lib/processes.mjs';
import { prometheusVersion, withPrometheus } from '../lib/prometheus.mjs';
import { quietly } from '../lib/quiet.mjs';
import { median } from '../lib/statistics.mjs';
import { removeDirectory, temporaryDirectory } from '../lib/temporary.mjs';

const LONG = { warmSeconds: 120, seconds: 600 };
/** In so few seconds the kernel may count no tick of the peers. */
const SHORT = { warmSeconds: 2, seconds: 8, mayBeZero: true };
const READ_EVERY_SECONDS = 2;
const LOOK_EVERY_SECONDS = 10;
const PATIENCE_SECONDS = 60;
const MEGABYTE = 1e6;

/** Our default of samples that are kept, and rules of the same kind as our own. */
const configuration = (exporter, alertmanager, rules) => `global:
  scrape_interval: 10s
  evaluation_interval: 10s
rule_files: ['${rules}']
alerting:
  alertmanagers:
    - static_configs: [{ targets: ['${alertmanager}'] }]
scrape_configs:
  - job_name: node
    static_configs: [{ targets: ['${exporter}'] }]
`;

const RULES = `groups:
  - name: host
    rules:
      - alert: HighCPU
        expr: 100 - avg(rate(node_cpu_seconds_total{mode="idle"}[1m])) * 100 > 80
        for: 5m
      - alert: HighMemory
        expr: 100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes) > 85
        for: 5m
      - alert: HighDisk
        expr: 100 * (1 - node_filesystem_avail_bytes / node_filesystem_size_bytes) > 90
        for: 5m
`;

/** What somebody who looks asks for: the last ten minutes of four graphs. */
const LOOKS = {
  ours: ['cpu_usage', 'memory_usage', 'disk_usage', 'load_average_1m'].map(
    (metric) => () => `api/v1/range?metric=${metric}&from=${ago()}&points=60`,
  ),
  prometheus: [
    'rate(node_cpu_seconds_total{mode="idle"}[1m])',
    'node_memory_MemAvailable_bytes',
    'node_filesystem_avail_bytes',
    'node_load1',
  ].map((query) => () => `api/v1/query_range?query=${encodeURIComponent(query)}&step=10&start=${ago()}&end=${ago(0)}`),
  netdata: ['system.cpu', 'system.ram', 'disk_space._', 'system.load'].map(
    (chart) => () => `api/v1/data?chart=${chart}&after=-600&points=60`,
  ),
};

const ago = (seconds = 600) => Math.round(Date.now() / 1000) - seconds;

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  return report(await quietly(short, () => withAll((contenders) => watch(contenders, form))), form);
}

function withAll(measure) {
  return withDashboard((ours) => withTrio((trio) => withNetdata((netdata) => measure({ ours, ...trio, netdata }))));
}

/** Prometheus, its node_exporter and its Alertmanager, which is told of nothing as long as nothing is wrong. */
function withTrio(measure) {
  const nobody = 'http://127.0.0.1:9/';
  return withAlertmanager(nobody, (alertmanager) =>
    withPrometheus(async (prometheus) => {
      const directory = temporaryDirectory('rules');
      const exporter = await startExporter();
      try {
        const rules = path.join(directory, 'rules.yml');
        writeFileSync(rules, RULES);
        await prometheus.configure(configuration(new URL(exporter.url).host, alertmanager.host, rules));
        return await measure({ prometheus, exporter, alertmanager });
      } finally {
        await stop(exporter);
        removeDirectory(directory);
      }
    }),
  );
}

/** Of each `{bytes: [...], cpu}`, the CPU time as a share of one core. */
async function watch({ ours, prometheus, exporter, alertmanager, netdata }, { warmSeconds, seconds }) {
  const trio = [prometheus, exporter, alertmanager].map(({ pid }) => pid);
  const sides = {
    alone: { pids: [ours.pid], cpu: cpuSeconds, bytes: proportionalBytes },
    ours: { pids: [ours.pid], cpu: cpuSecondsOfAll, bytes: proportionalBytesOfAll },
    trio: { pids: trio, cpu: cpuSecondsOfAll, bytes: proportionalBytesOfAll },
    netdata: { pids: [netdata.pid], cpu: cpuSecondsOfAll, bytes: proportionalBytesOfAll },
  };
  const of = (side, what) => side.pids.reduce((total, pid) => total + side[what](pid), 0);
  const read = (what) => Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, of(side, what)]));
  const looks = [
    [ours.url, LOOKS.ours],
    [prometheus.url, LOOKS.prometheus],
    [netdata.url, LOOKS.netdata],
  ];
  await Promise.all(looks.map(([url, paths]) => firstLook(url, paths)));
  const start = Date.now();
  const readings = [];
  let before;
  for (let second = 0; second <= warmSeconds + seconds; second += READ_EVERY_SECONDS) {
    await sleep(start + second * 1000 - Date.now());
    if (second === warmSeconds) before = { at: Date.now(), cpu: read('cpu') };
    if (second >= warmSeconds) readings.push(read('bytes'));
    if (second % LOOK_EVERY_SECONDS === 0) await Promise.all(looks.map(([url, paths]) => look(url, paths)));
  }
  const after = { at: Date.now(), cpu: read('cpu') };
  return Object.fromEntries(
    Object.keys(sides).map((name) => [
      name,
      {
        bytes: median(readings.map((reading) => reading[name])),
        cpu: (after.cpu[name] - before.cpu[name]) / ((after.at - before.at) / 1000),
      },
    ]),
  );
}

/** Each has to have taken its first samples. */
async function firstLook(url, paths) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await look(url, paths);
    } catch (error) {
      if (attempt === PATIENCE_SECONDS) throw error;
      await sleep(1000);
    }
  }
}

async function look(url, paths) {
  for (const resource of paths) {
    const { status, body } = await get(new URL(resource(), url));
    if (status !== 200) throw new Error(`${url}${resource()} was answered with ${status}: ${body}`);
  }
}

function report({ alone, ours, trio, netdata }, { warmSeconds, seconds, mayBeZero }) {
  const rows = [
    ['Prometheus', trio],
    ['Netdata', netdata],
  ].flatMap(([name, peer]) => [
    memory(`memory beside ${name}, stores not counted`, alone, peer),
    memory(`memory beside ${name}, PostgreSQL and Redis too`, ours, peer),
    cpu(`CPU beside ${name}, stores not counted`, alone, peer, mayBeZero),
    cpu(`CPU beside ${name}, PostgreSQL and Redis too`, ours, peer, mayBeZero),
  ]);
  return {
    rows,
    about: [
      `over ${seconds} s after ${warmSeconds} s, all in the same time: median of the proportional set sizes (PSS) of all processes, and CPU time as a share of one core`,
      'ours: one process with the settings it comes with, which brings its own PostgreSQL and Redis',
      `beside Prometheus: ${prometheusVersion()}, ${exporterVersion()} and ${alertmanagerVersion()}, scraped every 10 s as ours keeps samples, three rules`,
      `beside Netdata: ${netdataVersion()} as Debian sets it up, every second`,
      `each is asked for ten minutes of four graphs every ${LOOK_EVERY_SECONDS} s`,
    ],
  };
}

const memory = (what, ours, peer) => ({
  what,
  unit: 'MB',
  digits: 1,
  ours: ours.bytes / MEGABYTE,
  peer: peer.bytes / MEGABYTE,
});

const cpu = (what, ours, peer, mayBeZero) => ({
  what,
  unit: '%',
  digits: 2,
  ours: ours.cpu * 100,
  peer: peer.cpu * 100,
  mayBeZero,
});
