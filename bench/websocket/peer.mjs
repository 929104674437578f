// The peer: a plain socket.io 4 server that sends one event to all every 2 s. node peer.mjs EVENT BYTES
//
// EVENT is one of ours as JSON; it is padded so that the frame on the wire has BYTES, the size of ours.

import { createServer } from 'node:http';
import { Server } from 'socket.io';

const PUSH_MS = 2000;
const NAME = 'metrics:system';

const { seq, at, data } = JSON.parse(process.argv[2]);
const event = { seq, at, data, padding: '' };
const bytes = () => Buffer.byteLength(`42${JSON.stringify([NAME, event])}`);
event.padding = 'x'.repeat(Math.max(0, Number(process.argv[3]) - bytes()));

const http = createServer();
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });
http.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${http.address().port}/` })));
setInterval(() => io.emit(NAME, event), PUSH_MS);
process.on('SIGTERM', () => process.exit());
