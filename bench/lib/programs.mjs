// Where the built programs are: in this checkout, or in the folder that PROGRAMS names, where nothing is built.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { log } from './log.mjs';

export const root = path.resolve(import.meta.dirname, '../..');
const given = process.env.PROGRAMS;
const folder = given ? path.resolve(given) : path.join(root, 'target/release');

export function program(name) {
  const file = path.join(folder, name);
  const remedy = given ? 'PROGRAMS has to name a folder with it' : 'run scripts/build.sh first';
  if (!existsSync(file)) throw new Error(`${file} is not there: ${remedy}`);
  return file;
}

/** An example, built first. */
export async function example(name) {
  if (!given) {
    log(`building the example ${name}`);
    await promisify(execFile)(path.join(root, 'scripts/examples.sh'), [name], { maxBuffer: 2 ** 26 });
  }
  return program(path.join('examples', name));
}
