// Load on a server: wrk for throughput, and a probe for what one request waits while something else goes on.

import { execFile, execFileSync } from 'node:child_process';
import http from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const PROBES = 8;
const PAUSE_MS = 1;

const run = promisify(execFile);

/** Requests a second that a server answers, asked from the other core. */
export async function requestsPerSecond(url, { seconds, core }) {
  const wrk = ['-c', String(core), 'wrk', '-t1', '-c16', `-d${seconds}s`, url];
  const { stdout } = await run('taskset', wrk);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk met errors:\n${stdout}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]);
}

/** What the requests to `url` took, in ms, which were under way while `command` ran. */
export async function latenciesDuring(url, command) {
  const latencies = [];
  let from = Infinity;
  let to = Infinity;
  const probe = async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let start = performance.now(); start < to; await sleep(PAUSE_MS), start = performance.now()) {
      const [response] = await once(http.get(url, { agent }), 'response');
      await response.resume().toArray();
      const end = performance.now();
      if (end >= from) latencies.push(end - start);
    }
    agent.destroy();
  };
  const probes = Array.from({ length: PROBES }, probe);
  // Until the connections are open and the code is warm.
  await sleep(200);
  from = performance.now();
  const result = await command();
  to = performance.now();
  await Promise.all(probes);
  return { latencies, milliseconds: to - from, result };
}

/** The lines of a scrape, fetched by another process, for reading it would hold up the probes here. */
export async function scrapeApart(url) {
  const { stdout } = await run('sh', ['-c', `curl -sSf '${url}' | wc -l`]);
  return Number(stdout);
}

export function wrkVersion() {
  const said = execFileSync('sh', ['-c', 'wrk --version || true'], { encoding: 'utf8' });
  return /wrk \S+/.exec(said)[0].replace('debian/', '');
}
