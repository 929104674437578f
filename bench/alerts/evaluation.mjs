// What it costs to hold every reading against many rules.

import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds } from '../lib/processes.mjs';
import { many } from './rules.mjs';

/**
 * Milliseconds of CPU time of the program a tick, `{few, many}`: with the rules that it has and with `number` rules. A
 * tick is a scrape, one a second.
 */
export async function evaluation({ pid, use, canTell }, application, receiver, number, form) {
  const perTick = async (seconds) => {
    const [cpu, scrapes] = [cpuSeconds(pid), application.scrapes()];
    await sleep(seconds * 1000);
    return ((cpuSeconds(pid) - cpu) * 1000) / (application.scrapes() - scrapes);
  };
  const few = await perTick(form.fewSeconds);
  const rules = many(number);
  await use(rules);
  await sleep(form.warmSeconds * 1000);
  const taken = { few, many: await perTick(form.seconds) };
  // It is worth nothing if they were not evaluated.
  await canTell();
  application.climb();
  await receiver.told(rules.at(-1).name, 'firing');
  return taken;
}
