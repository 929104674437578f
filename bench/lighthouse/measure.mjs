// Lighthouse's view of every page, as on a desktop and as on a phone, and of the peer's page beside the overview.

import lighthouse, { defaultConfig, desktopConfig } from 'lighthouse';
import { chromiumVersion, withChromium } from '../lib/chromium.mjs';
import { get } from '../lib/http.mjs';
import { inTurns } from '../lib/rounds.mjs';
import { median } from '../lib/statistics.mjs';
import { withBothPages } from '../page/pages.mjs';
import { peerPageVersion } from '../page/peer.mjs';

const LONG = { presets: { desktop: 5, mobile: 3 } };
/** One of the pages, and what Lighthouse does anyway. */
const SHORT = { presets: { desktop: 1 }, pages: 1 };
const CONFIGS = { desktop: desktopConfig, mobile: defaultConfig };
const CATEGORIES = ['performance', 'accessibility', 'best-practices'];
/** Now and then Chromium's trace lacks its beginning, and nothing was measured. */
const AGAIN = { code: 'NO_NAVSTART', attempts: 3 };
const OVERVIEW = '/';
const PEER = 'peer';

export async function measure({ short }) {
  const form = short ? SHORT : LONG;
  const taken = await withBothPages((dashboard, peer) => visits(dashboard, peer, form, short), { filled: true });
  return report(taken, form);
}

/** `{desktop: {'/': [...], ..., peer: [...]}, mobile: {...}}` */
async function visits(dashboard, peer, { presets, pages: most }, short) {
  const pages = (await pagesOf(dashboard)).slice(0, most);
  const addresses = [...pages.map((page) => [page, new URL(page, dashboard.url).href]), [PEER, peer.url]];
  const taken = {};
  for (const [preset, rounds] of Object.entries(presets)) {
    const visits = addresses.map(([page, address]) => [page, () => visit(address, preset)]);
    taken[preset] = await inTurns(`lighthouse, ${preset}`, { short, rounds }, Object.fromEntries(visits));
  }
  return taken;
}

/** The pages that the navigation of the overview leads to. */
async function pagesOf({ url }) {
  const { body } = await get(url);
  const navigation = /<nav\b[^>]*\bclass="pages".*?<\/nav>/s.exec(body.toString());
  const links = [...(navigation?.[0] ?? '').matchAll(/href="([^"?]+)/g)].map(([, link]) => link);
  const pages = links.map((link) => new URL(link, url).pathname);
  if (!pages.includes(OVERVIEW)) throw new Error('the navigation of the overview could not be read');
  return pages;
}

async function visit(address, preset, attempt = 1) {
  const flags = (port) => ({ port, logLevel: 'error', onlyCategories: CATEGORIES });
  const { lhr } = await withChromium((port) => lighthouse(address, flags(port), CONFIGS[preset]));
  if (lhr.runtimeError?.code === AGAIN.code && attempt < AGAIN.attempts) return visit(address, preset, attempt + 1);
  if (lhr.runtimeError) throw new Error(`${address}: ${lhr.runtimeError.message}`);
  return {
    ...Object.fromEntries(CATEGORIES.map((category) => [category, lhr.categories[category].score * 100])),
    LCP: lhr.audits['largest-contentful-paint'].numericValue,
    TBT: lhr.audits['total-blocking-time'].numericValue,
    CLS: lhr.audits['cumulative-layout-shift'].numericValue,
    failed: failedAudits(lhr),
    moved: (lhr.audits['layout-shifts'].details?.items ?? []).map(({ node, score }) => [node?.snippet, score]),
    version: lhr.lighthouseVersion,
  };
}

/** What costs points, for the log, beside what has `moved`: the audits with a weight and less than the full score. */
function failedAudits(lhr) {
  const weighted = Object.values(lhr.categories).flatMap(({ auditRefs }) => auditRefs).filter(({ weight }) => weight > 0);
  const audits = weighted.map(({ id }) => lhr.audits[id]);
  return audits.filter(({ score }) => score !== null && score < 0.9).map(({ id }) => id);
}

function report(taken, { presets }) {
  const { desktop, mobile } = taken;
  const pages = Object.keys(desktop).filter((page) => page !== PEER);
  const of = (visits, figure) => median(visits.map((visit) => visit[figure]));
  const scores = (page) => [
    ...CATEGORIES.map((category) => ({
      what: `lighthouse ${page}: ${category.replace('-', ' ')}`,
      digits: 0,
      ours: of(desktop[page], category),
      goal: { of: 'ours', least: 100 },
    })),
    ...(mobile ? [least(page)] : []),
  ];
  const least = (page) => ({
    what: `lighthouse ${page}: mobile, the least of the three`,
    digits: 0,
    ours: Math.min(...CATEGORIES.map((category) => of(mobile[page], category))),
    goal: { of: 'ours', least: 95 },
  });
  const shift = (page) => ({
    what: `lighthouse ${page}: CLS`,
    digits: 4,
    ours: of(desktop[page], 'CLS'),
    peer: page === OVERVIEW ? of(desktop[PEER], 'CLS') : undefined,
    goal: { of: 'ours', most: 0 },
    mayBeZero: true,
  });
  const beside = (preset, figure) => ({
    what: `lighthouse ${OVERVIEW}: ${figure}, ${preset}`,
    unit: 'ms',
    digits: 0,
    ours: of(taken[preset][OVERVIEW], figure),
    peer: of(taken[preset][PEER], figure),
    mayBeZero: true,
  });
  const [{ version }] = desktop[OVERVIEW];
  const rounds = Object.entries(presets).map(([preset, number]) => `${preset} ${number}`);
  const peerScores = CATEGORIES.map((category) => of(desktop[PEER], category).toFixed(0));
  return {
    rows: [
      ...pages.flatMap((page) => [...scores(page), shift(page)]),
      ...Object.keys(presets).flatMap((preset) => ['LCP', 'TBT'].map((figure) => beside(preset, figure))),
    ],
    about: [
      `Lighthouse ${version}, ${chromiumVersion()}; an empty profile each visit; medians of ${rounds.join(', ')}; pages in turns`,
      'all pages of the navigation, with an application, business events and an hour of samples; CLS is of the desktop preset',
      `peer: ${peerPageVersion()} (bench/page/peer): the five panels on one page, the same values, charts over a quarter of an hour;`,
      `  its scores on the desktop preset: ${peerScores.join(', ')}`,
    ],
  };
}
