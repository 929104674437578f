// Alerts: how soon a webhook hears of one, and what it costs to go by many rules, against Prometheus with Alertmanager.

import { inTurns } from '../lib/rounds.mjs';
import { median, quantile } from '../lib/statistics.mjs';
import { startApplication } from './application.mjs';
import { GROUPS, INTERVAL_MS, peerVersion, withOurs, withPeer } from './contenders.mjs';
import { crossings } from './crossings.mjs';
import { evaluation } from './evaluation.mjs';
import { startReceiver } from './receiver.mjs';

const RULES = 10_000;
const LONG = { rounds: 3, crossings: 20, fewSeconds: 7, warmSeconds: 1, seconds: 20 };
const SHORT = { rounds: 1, crossings: 2, fewSeconds: 2, warmSeconds: 0, seconds: 3 };

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  const contenders = { ours: () => round(withOurs, form), peer: () => round(withPeer, form) };
  const taken = await inTurns('alerts', { short, together: true, ...form }, contenders);
  const of = (side, figure) => taken[side].map((result) => result[figure]);
  const delay = (side, since, share) => quantile(of(side, since).flat(), share);
  const webhook = (what, since, share, rest) => ({
    what: `webhook after the ${what}`,
    unit: 'ms',
    digits: 0,
    ours: delay('ours', since, share),
    peer: delay('peer', since, share),
    goal: { of: 'ratio', most: 1 },
    ...rest,
  });
  const few = (side) => median(of(side, 'few'));
  const all = form.rounds * form.crossings;
  return {
    rows: [
      webhook('crossing, p50', 'sinceCrossing', 0.5),
      webhook('crossing, p99', 'sinceCrossing', 0.99),
      {
        what: 'that p99, less one sample interval',
        unit: 'ms',
        digits: 0,
        ours: delay('ours', 'sinceCrossing', 0.99) - INTERVAL_MS,
        goal: { of: 'ours', most: 50 },
        // The few crossings of the short form may all come shortly before a sample.
        mayBeZero: true,
      },
      webhook('crossing sample, p50', 'sinceSample', 0.5, { digits: 1 }),
      webhook('crossing sample, p99', 'sinceSample', 0.99, { digits: 1 }),
      {
        what: `CPU of ${RULES} rules, a tick`,
        unit: 'ms',
        digits: 1,
        ours: median(of('ours', 'many')) - few('ours'),
        peer: median(of('peer', 'many')) - few('peer'),
        // The kernel counts in 10 ms, which a few ticks need not reach.
        mayBeZero: short,
      },
    ],
    about: [
      `a gauge of an application crosses ${form.crossings} thresholds, each of another rule, at random moments; ${form.rounds} rounds in turns,`,
      `  of ${all} crossings in all, so the p99 is about the longest; scraped every second, which is as often as ours can`,
      'crossing: when the gauge is another; crossing sample: when the first scrape that shows it is answered',
      `rules: over host and application, a series or two each, of which none fires; CPU time of the program over ${form.seconds} s`,
      `  a round, less that with few rules (${few('ours').toFixed(1)} ms a tick, of the peer ${few('peer').toFixed(1)} ms)`,
      'a tick is a second; in it ours goes by all rules twice, with the reading of the host and with that of the application',
      `peer: ${peerVersion()}, evaluating every second, group_wait 0s, group_interval 1s, no cluster;`,
      `  its rules are in ${GROUPS} groups, each evaluated at a part of the second that follows from its name`,
    ],
  };
}

async function round(withContender, form) {
  const application = await startApplication();
  const receiver = await startReceiver();
  try {
    return await withContender(application.url, receiver.url, async (contender) => {
      const told = await crossings(contender, application, receiver, form.crossings);
      return { ...told, ...(await evaluation(contender, application, receiver, RULES, form)) };
    });
  } finally {
    application.stop();
    receiver.stop();
  }
}
