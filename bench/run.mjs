// node bench/run.mjs [--short] [name...]: takes the measurements, all or the named, and prints one table.
//
// --short: a small form of each that only asserts that numbers come out, for CI.

import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { log } from './lib/log.mjs';
import { end } from './lib/processes.mjs';
import { noise } from './lib/quiet.mjs';
import { faults, met, table } from './lib/table.mjs';

const NAMES = ['weight', 'sample', 'history', 'ingest', 'alerts', 'layer', 'websocket', 'lighthouse', 'memory'];

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

const rows = [];
const about = [];
const failures = [];
for (const name of NAMES.filter((name) => !positionals.length || positionals.includes(name))) {
  const start = Date.now();
  try {
    const { measure } = await import(`./${name}/measure.mjs`);
    const taken = await measure({ short });
    rows.push(...taken.rows);
    about.push(...taken.about.map((line) => `${name}: ${line}`));
    failures.push(...taken.rows.flatMap(faults));
  } catch (error) {
    failures.push(`${name} could not be taken: ${error.stack}`);
  }
  log(`${name}: ${Math.round((Date.now() - start) / 1000)} s`);
}

console.log(table(rows, { judge: !short }));
console.log(`\nwhat was run`);
for (const line of [host(), ...about]) console.log(`  ${line}`);
if (noise()) console.log(`  NOISY: in ${noise()} rounds something else used more than a tenth of a core; those figures say little`);
if (short) console.log('  short form: the numbers above are signs of life, not figures');
const missed = rows.filter((row) => met(row) === false);
if (!short && missed.length) console.log(`\ngoals missed: ${missed.map((row) => row.what).join('; ')}`);
for (const failure of failures) console.log(`\nFAILED ${failure}`);
process.exit(failures.length ? 1 : 0);

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
