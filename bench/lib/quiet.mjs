// Figures taken while the machine does something else are worthless: this waits for quiet, and notes where there was none.

import { setTimeout as sleep } from 'node:timers/promises';
import { foreignCpuSeconds } from './processes.mjs';

/** Of one core, that processes may use which are not the bench's. */
const QUIET_SHARE = 0.1;
/** Between two runs of a compiler there are moments of quiet. */
const QUIET_SECONDS = 3;
const PATIENCE_SECONDS = 300;

let noisyRounds = 0;

/** What `measure` gives, once it is quiet or after a while all the same; the short form does not wait. */
export async function quietly(short, measure) {
  if (short) return measure();
  await untilQuiet();
  const share = watch();
  const result = await measure();
  if (share() > QUIET_SHARE) noisyRounds += 1;
  return result;
}

async function untilQuiet() {
  const end = Date.now() + PATIENCE_SECONDS * 1000;
  for (let seconds = 0; seconds < QUIET_SECONDS && Date.now() < end; ) {
    const share = watch();
    await sleep(1000);
    seconds = share() > QUIET_SHARE ? 0 : seconds + 1;
  }
}

/** From now on: the share of one core that others use. */
function watch() {
  const [time, before] = [performance.now(), foreignCpuSeconds()];
  return () => (foreignCpuSeconds() - before) / ((performance.now() - time) / 1000);
}

export const noise = () => noisyRounds;
