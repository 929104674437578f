// node end2end/pm2.mjs DIRECTORY: runs both processes under PM2 by the ecosystem.config.js of an unpacked tarball.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const [collector, dashboard] = ["recipe-monitoring-collector", "recipe-monitoring-dashboard"];
const config = join(resolve(process.argv[2]), "ecosystem.config.js");
const program = fileURLToPath(new URL("node_modules/.bin/pm2", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "rm-pm2-"));
// As root, PostgreSQL runs as another user, who has to get in.
chmodSync(home, 0o755);

const port = await new Promise((found) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => found(port));
  });
});
const url = `http://127.0.0.1:${port}/`;
const env = {
  PATH: process.env.PATH,
  HOME: home,
  PM2_HOME: join(home, "pm2"),
  LOG_DIR: join(home, "logs"),
  // It looks at the memory twice a second instead of twice a minute.
  PM2_WORKER_INTERVAL: "500",
  PM2_DISABLE_VERSION_CHECK: "true",
  PM2_NO_INTERACTION: "true",
  RECIPE_MONITORING_STORAGE__DATA_DIR: join(home, "data"),
  RECIPE_MONITORING_SERVER__ADDRESS: `127.0.0.1:${port}`,
};

const pm2 = async (args, more = {}) =>
  (await promisify(execFile)(program, args, { cwd: home, env: { ...env, ...more }, maxBuffer: 2 ** 26 })).stdout;

/** Its state by PM2: pid, and within pm2_env status, restart_time and more. */
const state = async (name) => JSON.parse((await pm2(["jlist"])).replace(/^[^[]*/, "")).find((app) => app.name === name);

async function until(what, found) {
  for (const end = Date.now() + 60_000; ; await pause(200)) {
    const result = await found();
    if (result) return result;
    if (Date.now() > end) throw new Error(`not within a minute: ${what}`);
  }
}

const ready = () => fetch(new URL("readyz", url)).then((answer) => answer.ok, () => false);
/** A zombie that nobody waits for does not: it has no program. */
const runs = (pid) => existsSync(`/proc/${pid}/exe`);

async function test() {
  await pm2(["start", config]);
  await until("both are ready", ready);
  for (const name of [collector, dashboard]) assert.equal((await state(name)).pm2_env.status, "online", name);

  const logs = await pm2(["logs", "--nostream", "--lines", "100"]);
  for (const said of ['"message":"collecting"', '"message":"serving"']) assert.ok(logs.includes(said), `${said} is not in ${logs}`);
  assert.match(readFileSync(join(env.LOG_DIR, `${dashboard}-error.log`), "utf8"), /"message":"serving"/);

  const { pid } = await state(dashboard);
  await pm2(["restart", dashboard]);
  assert.notEqual((await state(dashboard)).pid, pid);
  assert.ok(!runs(pid));
  await until("the dashboard is back", ready);

  const stopped = (await state(collector)).pid;
  await pm2(["stop", collector]);
  assert.equal((await state(collector)).pm2_env.status, "stopped");
  assert.ok(!runs(stopped));
  await until("the dashboard says that nothing is sampled", async () => !(await ready()));
  await pm2(["start", collector]);
  await until("both are ready again", ready);

  // Past its memory it is started anew: no program does with a megabyte.
  await pm2(["delete", "all"]);
  await pm2(["start", config, "--only", dashboard], { MAX_MEMORY: "1M" });
  await until("a restart for want of memory", async () => (await state(dashboard)).pm2_env.restart_time > 0);
}

try {
  await test();
  console.log("both run under PM2");
} finally {
  const daemon = join(env.PM2_HOME, "pm2.pid");
  const pid = existsSync(daemon) && readFileSync(daemon, "utf8").trim();
  await pm2(["kill"]);
  if (pid) await until("PM2 itself has ended", () => !runs(pid));
  rmSync(home, { recursive: true, force: true });
}
