// Databases with our tables on the product's own PostgreSQL.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** An empty one with all tables, copied for each measurement. */
export const TEMPLATE = 'bench_template';
const COLUMNS = 'timestamp, metric_name, metric_value, labels';

export class Databases {
  #url;

  constructor(url) {
    this.#url = url;
  }

  url(name) {
    return this.#url.replace(/\/[^/?]+\?/, `/${name}?`);
  }

  async create(name, template = 'template0') {
    await psql(this.#url, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  }

  async drop(name) {
    await psql(this.#url, `DROP DATABASE IF EXISTS ${name}`);
  }

  /** An empty database with the tables, in the place of one of the same name; its URL. */
  async fresh(name) {
    await this.drop(name);
    await this.create(name, TEMPLATE);
    return this.url(name);
  }

  async copyOut(name, file) {
    const rows = `SELECT ${COLUMNS} FROM system_metrics ORDER BY id`;
    await psql(this.url(name), `\\copy (${rows}) TO '${file}'`);
  }

  /** Rows a second of psql's COPY into a fresh database. */
  async copyIn(name, file, rows) {
    const url = await this.fresh(name);
    await psql(url, MONTHS);
    const start = performance.now();
    await psql(url, `\\copy system_metrics (${COLUMNS}) FROM '${file}'`);
    return rows / ((performance.now() - start) / 1000);
  }

  /** Bytes on disk for a row, with its share of all indexes. */
  async bytesOfSample(name) {
    const size = `SELECT sum(pg_total_relation_size(inhrelid)) / (SELECT count(*) FROM system_metrics)
      FROM pg_inherits WHERE inhparent = 'system_metrics'::regclass`;
    return Number(await psql(this.url(name), size));
  }

  /** Fills the product's own table. */
  async fill({ from, to, step, metrics }) {
    await psql(this.#url, MONTHS);
    // The same in every run; a wave, a week's trend, and noise.
    await psql(
      this.#url,
      `SELECT setseed(0.5);
       INSERT INTO system_metrics (${COLUMNS})
       SELECT to_timestamp(second), 'metric_' || metric,
              round((50 + 30 * sin(second / 13750.0) + 5 * random())::numeric, 4), '{"host":"bench"}'
       FROM generate_series(${from + step}, ${to}, ${step}) AS second, generate_series(1, ${metrics}) AS metric`,
    );
    await psql(this.#url, 'VACUUM ANALYZE system_metrics');
  }

  /** The same samples as Prometheus' promtool reads them. */
  async copyOutOpenMetrics(file, metrics) {
    const of = (metric) => `
      SELECT 'metric_${metric}{host="bench"} ' || metric_value || ' ' || extract(epoch FROM timestamp)::bigint
      FROM system_metrics WHERE metric_name = 'metric_${metric}' ORDER BY timestamp`;
    for (let metric = 1; metric <= metrics; metric += 1) {
      const head = `echo '# TYPE metric_${metric} gauge' >>'${file}'`;
      await run('bash', ['-c', head]);
      await psql(this.#url, `\\copy (${of(metric).replaceAll('\n', ' ')}) TO PROGRAM 'cat >>${file}'`);
    }
    await run('bash', ['-c', `echo '# EOF' >>'${file}'`]);
  }
}

const MONTHS = `SELECT recipe_monitoring_state.make_partition(day)
  FROM generate_series(now() - interval '62 days', now(), interval '10 days') AS day`;

async function psql(url, sql) {
  const { stdout } = await run('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql], {
    maxBuffer: 2 ** 26,
  });
  return stdout.trim();
}
