// The servers under measurement, and the event that all of them send.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';
import { withDashboard } from '../lib/dashboard.mjs';
import { said, start, stop } from '../lib/processes.mjs';
import { example } from '../lib/programs.mjs';
import { dialects } from './dialects.mjs';

const program = path.join(import.meta.dirname, 'peer.mjs');

/** One event of ours as it comes over the wire. */
export function oneEvent(url) {
  const socket = new WebSocket(new URL(dialects.ours.path, url.replace('http:', 'ws:')), { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the live feed ended before its first event')));
    socket.on('message', (data) => {
      const text = data.toString();
      if (!dialects.ours.isEvent(text)) return;
      resolve(text);
      socket.close();
    });
  });
}

/**
 * The settings with which an event of ours has at least this size, and one such event. How large it is otherwise depends
 * on the number of disks and network interfaces of the machine; a longer name of the host makes up for it.
 */
export async function eventOf(bytes) {
  const short = await withDashboard(({ url }) => oneEvent(url));
  const natural = Buffer.byteLength(short);
  if (natural >= bytes) return { settings: [], event: short, natural };
  const settings = [`system.host=${os.hostname()}${'-'.repeat(bytes - natural)}`];
  const event = await withDashboard(({ url }) => oneEvent(url), settings);
  return { settings, event, natural };
}

/** Runs `measure` with a socket.io server, `{pid, url}`, that sends events like this one. */
export function withPeer(event, measure) {
  return withServer(process.execPath, [program, event, String(Buffer.byteLength(event))], measure);
}

/** The same with a program that does nothing but call send() for each client. */
export function withFloor(event, measure) {
  return withServer(example('floor'), [event], measure);
}

async function withServer(command, words, measure) {
  const server = start(command, words);
  try {
    const url = await said(server, (line) => (line.startsWith('{') ? JSON.parse(line).url : undefined));
    return await measure({ pid: server.pid, url });
  } finally {
    await stop(server);
  }
}

export function peerVersion() {
  const require = createRequire(import.meta.url);
  const version = (name) => JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')).version;
  return `socket.io ${version('socket.io')} (websocket transport only, no compression)`;
}
