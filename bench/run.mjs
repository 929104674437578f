// node bench/run.mjs [--short] [name...]: takes the measurements, all or the named, and prints one table.
//
// --short: a small form of each that only asserts that numbers come out, for CI.

import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { log } from './lib/log.mjs';
import { end } from './lib/processes.mjs';
import { buildExamples } from './lib/programs.mjs';
import { noise } from './lib/quiet.mjs';
import { faults, met, table } from './lib/table.mjs';

/** Most of the time of a short form is waiting; figures are taken alone. */
const AT_ONCE = { short: 3, long: 1 };
const NAMES = [
  'weight',
  'sample',
  'history',
  'ingest',
  'alerts',
  'layer',
  'websocket',
  'crowd',
  'lighthouse',
  'page',
  'heap',
  'memory',
  'start',
  'product',
];

const { values, positionals } = parseArgs({ options: { short: { type: 'boolean' } }, allowPositionals: true });
const short = values.short ?? false;
const unknown = positionals.find((name) => !NAMES.includes(name));
if (unknown) {
  log(`there is no measurement '${unknown}': choose from ${NAMES.join(', ')}`);
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await end();
    process.exit(130);
  });
}

const names = NAMES.filter((name) => !positionals.length || positionals.includes(name));
await buildExamples(names);
const all = new Map();
const waiting = [...names];
const inARow = async () => {
  for (let name = waiting.shift(); name; name = waiting.shift()) all.set(name, await taken(name));
};
await Promise.all(Array.from({ length: short ? AT_ONCE.short : AT_ONCE.long }, inARow));
const of = (part) => names.flatMap((name) => all.get(name)[part]);
const rows = of('rows');
const failures = of('failures');

console.log(table(rows, { judge: !short }));
console.log(`\nwhat was run`);
for (const line of [host(), ...of('about')]) console.log(`  ${line}`);
if (noise()) console.log(`  NOISY: in ${noise()} rounds something else used more than a tenth of a core; those figures say little`);
if (short) console.log('  short form: the numbers above are signs of life, not figures');
const missed = rows.filter((row) => met(row) === false);
if (!short && missed.length) console.log(`\ngoals missed: ${missed.map((row) => row.what).join('; ')}`);
for (const failure of failures) console.log(`\nFAILED ${failure}`);
process.exit(failures.length ? 1 : 0);

async function taken(name) {
  const start = Date.now();
  try {
    const { measure } = await import(`./${name}/measure.mjs`);
    const { rows, about } = await measure({ short });
    return { rows, about: about.map((line) => `${name}: ${line}`), failures: rows.flatMap(faults) };
  } catch (error) {
    return { rows: [], about: [], failures: [`${name} could not be taken: ${error.stack}`] };
  } finally {
    log(`${name}: ${Math.round((Date.now() - start) / 1000)} s`);
  }
}

function host() {
  const [cpu] = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  const machine = `${os.cpus().length} cores (${cpu.model.trim()}), ${memory} GiB, Linux ${os.release()}`;
  return `host: ${machine}, Node ${process.versions.node}; checkout ${revision()}`;
}

function revision() {
  try {
    const git = ['describe', '--always', '--dirty'];
    return execFileSync('git', git, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'without git';
  }
}
