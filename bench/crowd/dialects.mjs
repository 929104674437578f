// How a client of either server connects, goes on where it was, and reads a message.

/** Enough of a message to know what it is. */
const HEAD = 160;

const ours = {
  path: ({ seq }) => (seq ? `/api/v1/live?since=${seq}` : '/api/v1/live'),
  /**
   * `{ready, seq, resumed}` of a connection; `{seq, at}` of an event, with when it was made where that says something
   * of the way; of the peer also what it wants to hear, and what to come back with.
   */
  read: (bytes) => {
    const head = bytes.toString('latin1', 0, HEAD);
    const [, seq, event] = /^\{"seq":(\d+),"event":"([^"]+)"/.exec(head) ?? [];
    if (event === 'hello') return { ready: true, seq: Number(seq), resumed: head.includes('"resumed":true') };
    const at = event === 'metrics:system' ? /"data":\{"at":"([^"]+)"/.exec(head)?.[1] : undefined;
    return { seq: Number(seq), at: at && Date.parse(at) };
  },
  /** All clients get the same bytes. */
  isSame: true,
};

/** Engine.IO 4 with Socket.IO 5 in it, and the recovery of socket.io 4.6 and later. */
const peer = {
  path: () => '/socket.io/?EIO=4&transport=websocket',
  read: (bytes) => {
    const head = bytes.toString('latin1', 0, HEAD);
    if (head === '2') return { answer: '3' };
    if (head[0] === '0') return { greeted: true };
    if (head.startsWith('40')) return { ready: true, resumed: undefined, session: JSON.parse(bytes.toString('latin1', 2)).pid };
    const [, seq, at] = /^42\["metrics:system",\{"seq":(\d+),"at":(\d+)/.exec(head) ?? [];
    const offset = /"([^"]*)"\]$/.exec(bytes.toString('latin1', Math.max(0, bytes.length - 40)))?.[1];
    return { seq: Number(seq), at: Number(at), offset };
  },
  greet: ({ session, offset }) => (session && offset ? `40${JSON.stringify({ pid: session, offset })}` : '40'),
  isSame: false,
};

export const dialects = { ours, peer };
