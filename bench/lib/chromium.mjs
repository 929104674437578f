// Chromium, new for every run: an empty profile, and nothing to be reached but this machine.

import { execFileSync } from 'node:child_process';
import { launch } from 'chrome-launcher';
import { removeDirectory, temporaryDirectory } from './temporary.mjs';

const PROGRAM = process.env.CHROMIUM || '/usr/bin/chromium';

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** Runs `use` with the debugging port of a new Chromium. */
export async function withChromium(use) {
  const userDataDir = temporaryDirectory('chromium');
  const chromium = await launch({ chromePath: PROGRAM, chromeFlags: FLAGS, userDataDir, handleSIGINT: false });
  const ended = new Promise((resolve) => chromium.process.once('exit', resolve));
  const interrupted = () => chromium.kill();
  process.once('exit', interrupted);
  try {
    return await use(chromium.port);
  } finally {
    process.off('exit', interrupted);
    chromium.kill();
    await ended;
    removeDirectory(userDataDir);
  }
}

export function chromiumVersion() {
  const version = execFileSync(PROGRAM, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return version.trim().replace(/ built on.*/, '');
}
