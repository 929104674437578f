// How the pages look, for whoever reviews a change: the pictures are in snapshots/, and are made anew by
// `npx playwright test snapshots --update-snapshots`. Readings and past are always the same.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import AxeBuilder from "@axe-core/playwright";
import { Dashboard, collector, expect, link, test as base } from "./dashboard";
import { application, business, onFire, publish, system } from "./feed";

type State = "empty" | "normal" | "on fire";

const DAY = 86_400;
/** Six hours of yesterday; the past of the pictures. */
const yesterday = Math.floor(Date.now() / 1_000 / DAY - 1) * DAY;
const [from, to] = [yesterday, yesterday + DAY / 4];

/** Series of the past: name, labels, what it goes up and down around, and how far. */
const series: [string, Record<string, string>, number, number][] = [
  ["cpu_usage", {}, 34, 12],
  ["memory_usage", {}, 61, 4],
  ["load_average_1m", {}, 1.4, 0.7],
  ["load_average_5m", {}, 1.2, 0.4],
  ["load_average_15m", {}, 1.1, 0.2],
  ["network_rx", {}, 9_000_000, 4_000_000],
  ["network_tx", {}, 22_000_000, 9_000_000],
  ["disk_usage", {}, 71, 0.5],
  ["disk_usage", { mount: "/" }, 71, 0.5],
  ["disk_usage", { mount: "/var/lib/postgresql" }, 44, 1],
  ["network_rx", { interface: "eth0" }, 8_400_000, 3_900_000],
  ["network_tx", { interface: "eth0" }, 21_000_000, 8_800_000],
  ["http_requests_per_second", {}, 42, 18],
  ["http_error_rate", {}, 0.6, 0.5],
  ["response_time_p50", {}, 35, 9],
  ["response_time_p95", {}, 240, 60],
  ["response_time_p99", {}, 410, 120],
  ["active_connections", {}, 18, 7],
  ["up", { job: "recipe-api", instance: "127.0.0.1:5000" }, 1, 0],
];

/** The rows of all series, with twenty minutes in which nobody sampled. */
const past = series.map(
  ([name, labels, middle, swing], number) => `
    SELECT to_timestamp(${from} + second), '${name}', ${middle} + ${swing} * (0.7 * sin(second / ${2_300 + 170 * number}.0)
      + 0.3 * sin(second / ${97 + 31 * number}.0)), '${JSON.stringify({ host: "web-1", ...labels })}'::jsonb
    FROM generate_series(0, ${to - from}, 10) AS second WHERE second NOT BETWEEN 9000 AND 10200`,
);

const alert = (number: number, severity: string, rule_name: string, message: string, message_ja: string, minutes: number) => {
  const at = new Date(Date.now() - minutes * 60_000 - 10_000).toISOString();
  return {
    seq: number,
    event: "alert:new",
    at,
    data: {
      id: `00000000-0000-4000-8000-00000000000${String(number)}`,
      rule_name,
      severity,
      category: "application",
      message,
      message_ja,
      labels: { host: "web-1" },
      value: 14.2,
      threshold: 10,
      active_at: at,
      fired_at: at,
    },
  };
};

const alerts = () => [
  alert(1, "critical", "CriticalErrorRate", "14.2 % of the requests of the last minute failed", "直近 1 分間のリクエストの 14.2 % が失敗しました", 12),
  alert(2, "warning", "SlowResponse", "5 % of the requests of the last minute took more than 2310 ms", "直近 1 分間のリクエストの 5 % が 2310 ms を超えました", 9),
  alert(3, "info", "QueueLength", "12 photos wait to be scaled", "12 枚の写真が縮小待ちです", 4),
];

/** A dashboard beside a collector that reads as rarely as may be. */
class Still extends Dashboard {
  #state: State = "empty";

