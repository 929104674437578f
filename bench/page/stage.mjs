// The real dashboard with a past that did not go by: everything is handed through, and to the snapshots that the page asks
// for, points are added.

import http from 'node:http';
import { once } from 'node:events';
import WebSocket, { WebSocketServer } from 'ws';
import { past } from './past.mjs';

/**
 * Runs `measure` with the dashboard behind a server of its own, `{url}`. `lengthOf` says of a history of so many seconds
 * what past it gets: `{number, seconds}`.
 */
export async function withStage(dashboard, lengthOf, measure) {
  const server = http.createServer((request, response) => hand(dashboard.url, lengthOf, request, response));
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (page) => join(page, new URL(request.url, dashboard.url))),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await measure({ url: `http://127.0.0.1:${server.address().port}/` });
  } finally {
    for (const page of sockets.clients) page.terminate();
    server.close();
    server.closeAllConnections();
  }
}

function hand(url, lengthOf, request, response) {
  const { method, headers } = request;
  const asked = http.request(new URL(request.url, url), { method, headers }, async (answer) => {
    if (request.url !== '/api/snapshot') {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      return;
    }
    const text = Buffer.concat(await answer.toArray()).toString();
    response.writeHead(answer.statusCode, { 'content-type': 'application/json' });
    response.end(answer.statusCode === 200 ? lengthened(text, lengthOf) : text);
  });
  if (request.url === '/api/snapshot') asked.removeHeader('accept-encoding');
  asked.on('error', () => response.destroy());
  request.pipe(asked);
}

/** A snapshot, which is JSON as a text of JSON, with more points in each of its histories. */
function lengthened(text, lengthOf) {
  const snapshot = JSON.parse(JSON.parse(text));
  for (const history of Object.values(snapshot)) {
    const newest = history?.points?.at(-1);
    if (!newest) continue;
    const to = Date.parse(newest.at) - 1000;
    history.points = [...past(newest, { ...lengthOf(history.span_seconds), to }), newest];
  }
  return JSON.stringify(JSON.stringify(snapshot));
}

/** The page is told that it missed something, so it asks for a snapshot. */
function join(page, url) {
  const feed = new WebSocket(url.href.replace('http:', 'ws:'), { perMessageDeflate: false });
  feed.on('message', (data) => {
    const event = JSON.parse(data);
    const isHello = event.event === 'hello';
    page.send(isHello ? JSON.stringify({ ...event, seq: event.seq + 1, data: { resumed: false } }) : data.toString());
  });
  feed.on('error', () => page.close());
  feed.on('close', () => page.close());
  page.on('close', () => feed.close());
}
