// Real applications under watch, and what the product says of them in each of its ways.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { type Dashboard, collector, expect, link } from "./dashboard";

const here = dirname(fileURLToPath(import.meta.url));
export const applications = resolve(here, "../applications");
export const python = resolve(here, "../.venv/bin/python");
const readme = readFileSync(resolve(here, "../../README.md"), "utf8");
const connecting = /^## Connect your application\n(.*?)^## /ms.exec(readme)?.[1] ?? "";

/** The lines that README has for connecting an application: the block with `text` in it. */
export const linesOf = (text: string) => {
  const blocks = [...connecting.matchAll(/^```\w+\n(.*?)^```/gms)].map(([, lines]) => lines ?? "");
  const found = blocks.filter((lines) => lines.includes(text));
  expect(found, `README has one block with ${text}`).toHaveLength(1);
  return found[0] ?? "";
};

/** The npm packages that README says to install for connecting an application. */
export const packagesOfReadme = () => [...connecting.matchAll(/`npm install ([^`]+)`/g)].flatMap(([, names]) => (names ?? "").split(" "));

export const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
};

/** A program beside the dashboard, with all that it starts. */
export class Program {
  #process: ChildProcess;

  constructor(command: string, args: string[], env: Record<string, string>) {
    this.#process = spawn(command, args, {
      cwd: applications,
      env: { PATH: process.env.PATH, ...env },
      detached: true,
      stdio: ["pipe", "pipe", "inherit"],
    });
  }

  /** Writes a line, and waits for the one that answers it. */
  async ask(line: string | number) {
    const answer = once(this.#process.stdout!, "data");
    this.#process.stdin!.write(`${line}\n`);
    return String((await answer)[0]).trim();
  }

  /** Ends it without a word, as a crash does. */
  async kill() {
    const child = this.#process;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, "SIGKILL");
    await once(child, "exit");
  }
}

/** A Node application of `applications/` on a port; it listens when this returns. */
export const startNode = async (file: string, port: number, env: Record<string, string> = {}) => {
  const program = new Program("node", [file], { PORT: String(port), ...env });
  await listening(port);
  return program;
};

/** Waits until an application listens; it is asked nothing, for that would be a request to count. */
export const listening = (port: number) =>
  expect(async () => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
  }).toPass({ intervals: [100] });

const visits = [
  { method: "GET", path: () => "/recipes", status: 200, times: 20 },
  { method: "GET", path: (n: number) => `/recipes/miso-soup-${n}`, status: 200, times: 40 },
  { method: "POST", path: () => "/recipes", status: 201, times: 10 },
  { method: "GET", path: () => "/broken", status: 500, times: 20 },
  { method: "GET", path: (n: number) => `/nowhere-${n}`, status: 404, times: 10 },
];

/** Makes 100 requests of an application, of which 20 fail. */
export const visit = async (port: number) => {
  for (const { method, path, status, times } of visits) {
    for (let n = 0; n < times; n++) {
      const response = await fetch(`http://127.0.0.1:${port}${path(n)}`, { method });
      expect(response.status).toBe(status);
      await response.arrayBuffer();
    }
  }
};

type Requests = { per_second: number | null; error_rate: number | null; p95_ms: number | null };
type Instance = { job: string; instance: string; pushes: boolean; up: boolean; series: number; error?: string };
type Route = Requests & { method: string; route: string };
type Application = { instances: Instance[]; total: Requests; http_requests_total: number | null; routes: Route[] };
type Metric = { name: string; today: number | null };
type Current = { application: Application | null; business: { metrics: Metric[] } | null };

/** What `/api/v1/current` says. */
export const current = async (dashboard: Dashboard) =>
  (await (await fetch(new URL("api/v1/current", dashboard.url))).json()) as Current;

/** How many requests the dashboard has counted. */
export const counted = async (dashboard: Dashboard) => (await current(dashboard)).application?.http_requests_total ?? null;

/** The instances that answer or push, by name. */
export const up = async (dashboard: Dashboard) => {
  const instances = (await current(dashboard)).application?.instances ?? [];
  return instances.filter((instance) => instance.up).map(({ job, instance }) => `${job} ${instance}`);
};

/** Today's count of a business metric. */
export const today = async (dashboard: Dashboard, name: string) =>
  (await current(dashboard)).business?.metrics.find((metric) => metric.name === name)?.today ?? null;

/** Values of `/metrics`, by name and labels without the host. */
export const exposed = async (dashboard: Dashboard) => {
  const text = await (await fetch(new URL("metrics", dashboard.url))).text();
  const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const place = line.lastIndexOf(" ");
      const series = line.slice(0, place).replace(/host="[^"]*",?/, "").replace("{}", "");
      return [series, Number(line.slice(place + 1))];
    }),
  );
};

/** Sees to it that all that is sampled is in PostgreSQL. */
export const save = (dashboard: Dashboard) => {
  execFileSync(collector, ["save", "--data-dir", join(dashboard.directory, "data")], { stdio: "pipe" });
};

/** Rows of a query, each as its columns with bars between them. */
export const query = (dashboard: Dashboard, sql: string) =>
  execFileSync("psql", [dashboard.databaseUrl(), "--no-psqlrc", "-Atc", sql], { encoding: "utf8" }).trim().split("\n");

/** Watches the numbers while `work` is done: what was counted never gets less, and no rate is below zero. */
export const neverBackwards = async (dashboard: Dashboard, work: () => Promise<void>) => {
  let working = true;
  const wrong: string[] = [];
  let looks = 0;
  const looking = (async () => {
    let most = 0;
    while (working) {
      const { total, routes, http_requests_total } = (await current(dashboard)).application!;
      for (const requests of [total, ...routes]) {
        for (const [name, value] of Object.entries(requests)) {
          if (typeof value === "number" && value < 0) wrong.push(`${name} ${value}`);
        }
      }
      const count = http_requests_total ?? 0;
      if (count < most) wrong.push(`${count} requests after ${most}`);
      most = Math.max(most, count);
      looks += 1;
      await new Promise((again) => setTimeout(again, 100));
    }
  })();
  try {
    await work();
  } finally {
    working = false;
    await looking;
  }
  expect(wrong).toEqual([]);
  expect(looks).toBeGreaterThan(0);
};

/** Opens the overview, and finds the panel of a kind on it. */
export const openPanel = async (page: Page, dashboard: Dashboard, kind: string) => {
  await page.goto(dashboard.url);
  await expect(page.locator(link)).toHaveAttribute("data-link", /live|stale/);
  return page.locator(`section[aria-labelledby=${kind}-title]`);
};
