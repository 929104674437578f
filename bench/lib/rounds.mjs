// Rounds of ours and the peer's in turns, so that whatever else the machine does meets both alike.

import { log } from './log.mjs';
import { quietly } from './quiet.mjs';

/**
 * Runs every contender once a round: `{ours: [...], peer: [...]}`. In the short form those that do not mind run
 * `together`, for most of their time is waiting.
 */
export async function inTurns(name, { rounds, short, together = false }, contenders) {
  if (short && together) return atOnce(name, contenders);
  const results = Object.fromEntries(Object.keys(contenders).map((contender) => [contender, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [contender, measure] of Object.entries(contenders)) {
      const result = await quietly(short, measure);
      results[contender].push(result);
      log(`${name}: ${contender}, round ${round} of ${rounds}: ${JSON.stringify(result)}`);
    }
  }
  return results;
}

async function atOnce(name, contenders) {
  const one = async ([contender, measure]) => {
    const result = await measure();
    log(`${name}: ${contender}: ${JSON.stringify(result)}`);
    return [contender, [result]];
  };
  return Object.fromEntries(await Promise.all(Object.entries(contenders).map(one)));
}
