// Directories that are gone when the bench is.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const directories = new Set();
process.once('exit', () => directories.forEach(removeDirectory));

/** Enterable by all: as root the program runs PostgreSQL as a user of lesser rights. */
export function temporaryDirectory(name) {
  const directory = mkdtempSync(path.join(tmpdir(), `recipe-monitoring-bench-${name}-`));
  directories.add(directory);
  chmodSync(directory, 0o755);
  return directory;
}

export function removeDirectory(directory) {
  rmSync(directory, { recursive: true, force: true });
  directories.delete(directory);
}
