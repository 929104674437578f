// The peer: a socket.io 4 server that sends an event to all every 2 s, and to those who come back what they missed.
// node peer.mjs BYTES

import { createServer } from 'node:http';
import { Server } from 'socket.io';

const PUSH_MS = 2000;
const NAME = 'metrics:system';
const RECOVERY = { maxDisconnectionDuration: 120_000, skipMiddlewares: true };

const http = createServer();
const io = new Server(http, {
  transports: ['websocket'],
  perMessageDeflate: false,
  serveClient: false,
  connectionStateRecovery: RECOVERY,
});
let seq = 0;
setInterval(() => {
  seq += 1;
  const event = { seq, at: Date.now(), padding: '' };
  const bytes = Buffer.byteLength(`42${JSON.stringify([NAME, event])}`);
  event.padding = 'x'.repeat(Math.max(0, Number(process.argv[2]) - bytes));
  io.emit(NAME, event);
}, PUSH_MS);
http.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${http.address().port}/` })));
process.on('SIGTERM', () => process.exit());
