// The built product under test, and the fixtures that give every test a page on it.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test as base, expect, type Locator } from "@playwright/test";

const programs = process.env.PROGRAMS ?? resolve(dirname(fileURLToPath(import.meta.url)), "../../target/release");
const program = join(programs, "recipe-monitoring-dashboard");
export const collector = join(programs, "recipe-monitoring-collector");

/** What the machine of the tests is at is no business of theirs. */
const hostRules = ["HighCPU", "CriticalCPU", "HighMemory", "CriticalMemory", "HighDisk", "CriticalDisk"];

export class Dashboard {
  readonly directory = mkdtempSync(join(tmpdir(), "rm-end2end-"));
  url = "";
  #process?: ChildProcess;

  constructor() {
    // As root, PostgreSQL runs as another user, who has to get in.
    chmodSync(this.directory, 0o755);
    this.rules("");
  }

  /** Writes its rules, which it reads anew when they change; those of the host are off unless named here. */
  rules(text: string) {
    const off = hostRules.filter((name) => !text.includes(`"${name}"`)).map((name) => `[[rule]]\nalert = "${name}"\nenabled = false\n`);
    writeFileSync(this.#rules, `${text}\n${off.join("")}`);
  }

  /** What it is started with, and a collector beside it. */
  get settings() {
    return ["--data-dir", join(this.directory, "data"), "--set", `alerts.rules=${this.#rules}`];
  }

  get #rules() {
    return join(this.directory, "rules.toml");
  }

  /** Starts the program; a second start listens where the first did. */
  async start(more: string[] = []) {
    const address = this.url ? new URL(this.url).host : "127.0.0.1:0";
    const child = spawn(program, ["--address", address, ...this.settings, ...more], {
      cwd: this.directory,
      env: { PATH: process.env.PATH },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    const log: string[] = [];
    const serving = new Promise<string>((found, failed) => {
      createInterface({ input: child.stderr }).on("line", (line) => {
        log.push(line);
        const url = /"message":"serving","url":"([^"]+)"/.exec(line)?.[1];
        if (url) found(url);
      });
      child.once("exit", () => failed(new Error(`the dashboard ended:\n${log.join("\n")}`)));
    });
    this.url = await serving;
  }

  /** Ends the program; waits until it and its servers are gone. */
  async stop(signal: NodeJS.Signals = "SIGTERM") {
    const child = this.#process;
    this.#process = undefined;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, "exit");
    }
  }

  async remove() {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #ready() {
    const current = await fetch(new URL("api/v1/current", this.url));
    return ((await current.json()) as { system: unknown }).system !== null;
  }

  /** Where its PostgreSQL is. */
  databaseUrl() {
    return this.#setting("DATABASE_URL");
  }

  /** Where its Redis is. */
  redisUrl() {
    return this.#setting("REDIS_URL");
  }

  #setting(name: string) {
    const settings = execFileSync(collector, ["env", "--data-dir", join(this.directory, "data")], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new RegExp(`^${name}=(.*)$`, "m").exec(settings)?.[1] ?? "";
  }

  /** Lets its PostgreSQL stand still, in the middle of whatever it does; answers how to let it go on. */
  pausePostgresql() {
    const postmaster = readFileSync(join(this.directory, "data/postgres/postmaster.pid"), "utf8").split("\n", 1)[0];
    const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, "utf8").trim().split(" ");
    return pause([postmaster, ...children].map(Number));
  }

  /** The same of its Redis. */
  pauseRedis() {
    const tasks = readdirSync(`/proc/${String(this.pid)}/task`);
    const children = tasks.flatMap((task) => readFileSync(`/proc/${String(this.pid)}/task/${task}/children`, "utf8").trim().split(" "));
    return pause(children.filter((pid) => pid && readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("redis")).map(Number));
  }

  /** The process, for a look at what it uses. */
  get pid() {
    return this.#process?.pid;
  }

  /** Waits for the first reading of the host. */
  async sampled() {
    await expect.poll(() => this.#ready()).toBe(true);
  }
}

/** Lets processes stand still; answers how to let them go on. */
function pause(all: number[]) {
  expect(all.length).toBeGreaterThan(0);
  for (const pid of all) process.kill(pid, "SIGSTOP");
  return () => all.forEach((pid) => process.kill(pid, "SIGCONT"));
}

type Fixtures = { own: Dashboard; complaints: string[] };

export const test = base.extend<Fixtures, { dashboard: Dashboard }>({
  // Shared by all tests of a worker, which must leave it as it is.
  dashboard: [
    async ({}, use) => {
      const dashboard = new Dashboard();
      await dashboard.start();
      await dashboard.sampled();
      await use(dashboard);
      await dashboard.remove();
    },
    { scope: "worker" },
  ],
  // For a test that stops and starts it.
  own: async ({}, use) => {
    const dashboard = new Dashboard();
    await dashboard.start();
    await dashboard.sampled();
    await use(dashboard);
    await dashboard.remove();
  },
  baseURL: async ({ dashboard }, use) => use(dashboard.url),
  // Whatever the browser complains about fails the test; one that expects complaints takes them out.
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(error.message));
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

/** The word for the page's link to the server: live, stale, reconnecting or none. */
export const link = "[data-link]";

export { expect };

/** Points at a graph, which is on a canvas then. */
export const pointAt = (graph: Locator) =>
  expect(async () => {
    await graph.hover({ timeout: 1_000 });
    await expect(graph.locator("canvas")).toBeVisible({ timeout: 3_000 });
  }).toPass();
