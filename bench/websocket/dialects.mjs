// How the two servers are spoken to: ours in plain text frames, the peer in Engine.IO 4 and Socket.IO 5 framing.

export const dialects = {
  ours: {
    path: '/api/v1/live',
    greeting: undefined,
    answer: () => undefined,
    isEvent: (text) => text.includes('"event":"metrics:system"'),
  },
  peer: {
    path: '/socket.io/?EIO=4&transport=websocket',
    greeting: '40',
    answer: (text) => (text === '2' ? '3' : undefined),
    isEvent: (text) => text.startsWith('42["metrics:system"'),
  },
};
