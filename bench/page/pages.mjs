// The dashboard with something in every panel, and the peer's page of the same.

import { execFile } from 'node:child_process';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { withDashboard } from '../lib/dashboard.mjs';
import { get } from '../lib/http.mjs';
import { withPeerPage } from './peer.mjs';
import { count, startSite } from './site.mjs';

const PATIENCE_MS = 60_000;
/** With the readings of the application as often as those of the host, all graphs move with every push. */
const SETTINGS = ['sampling.application=2s'];

/** What the graphs show, and about which value it is. */
const GRAPHED = {
  cpu_usage: 30,
  memory_usage: 50,
  disk_usage: 40,
  network_rx: 2e6,
  network_tx: 1e6,
  load_average_1m: 0.8,
  http_requests_per_second: 60,
  http_error_rate: 0.9,
  response_time_p50: 19,
  response_time_p95: 225,
  response_time_p99: 700,
  active_connections: 20,
};
const FILLED_SECONDS = 3600;
const SAMPLE_SECONDS = 10;

const run = promisify(execFile);

/**
 * Runs `measure(dashboard, peer)` with both, `{pid, url}`, when both have something to show; with `filled`, an hour is
 * kept already.
 */
export async function withBothPages(measure, { filled = false } = {}) {
  const site = await startSite();
  try {
    return await withDashboard(
      async (dashboard) => {
        await count(dashboard);
        await connected(dashboard);
        return withPeerPage(dashboard, (peer) => measure(dashboard, peer));
      },
      [...SETTINGS, `application.targets=["${site.url}"]`],
      filled ? fill : undefined,
    );
  } finally {
    site.stop();
  }
}

/** Until the application's rates are known and the business events counted. */
async function connected({ url }) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(200)) {
    const { status, body } = await get(new URL('api/v1/current', url));
    const { system, application, business } = status === 200 ? JSON.parse(body) : {};
    const isCounted = business?.metrics.some(({ today }) => today > 0);
    if (system && isCounted && application?.total.p95_ms > 0) return;
  }
  throw new Error(`the dashboard showed no application and no business metrics in ${PATIENCE_MS / 1000} s`);
}

/** Keeps samples of the last hour, as the dashboard would have by itself. */
async function fill({ env }) {
  const values = Object.entries(GRAPHED).map(([metric, value]) => `('${metric}', ${value})`);
  const sql = `
    SELECT recipe_monitoring_state.make_partition(day)
    FROM generate_series(now() - interval '1 day', now(), interval '1 day') AS day;
    INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
    SELECT at, metric, round((value * (0.8 + 0.15 * sin(extract(epoch FROM at) / 97) + 0.05 * random()))::numeric, 3),
           '{"host": "${os.hostname()}"}'
    FROM generate_series(now() - interval '${FILLED_SECONDS} s', now(), interval '${SAMPLE_SECONDS} s') AS at,
         (VALUES ${values}) AS graphed (metric, value)`;
  await run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', env.DATABASE_URL, '-c', sql]);
}
