// The application that is watched: open connections that grow step by step, and requests. What ours derives of these and
// reads of the host is on the page as plain gauges too, so that the peer's rules need not derive anything.

import http from 'node:http';
import { once } from 'node:events';

/** Open connections that one step adds. */
const STEP = 100;
const BUCKETS = ['0.005', '0.025', '0.1', '0.5', '1', '5', '+Inf'];

/** What open connections are over from this step on; the first is 1. */
export const threshold = (step) => STEP * step;

/** `{url, climb, fall, carried, scrapes, stop}`, below the first step. */
export async function startApplication() {
  let step = 0;
  let scrapes = 0;
  const carried = [];
  const server = http.createServer((_, response) => {
    scrapes += 1;
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(page(step * STEP + STEP / 2, scrapes));
    for (let climbed = 1; climbed <= step; climbed += 1) carried[climbed] ??= performance.now();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/metrics`,
    /** Goes a step up; when that was. */
    climb: () => {
      step += 1;
      return performance.now();
    },
    fall: () => {
      step = 0;
    },
    /** When the first scrape was answered that shows this step. */
    carried: (climbed) => carried[climbed],
    scrapes: () => scrapes,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Every scrape sees two requests more for each bucket, and one failure. */
function page(connections, scrapes) {
  const requests = 2 * BUCKETS.length * scrapes;
  const upTo = (place) => 2 * (place + 1) * scrapes;
  return [
    `active_connections ${connections}`,
    ...GAUGES.map((series) => `${series} 1`),
    '# TYPE http_requests_total counter',
    `http_requests_total{status="200"} ${requests - scrapes}`,
    `http_requests_total{status="500"} ${scrapes}`,
    '# TYPE http_request_duration_seconds histogram',
    ...BUCKETS.map((le, place) => `http_request_duration_seconds_bucket{le="${le}"} ${upTo(place)}`),
    `http_request_duration_seconds_sum ${requests}`,
    `http_request_duration_seconds_count ${requests}`,
    '',
  ].join('\n');
}

const GAUGES = [
  'cpu_usage',
  'memory_usage',
  'disk_usage',
  'disk_usage{mount="/"}',
  'network_rx',
  'network_rx{interface="eth0"}',
  'load_average_1m',
  'http_requests_per_second',
  'http_error_rate',
  'response_time_p95',
  'response_time_p99',
];

/** What rules are about: in every reading of the host, or of the application. */
export const METRICS = [...new Set(GAUGES.map((series) => series.split('{')[0])), 'active_connections'];
