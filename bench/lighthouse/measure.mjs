// Lighthouse's view of the pages, as on a desktop.

import lighthouse, { desktopConfig } from 'lighthouse';
import { withDashboard } from '../lib/dashboard.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median } from '../lib/statistics.mjs';
import { chromiumVersion, withChromium } from './chromium.mjs';

const PAGES = ['/', '/system'];
const ROUNDS = { long: 5, short: 1 };

const FIGURES = [
  { figure: 'performance', digits: 0, goal: { of: 'ours', least: 95 } },
  { figure: 'accessibility', digits: 0, goal: { of: 'ours', least: 100 } },
  { figure: 'LCP', unit: 'ms', digits: 0 },
  { figure: 'TBT', unit: 'ms', digits: 0, mayBeZero: true },
  { figure: 'CLS', digits: 3, mayBeZero: true },
];

export async function measure({ short }) {
  const rounds = short ? ROUNDS.short : ROUNDS.long;
  const taken = await withDashboard(({ url }) => {
    const visits = PAGES.map((page) => [page, () => visit(new URL(page, url).href)]);
    return inTurns('lighthouse', { short, rounds }, Object.fromEntries(visits));
  });
  const rows = PAGES.flatMap((page) =>
    FIGURES.map(({ figure, ...rest }) => {
      const ours = median(taken[page].map((result) => result[figure]));
      return { what: `lighthouse ${page}: ${figure}`, ours, ...rest };
    }),
  );
  const [{ version }] = taken[PAGES[0]];
  const run = `Lighthouse ${version}, desktop preset, ${chromiumVersion()}`;
  return { rows, about: [`${run}; an empty profile each run; median of ${rounds}, the pages in turns`] };
}

async function visit(url) {
  const { lhr } = await withChromium((port) =>
    lighthouse(url, { port, logLevel: 'error', onlyCategories: ['performance', 'accessibility'] }, desktopConfig),
  );
  if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.message}`);
  return {
    performance: lhr.categories.performance.score * 100,
    accessibility: lhr.categories.accessibility.score * 100,
    LCP: lhr.audits['largest-contentful-paint'].numericValue,
    TBT: lhr.audits['total-blocking-time'].numericValue,
    CLS: lhr.audits['cumulative-layout-shift'].numericValue,
    failed: failedAudits(lhr),
    version: lhr.lighthouseVersion,
  };
}

/** What costs points, for the log: the audits with a weight and less than the full score. */
function failedAudits(lhr) {
  const weighted = Object.values(lhr.categories).flatMap(({ auditRefs }) => auditRefs).filter(({ weight }) => weight > 0);
  const audits = weighted.map(({ id }) => lhr.audits[id]);
  return audits.filter(({ score }) => score !== null && score < 0.9).map(({ id }) => id);
}
