// Bytes of the page over the wire, as really served.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { withDashboard } from '../lib/dashboard.mjs';
import { load } from '../lib/page.mjs';
import { root } from '../lib/programs.mjs';

const KILOBYTE = 1000;
/** A name made of what is in the file, so that it may be cached for ever. */
const HASHED = /[.-][\w-]{16,}\.(wasm|js|css)$/;

const ROWS = [
  { kind: 'wasm', what: 'WASM', most: 250 },
  { kind: 'echarts', what: 'ECharts', most: 215 },
  { kind: 'glue', what: "WASM's JavaScript" },
  { kind: 'page', what: 'script that starts it' },
  { kind: 'style', what: 'CSS' },
  { kind: 'html', what: 'HTML of /' },
  { kind: 'font', what: 'font' },
];

export async function measure() {
  const files = await withDashboard(({ url }) => load(url));
  const full = fullEcharts();
  const rows = ROWS.map(({ kind, what, most }) => {
    check(kind, files[kind]);
    return weight(`weight: ${what}`, files[kind].body.length, {
      peer: kind === 'echarts' ? full.bytes / KILOBYTE : undefined,
      goal: most && { of: 'ours', most },
    });
  });
  const all = ROWS.reduce((sum, { kind }) => sum + files[kind].body.length, 0);
  return {
    rows: [...rows, weight('weight: all of /', all)],
    about: [
      'bytes of the bodies with Accept-Encoding: br (fonts are compressed in themselves); 1 KB is 1000 bytes',
      'WASM, scripts and CSS were seen to come in brotli, under a name with a hash, to be cached for ever',
      `peer: the whole of echarts ${full.version} (dist/echarts.min.js) in brotli of the highest quality`,
    ],
  };
}

const weight = (what, bytes, rest) => ({ what, unit: 'KB', digits: 1, ours: bytes / KILOBYTE, ...rest });

function check(kind, { path: name, headers }) {
  const encoding = headers['content-encoding'];
  if (kind !== 'font' && encoding !== 'br') throw new Error(`${name} was served in '${encoding}' and not in brotli`);
  if (kind === 'html' || kind === 'font') return;
  const cache = headers['cache-control'] ?? '';
  const seconds = Number(/max-age=(\d+)/.exec(cache)?.[1]);
  if (!cache.includes('immutable') || !(seconds >= 31_536_000)) throw new Error(`${name} is cached '${cache}'`);
  if (!HASHED.test(name)) throw new Error(`${name} has no hash in its name`);
}

/** The chart library as it comes from npm; the build of ours has fetched it. */
function fullEcharts() {
  const folder = path.join(root, 'frontend/echarts/node_modules/echarts');
  const file = path.join(folder, 'dist/echarts.min.js');
  if (!existsSync(file)) throw new Error(`${file} is not there: run scripts/setup.sh bench first`);
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return { version, bytes: brotliCompressSync(readFileSync(file), { params }).length };
}
