// How a metric is usually saved from Node.js: an INSERT each.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import pg from 'pg';

const INSERT = 'INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels) VALUES ($1, $2, $3, $4)';
const MONTHS = `SELECT recipe_monitoring_state.make_partition(day)
  FROM generate_series(now() - interval '62 days', now(), interval '10 days') AS day`;

/** Rows a second of the first `count` rows of a file in COPY's text format. */
export async function insertOneByOne(url, file, count) {
  const rows = await head(file, count);
  const client = new pg.Client(settings(url));
  await client.connect();
  try {
    await client.query(MONTHS);
    const start = performance.now();
    for (const row of rows) await client.query(INSERT, row);
    return rows.length / ((performance.now() - start) / 1000);
  } finally {
    await client.end();
  }
}

async function head(file, count) {
  const rows = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    rows.push(line.split('\t'));
    if (rows.length === count) break;
  }
  return rows;
}

/** node-postgres takes no socket directory out of a URL with a host. */
function settings(url) {
  const { username, password, pathname, port, searchParams } = new URL(url);
  const host = searchParams.get('host');
  return { host, port: Number(port), user: username, password: decodeURIComponent(password), database: pathname.slice(1) };
}
