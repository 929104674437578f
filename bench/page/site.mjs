// The watched application: six routes, whose requests go on by the clock, and what the site is for.

import http from 'node:http';
import { once } from 'node:events';
import { post } from '../lib/http.mjs';

const ROUTES = ['/', '/recipes', '/recipes/:id', '/recipes/:id/ratings', '/search', '/users'];
const METHODS = ['GET', 'GET', 'GET', 'POST', 'GET', 'POST'];
const EVENTS = ['user_registered', 'recipe_created', 'search_executed', 'recipe_viewed', 'recipe_rated'];
/** Seconds, and the share of a route's requests that take at most so long. */
const BUCKETS = [
  ['0.005', 0.1],
  ['0.01', 0.35],
  ['0.025', 0.6],
  ['0.05', 0.78],
  ['0.1', 0.9],
  ['0.25', 0.96],
  ['0.5', 0.985],
  ['1', 0.995],
  ['+Inf', 1],
];
const REQUESTS_PER_SECOND = 40;
/** One of so many requests fails. */
const FAILURES = 100;

/** `{url, stop}`, with requests for some minutes already. */
export async function startSite() {
  const begin = Date.now() - 300_000;
  const server = http.createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(metrics((Date.now() - begin) / 1000));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/metrics`, stop };
}

function metrics(seconds) {
  const lines = ['# TYPE http_requests_total counter'];
  const all = ROUTES.map((route, place) => ({
    labels: `method="${METHODS[place]}",route="${route}"`,
    count: Math.floor((seconds * REQUESTS_PER_SECOND) / (place + 2)),
  }));
  for (const { labels, count } of all) {
    const failed = Math.floor(count / FAILURES);
    lines.push(`http_requests_total{${labels},status="200"} ${count - failed}`);
    lines.push(`http_requests_total{${labels},status="500"} ${failed}`);
  }
  lines.push('# TYPE http_request_duration_seconds histogram');
  for (const { labels, count } of all) {
    for (const [le, share] of BUCKETS) {
      lines.push(`http_request_duration_seconds_bucket{${labels},status="200",le="${le}"} ${Math.floor(count * share)}`);
    }
    lines.push(`http_request_duration_seconds_sum{${labels},status="200"} ${count * 0.04}`);
    lines.push(`http_request_duration_seconds_count{${labels},status="200"} ${count}`);
  }
  lines.push('# TYPE active_connections gauge', `active_connections ${20 + Math.round(10 * Math.sin(seconds / 60))}`);
  return `${lines.join('\n')}\n`;
}

/** Has the dashboard count a few of each business event. */
export async function count({ url }) {
  const body = JSON.stringify(EVENTS.map((event, place) => ({ event, count: 10 * (place + 1) })));
  const { status } = await post(new URL('api/v1/events', url), { 'content-type': 'application/json' }, body);
  if (status >= 300) throw new Error(`business events were answered with ${status}`);
}
