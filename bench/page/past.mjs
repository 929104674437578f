// A past for graphs to show, so that nobody has to wait until it has gone by: the same for ours and the peer.

/** `[{at, ...}]`: `number` points over `seconds`, the last at `to`, like `sample` but each with other numbers. */
export function past(sample, { number, seconds, to }) {
  return Array.from({ length: number }, (_, place) => {
    const at = to - ((number - 1 - place) / number) * seconds * 1000;
    return { ...wave(sample, place), at: new Date(at).toISOString() };
  });
}

/** Two waves, a slow and a fast one, between half of a number and the number itself. */
function wave(sample, place) {
  const share = 0.75 + 0.15 * Math.sin(place / 97) + 0.1 * Math.sin(place * 2.3);
  const numbers = Object.entries(sample).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(numbers.map(([name, value]) => [name, (value || 1) * share]));
}
