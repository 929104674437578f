// The webhook that is told of alerts, by both in the JSON of Alertmanager's webhooks.

import http from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 30_000;

/** `{url, told, stop}` */
export async function startReceiver() {
  const arrived = new Map();
  const server = http.createServer(async (request, response) => {
    const at = performance.now();
    const body = Buffer.concat(await request.toArray());
    response.end();
    for (const { status, labels } of JSON.parse(body).alerts) {
      const what = `${labels.alertname} ${status}`;
      if (!arrived.has(what)) arrived.set(what, at);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    /** When the first request arrived that says this of an alert: `firing` or `resolved`. */
    told: async (alert, status) => {
      for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await sleep(10)) {
        const at = arrived.get(`${alert} ${status}`);
        if (at !== undefined) return at;
      }
      throw new Error(`no request within ${PATIENCE_MS / 1000} s says that ${alert} is ${status}`);
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
