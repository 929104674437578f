// Figures taken while somebody compiles are worthless: this waits for quiet.

import { setTimeout as sleep } from 'node:timers/promises';
import { names } from './processes.mjs';

const COMPILERS = new Set(['rustc', 'cc1', 'cc1plus', 'ld', 'lld', 'rust-lld', 'mold', 'wasm-opt', 'esbuild']);
const PATIENCE_SECONDS = 300;

let noisyRounds = 0;

const noisy = () => names().some((name) => COMPILERS.has(name));

/** Waits until nobody compiles, or notes that somebody went on and on. */
export async function quiet() {
  const end = Date.now() + PATIENCE_SECONDS * 1000;
  // Between two compiler runs of one build there are moments of quiet.
  for (let calm = 0; calm < 3; await sleep(calm < 3 ? 1000 : 0)) {
    calm = noisy() ? 0 : calm + 1;
    if (Date.now() > end) return void (noisyRounds += 1);
  }
}

/** Notes a compiler that came up while a round was measured. */
export function noteNoise() {
  if (noisy()) noisyRounds += 1;
}

export const noise = () => noisyRounds;
