// HTTP without conveniences: the bytes as they came, nothing decompressed on the way.

import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';

const keepAlive = new http.Agent({ keepAlive: true, maxSockets: 1 });

/** `{status, headers, body}` of a GET. */
export async function get(url, headers = {}) {
  return answer(http.get(url, { headers, agent: keepAlive }));
}

/** The same of a POST. */
export async function post(url, headers = {}, body = undefined) {
  return answer(http.request(url, { method: 'POST', headers, agent: keepAlive }).end(body));
}

async function answer(request) {
  const [response] = await once(request, 'response');
  const body = Buffer.concat(await response.toArray());
  return { status: response.statusCode, headers: response.headers, body };
}

/** A port that is free now. For programs that cannot choose one and say which. */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