  async be(state: State) {
    if (state !== "empty" && this.#state === "empty") this.#remember();
    if (state === "on fire" && this.#state !== "on fire") {
      for (const event of alerts()) this.#fire(event);
    }
    this.#state = state;
  }

  /** Publishes the readings of its state. */
  async read() {
    await publish(this, "system", system(this.#state === "on fire" ? { cpu_usage: 97.4, load_average_1m: 11.8 } : {}));
    if (this.#state === "empty") return;
    await publish(this, "application", this.#state === "on fire" ? onFire() : application());
    await publish(this, "business", business());
  }

  #remember() {
    const sql = `TRUNCATE system_metrics; SELECT recipe_monitoring_state.make_partition(to_timestamp(${from}));
      INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels) ${past.join(" UNION ALL ")}`;
    this.#psql(sql);
  }

  /** An alert as its collector tells of it, and keeps it. */
  #fire({ event, data, ...told }: ReturnType<typeof alert>) {
    const row = [data.fired_at, data.rule_name, data.severity, data.category, data.message].map((text) => `'${text}'`);
    this.#psql(`INSERT INTO alert_history (timestamp, rule_name, severity, category, message) VALUES (${row.join(", ")})`);
    const command = ["PUBLISH", event, JSON.stringify({ ...told, event, data })];
    execFileSync("redis-cli", ["--no-auth-warning", "-u", this.redisUrl(), ...command], { stdio: ["ignore", "ignore", "inherit"] });
  }

  #psql(sql: string) {
    execFileSync("psql", ["-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-d", this.databaseUrl(), "-c", sql]);
  }
}

const test = base.extend<object, { still: Still }>({
  still: [
    async ({}, use) => {
      const still = new Still();
      const rarely = ["application.enabled=false", "business.enabled=false", "database.watch=false", "live.push=60s", "sampling.system=1h"];
      const reader = spawn(collector, ["run", ...still.settings, ...rarely.flatMap((set) => ["--set", set])], {
        cwd: still.directory,
        env: { PATH: process.env.PATH },
        stdio: "ignore",
      });
      await expect(() => still.redisUrl()).toPass({ timeout: 30_000 });
      await still.start(["--set", "server.collector=separate"]);
      await use(still);
      await still.stop();
      reader.kill();
      await once(reader, "exit");
      await still.remove();
    },
    { scope: "worker" },
  ],
});

const pictures: [State, string, number, "en-GB" | "ja-JP", "light" | "dark"][] = [
  ["empty", "/", 1440, "en-GB", "light"],
  ["empty", "/", 390, "ja-JP", "dark"],
  ["normal", "/", 390, "ja-JP", "dark"],
  ["normal", "/", 768, "en-GB", "light"],
  ["normal", "/", 1440, "ja-JP", "light"],
  ["normal", "/", 2560, "en-GB", "dark"],
  ["normal", "/system", 1440, "en-GB", "light"],
  ["normal", "/system", 390, "ja-JP", "dark"],
  ["normal", "/application", 1440, "ja-JP", "dark"],
  ["normal", "/application", 390, "en-GB", "light"],
  ["normal", "/business", 1440, "en-GB", "dark"],
  ["normal", "/business", 390, "ja-JP", "light"],
  ["normal", "/database", 1440, "ja-JP", "light"],
  ["normal", "/database", 390, "en-GB", "dark"],
  ["on fire", "/", 1440, "en-GB", "dark"],
  ["on fire", "/", 390, "ja-JP", "light"],
  ["on fire", "/application", 768, "ja-JP", "light"],
  ["on fire", "/alerts", 1440, "en-GB", "light"],
  ["on fire", "/alerts", 390, "ja-JP", "dark"],
];

for (const [state, path, width, locale, colorScheme] of pictures) {
  const name = [path.slice(1) || "overview", state.replace(" ", "-"), width, locale.slice(0, 2), colorScheme].join("_");
  test.describe(name, () => {
    test.use({ locale, colorScheme, viewport: { width, height: 900 }, timezoneId: "UTC", reducedMotion: "reduce" });

    test("looks as it did, axe finds nothing and nothing overflows", async ({ page, still }) => {
      await still.be(state);
      await still.read();
      await page.goto(`${still.url}${path.slice(1)}?from=${from}&to=${to}`);
      await expect(page.locator(link)).toHaveAttribute("data-link", "live");
      await expect(async () => {
        await still.read();
        await expect(page).toHaveScreenshot(`${name}.png`, {
          // What the database's page has below depends on the server's statements and tables.
          fullPage: path !== "/database",
          maxDiffPixelRatio: 0.02,
          // It goes by the clock.
          mask: [page.locator(".verdict-clock")],
          maskColor: "#808080",
          timeout: 10_000,
        });
      }).toPass();
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      await page.close();
    });
  });
}
