// A websocket of few instructions, so that thousands of them leave the machine to the server: text frames in, pongs out,
// nothing compressed or fragmented.

import net from 'node:net';

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** A mask of zeros leaves what it masks as it is. */
const MASK_BYTES = 4;

/** Opens `path` at `{host, port}`; calls `text(bytes)` of each message and, once, `end()`. `{send, destroy}`. */
export function openSocket({ host, port }, path, { text, end }) {
  const socket = net.connect({ host, port, noDelay: true });
  let rest = null;
  let isOpen = false;
  socket.on('connect', () => {
    const key = 'MDEyMzQ1Njc4OWFiY2RlZg==';
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
  });
  const frame = (kind, payload) => {
    const length = Math.min(payload.length, 126);
    const head = length < 126 ? [] : [payload.length >> 8, payload.length & 255];
    socket.write(Buffer.concat([Buffer.from([0x80 | kind, 0x80 | length, ...head]), Buffer.alloc(MASK_BYTES), payload]));
  };
  const take = (bytes) => {
    let at = 0;
    if (!isOpen) {
      const head = bytes.indexOf('\r\n\r\n');
      if (head < 0) return bytes;
      if (!bytes.toString('latin1', 0, 12).endsWith('101')) {
        socket.destroy();
        return null;
      }
      isOpen = true;
      at = head + 4;
    }
    while (bytes.length - at >= 2) {
      let length = bytes[at + 1] & 127;
      let start = at + 2;
      if (length === 126) {
        if (bytes.length - at < 4) break;
        length = bytes.readUInt16BE(start);
        start += 2;
      } else if (length === 127) {
        if (bytes.length - at < 10) break;
        length = Number(bytes.readBigUInt64BE(start));
        start += 8;
      }
      if (bytes.length < start + length) break;
      const kind = bytes[at] & 15;
      const payload = bytes.subarray(start, start + length);
      at = start + length;
      if (kind === TEXT) text(payload);
      else if (kind === PING) frame(PONG, payload);
      else if (kind === CLOSE) socket.destroy();
    }
    return at < bytes.length ? bytes.subarray(at) : null;
  };
  socket.on('data', (chunk) => {
    rest = take(rest ? Buffer.concat([rest, chunk]) : chunk);
  });
  socket.on('error', () => {});
  socket.on('close', end);
  return { send: (message) => frame(TEXT, Buffer.from(message)), destroy: () => socket.destroy() };
}
