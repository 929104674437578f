// How soon a webhook hears that a value has crossed a threshold.

import { setTimeout as sleep } from 'node:timers/promises';
import { INTERVAL_MS } from './contenders.mjs';
import { ladder } from './rules.mjs';

/**
 * Milliseconds until the request arrives, of so many crossings, `{sinceCrossing: [...], sinceSample: [...]}`: from when
 * the value is another, and from when the first scrape that shows it is answered. Each crossing is of a rule of its own,
 * for both may wait before they tell of one alert again. In the end nothing fires.
 */
export async function crossings({ use, canTell }, application, receiver, number) {
  const rules = ladder(number + 1);
  await use(rules);
  await canTell();
  const crossed = [];
  for (const { name } of rules) {
    crossed.push(application.climb());
    // The first one shows that all are up.
    if (crossed.length === 1) await receiver.told(name, 'firing');
    // At any moment between two samples.
    await sleep(Math.random() * INTERVAL_MS);
  }
  const told = await Promise.all(rules.map(({ name }) => receiver.told(name, 'firing')));
  application.fall();
  await Promise.all(rules.map(({ name }) => receiver.told(name, 'resolved')));
  const counted = rules.map((_, i) => i).slice(1);
  return {
    sinceCrossing: counted.map((i) => told[i] - crossed[i]),
    sinceSample: counted.map((i) => told[i] - application.carried(i + 1)),
  };
}
