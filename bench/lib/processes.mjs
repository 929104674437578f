// Processes: how one is started and ended, and what it uses. Whatever is started here is ended with the bench.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './statistics.mjs';

const STOP_SECONDS = 30;
// The kernel shows CPU time in these units on every architecture (USER_HZ).
const TICKS_PER_SECOND = 100;
/** PF_KTHREAD in the kernel's include/linux/sched.h. */
const KERNEL_THREAD = 0x00200000;

const running = new Set();
let ending = false;

/** Starts a program that may hold as many connections as the machine allows. */
export function start(command, args = [], options = {}) {
  if (ending) throw new Error('the bench is being ended');
  const stdio = options.stdio ?? ['ignore', 'pipe', 'pipe'];
  const child = spawn('bash', ['-c', 'ulimit -n "$(ulimit -Hn)"; exec "$@"', 'bash', command, ...args], {
    ...options,
    stdio,
  });
  const started = { child, pid: child.pid, said: [] };
  running.add(started);
  child.once('exit', () => running.delete(started));
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', (line) => remember(started, line));
  }
  return started;
}

function remember(started, line) {
  started.said.push(line);
  if (started.said.length > 200) started.said.shift();
  started.child.emit('line', line);
}

/** Waits for the first line, said by then or later, of which `find` makes something. */
export async function said(started, find, seconds = 60) {
  for (const line of started.said) {
    const found = find(line);
    if (found !== undefined) return found;
  }
  return new Promise((resolve, reject) => {
    const fail = (why) => {
      settle();
      reject(new Error([`${started.child.spawnargs[4]} ${why}`, ...started.said.slice(-10)].join('\n  ')));
    };
    const look = (line) => {
      const found = find(line);
      if (found === undefined) return;
      settle();
      resolve(found);
    };
    const ended = (code, signal) => fail(`ended with ${signal ?? code}`);
    const timer = setTimeout(() => fail(`did not come up in ${seconds} s`), seconds * 1000);
    const settle = () => {
      clearTimeout(timer);
      started.child.off('line', look).off('exit', ended);
    };
    started.child.on('line', look).once('exit', ended);
  });
}

/** Ends a process gently, or after a while not gently. */
export async function stop({ child }) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS * 1000);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

/** Ends all, and nothing is started any more. */
export async function end() {
  ending = true;
  await Promise.all([...running].map(stop));
}

/** Resident memory, in bytes. */
export function residentBytes(pid) {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kibibytes[1]) * 1024;
}

/** Memory with its share of what others have, too, in bytes: PSS, see proc_pid_smaps(5). 0 where it is gone. */
export function proportionalBytes(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB$/m.exec(text)[1]) * 1024;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(error.code)) return 0;
    throw error;
  }
}

/** The same with that of all its descendants. */
export function proportionalBytesOfAll(pid) {
  const family = processes().filter((process) => process.ancestry.has(pid));
  return family.reduce((bytes, process) => bytes + proportionalBytes(process.pid), 0);
}

/** The same over a push or two, for it breathes with them: the median of so many readings. */
export async function settledBytes(pid, readings = 20) {
  const taken = [];
  for (let i = 0; i < readings; i += 1) {
    taken.push(residentBytes(pid));
    await sleep(200);
  }
  return median(taken);
}

/** CPU time since the start, user and system together. */
export function cpuSeconds(pid) {
  return stat(pid).cpu;
}

/** The same with that of all its descendants, also of those that have ended. */
export function cpuSecondsOfAll(pid) {
  return cpuOf(processes().filter((process) => process.ancestry.has(pid)));
}

/** The same of all that the bench did not start; without the kernel's threads, which may work for it. */
export function foreignCpuSeconds() {
  return cpuOf(processes().filter(({ ancestry, flags }) => !ancestry.has(process.pid) && !(flags & KERNEL_THREAD)));
}

const cpuOf = (processes) => processes.reduce((sum, { cpu, ended }) => sum + cpu + ended, 0);

/** All of this machine, with their `ancestry`: the ids of each and of all whose child it is. */
function processes() {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  const all = new Map(pids.map(Number).map((pid) => [pid, stat(pid)]).filter(([, found]) => found));
  const ancestry = (pid) => (all.has(pid) ? [pid, ...ancestry(all.get(pid).parent)] : []);
  return [...all].map(([pid, found]) => ({ ...found, pid, ancestry: new Set(ancestry(pid)) }));
}

/** `{parent, flags, cpu, ended}`, `ended` being the CPU time of children that are no more; undefined where it is gone. */
function stat(pid) {
  let text;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The fields after the name, which is in parentheses and may hold anything: proc(5).
  const fields = text.split(') ').at(-1).split(' ').map(Number);
  const [, parent, , , , , flags] = fields;
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map((ticks) => ticks / TICKS_PER_SECOND);
  return { parent, flags, cpu: user + system, ended: endedUser + endedSystem };
}
