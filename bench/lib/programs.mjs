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

/** The examples that measurements run. */
const EXAMPLES = { sample: ['sample'], history: ['history'], layer: ['layer', 'recipe_api'], websocket: ['floor'] };

/** Builds the examples of these measurements, before any of them begins. */
export async function buildExamples(measurements) {
  const examples = measurements.flatMap((name) => EXAMPLES[name] ?? []);
  if (given || !examples.length) return;
  log(`building the examples ${examples.join(', ')}`);
  await promisify(execFile)(path.join(root, 'scripts/examples.sh'), examples, { maxBuffer: 2 ** 26 });
}

export const example = (name) => program(path.join('examples', name));
