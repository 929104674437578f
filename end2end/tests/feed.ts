// Readings from outside: a dashboard beside a collector shows live whatever is published on Redis,
// so a test says itself what is read.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { Dashboard, collector, expect, test as base } from "./dashboard";

export type Reading = Record<string, unknown>;

const host = "web-1";
let seq = 1;

/** Publishes a live event of a kind, as a collector does, to a dashboard that listens. */
export const publish = async (dashboard: Dashboard, kind: string, data: Reading) => {
  const at = (data.at as string) ?? new Date().toISOString();
  const event = `metrics:${kind}`;
  const text = JSON.stringify({ seq: seq++, event, at, data: { host, ...data, at } });
  const url = dashboard.redisUrl();
  const publish = () => Number(execFileSync("redis-cli", ["--no-auth-warning", "-u", url, "PUBLISH", event, text], { encoding: "utf8" }));
  await expect.poll(publish).toBeGreaterThan(0);
};

const GIB = 2 ** 30;
const mount = (mount: string, used: number, available: number) => ({
  mount,
  used_bytes: used * GIB,
  available_bytes: available * GIB,
  total_bytes: (used + available) * GIB,
});

/** A reading of a healthy host. */
export const system = (more: Reading = {}): Reading => ({
  interval_seconds: 2,
  uptime_seconds: 1_234_567,
  cpu_count: 4,
  cpu_usage: 37.2,
  memory_usage: 61.4,
  memory_used_bytes: 10 * GIB,
  memory_total_bytes: 16 * GIB,
  disk_usage: 71.2,
  network_rx: 2_400_000,
  network_tx: 6_100_000,
  load_average_1m: 1.42,
  load_average_5m: 1.21,
  load_average_15m: 1.08,
  mounts: [mount("/", 89, 36), mount("/var/lib/postgresql", 176, 224)],
  interfaces: [{ interface: "eth0", network_rx: 2_400_000, network_tx: 6_100_000 }],
  ...more,
});

const requests = (per_second: number | null, error_rate: number | null, p50: number | null, p95: number | null, p99: number | null) => ({
  per_second,
  error_rate,
  p50_ms: p50,
  p95_ms: p95,
  p99_ms: p99,
});

const bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, null];
const counts = [210, 640, 1180, 1520, 940, 610, 430, 120, 44, 21, 9, 3, 1, 0, 0];

export const instance = (more: Reading = {}): Reading => ({
  job: "recipe-api",
  instance: "127.0.0.1:5000",
  pushes: false,
  up: true,
  last_seen: new Date().toISOString(),
  series: 412,
  ...more,
});

const routes = [
  ["GET", "/recipes/search", 6.2, 0.4, 210, 880, 1400],
  ["POST", "/recipes/{id}/photos", 0.4, 2.1, 340, 760, 1100],
  ["GET", "/recipes/{id}", 18.3, 0.1, 24, 96, 210],
  ["GET", "/", 9.1, 0, 12, 48, 90],
  ["POST", "/sessions", 1.2, 6.5, 31, 44, 70],
  ["GET", "/users/{id}/favourites", 2.2, 0, 9, 31, 52],
] as const;

/** A reading of a healthy application. */
export const application = (more: Reading = {}): Reading => ({
  window_seconds: 60,
  instances: [instance()],
  total: requests(42.1, 0.4, 35, 240, 410),
  http_requests_total: 151_560,
  active_connections: 18,
  durations: bounds.map((le, index) => ({ ...(le !== null && { le }), count: counts[index] })),
  routes: routes.map(([method, route, ...numbers]) => ({ method, route, ...requests(...numbers) })),
  routes_left_out: 0,
  ...more,
});

/** The same without any request in the last minute. */
export const idle = (more: Reading = {}): Reading =>
  application({ total: requests(0, null, null, null, null), durations: [], routes: [], ...more });

/** The same on fire. */
export const onFire = (): Reading =>
  application({
    instances: [
      instance(),
      instance({
        instance: "127.0.0.1:5010",
        up: false,
        error: "http://127.0.0.1:5010/metrics refused the connection: start the application, or correct application.targets.",
      }),
    ],
    total: requests(61.7, 14.2, 420, 2_310, 9_800),
    routes: routes.map(([method, route, rate, error, p50, p95, p99]) => ({
      method,
      route,
      ...requests(rate, Math.min(100, error * 6 + 4), p50 * 8, p95 * 3, p99 * 4),
    })),
    routes_left_out: 14,
  });

const dayBefore = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

export const metric = (name: string, title_en: string, title_ja: string, today: number | null, yesterday: number | null, week: (number | null)[], more: Reading = {}) => ({
  name,
  title_en,
  title_ja,
  today,
  yesterday,
  week: [...week, today].map((count, index) => ({ date: dayBefore(6 - index), count })),
  ...more,
});

/** A reading of the five metrics of the recipe site. */
export const business = (metrics?: Reading[]): Reading => ({
  date: dayBefore(0),
  time_zone: "UTC",
  metrics: metrics ?? [
    metric("user_registrations_daily", "Registrations", "ユーザー登録", 38, 32, [31, 36, 29, 44, 52, 61]),
    metric("recipes_created_daily", "Recipes created", "レシピ作成", 112, 98, [88, 97, 90, 120, 140, 151]),
    metric("search_executions_daily", "Searches", "検索実行", 4906, 5118, [6100, 7020, null, 8110, 9020, 10480]),
    metric("recipe_views_daily", "Recipe views", "レシピ閲覧", 18240, 17310, [21000, 23500, 22800, 31020, 40100, 42400]),
    metric("recipe_ratings_daily", "Ratings", "レシピ評価", 301, 301, [402, 380, 377, 510, 633, 690]),
  ],
});

export const test = base.extend<{ fed: Dashboard }>({
  // A dashboard beside a collector that reads the host and nothing else.
  fed: async ({ page }, use) => {
    const dashboard = new Dashboard();
    const off = ["application", "business"].flatMap((kind) => ["--set", `${kind}.enabled=false`]);
    const reader = spawn(collector, ["run", ...dashboard.settings, ...off], {
      cwd: dashboard.directory,
      env: { PATH: process.env.PATH },
      stdio: "ignore",
    });
    await expect(() => dashboard.redisUrl()).toPass({ timeout: 30_000 });
    await dashboard.start(["--set", "server.collector=separate"]);
    await dashboard.sampled();
    await use(dashboard);
    // Or it would go on asking after the server is gone.
    await page.close();
    await dashboard.stop();
    reader.kill();
    await once(reader, "exit");
    await dashboard.remove();
  },
});
