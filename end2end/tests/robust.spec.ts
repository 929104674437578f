// What no page should be: beaten by a wrong clock, by very many of anything, or by names that nobody thought of.

import { execFileSync } from "node:child_process";
import AxeBuilder from "@axe-core/playwright";
import { type Dashboard, expect, link, pointAt, test } from "./dashboard";
import { test as withFeed } from "./feed";

test.describe("a clock that is wrong", () => {
  test.use({ locale: "en-GB", timezoneId: "Asia/Tokyo" });

  for (const [name, hours] of [["slow", -30], ["fast", 5]] as const) {
    test(`${name}: the page goes by the server's`, async ({ page }) => {
      await page.addInitScript((offset) => {
        const Right = Date;
        const now = () => Right.now() + offset;
        // @ts-expect-error it is called with whatever Date is called with
        globalThis.Date = class extends Right {
          constructor(...given: []) {
            super(...((given.length ? given : [now()]) as []));
          }
          static now = now;
        };
      }, hours * 3_600_000);
      await page.goto("/");
      await expect(page.locator(link)).toHaveAttribute("data-link", "live");
      await expect(page.getByRole("region", { name: "State" })).toContainText(/Newest sample \d s ago/);
      const clock = async () => Date.parse(`${(await page.locator(".verdict-clock").textContent())!.replace(" ", "T")}+09:00`);
      await expect.poll(async () => Math.abs((await clock()) - Date.now())).toBeLessThan(3_000);
      await expect(page.getByRole("figure", { name: "CPU usage" }).getByRole("img")).toHaveAccessibleName(/newest [\d.]+ %/);
    });
  }
});

const longName = `<img src=x onerror=alert(1)>${"長い名前の料理".repeat(25)}`;

test.describe("ten thousand series", () => {
  test.use({ locale: "en-GB" });

  const fill = (dashboard: Dashboard) => {
    const sql = `INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
      SELECT now() - ago * interval '30 seconds', 'queue_length', queue, jsonb_build_object('host', 'web', 'queue', '${longName}' || queue)
      FROM generate_series(1, 10000) AS queue, generate_series(1, 3) AS ago`;
    execFileSync("psql", ["-q", "-v", "ON_ERROR_STOP=1", "-d", dashboard.databaseUrl(), "-c", sql]);
  };

  test("are a graph of the five highest, which says how many more there are", async ({ page, own, context }) => {
    fill(own);
    const value = encodeURIComponent(
      JSON.stringify({ panels: ["graphs.12"], hidden: [], graphs: [{ title: longName.slice(0, 80), series: ["queue_length"], unit: "", columns: 12 }] }),
    );
    await context.addCookies([{ name: "dashboard", value, url: own.url }]);
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(own.url);
    const graph = page.getByRole("figure");
    await pointAt(graph);
    await expect(graph).toContainText("9995 more are there");
    await expect(graph.locator(".legend li")).toHaveCount(5);
    await expect(graph.locator(".legend")).toContainText("<img src=x onerror=alert(1)>");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.close();
  });
});

withFeed.describe("five hundred alerts", () => {
  withFeed.use({ locale: "ja-JP", viewport: { width: 360, height: 740 } });

  withFeed("are a list that goes on living, with names that are text", async ({ page, fed }) => {
    const at = new Date(Date.now() - 600_000).toISOString();
    const commands = Array.from({ length: 500 }, (_, number) => {
      const data = {
        id: String(number),
        rule_name: `Rule${number}`,
        severity: ["critical", "warning", "info"][number % 3],
        category: "system",
        message: longName,
        message_ja: longName,
        labels: { queue: longName },
        value: number,
        threshold: 1,
        active_at: at,
        fired_at: at,
      };
      return `PUBLISH alert:new ${JSON.stringify(JSON.stringify({ seq: number + 1, event: "alert:new", at, data }))}`;
    });
    execFileSync("redis-cli", ["--no-auth-warning", "-u", fed.redisUrl()], { input: commands.join("\n"), stdio: ["pipe", "ignore", "inherit"] });
    await page.goto(`${fed.url}alerts`);
    await expect(page.locator(".alert")).toHaveCount(500);
    await expect(page.locator(".alert").first()).toContainText("<img src=x onerror=alert(1)>");
    const clock = page.locator(".verdict-clock");
    const before = await clock.textContent();
    await expect(clock).not.toHaveText(before ?? "");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.goto(fed.url);
    await expect(page.locator(".alert")).toHaveCount(5);
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  });
});

// The browser's clock and its timers jump, its network is gone, and neither database answers meanwhile or afterwards.
test.describe("a laptop that slept for an hour, with both databases gone", () => {
  test.use({ locale: "en-GB" });

  test("shows what is live, says what is missing, and has every point once they are back", async ({ page, own, complaints }) => {
    await page.clock.install();
    await page.goto(own.url);
    const state = page.getByRole("region", { name: "State" });
    await expect(page.locator(link)).toHaveAttribute("data-link", "live");
    const started = Date.now();
    const goOn = [own.pausePostgresql(), own.pauseRedis()];
    try {
      await page.context().setOffline(true);
      await page.clock.fastForward("01:00:00");
      await page.context().setOffline(false);
      await expect(page.locator(link)).toHaveAttribute("data-link", "live", { timeout: 20_000 });
      for (const name of ["DatabaseConnectionLost", "RedisConnectionLost"]) await expect(page.locator(".alert", { hasText: name })).toHaveCount(1, { timeout: 15_000 });
      await expect(state).toContainText(/PostgreSQL has not answered since .* Samples wait on disk/);
      const pieces = page.getByRole("figure", { name: "CPU usage" }).locator(".graph-plot g");
      const shape = await pieces.innerHTML();
      await expect.poll(() => pieces.innerHTML(), { timeout: 15_000 }).not.toBe(shape);
      // As long as a few samples take, of which none can be saved.
      const newest = async () => Date.parse((await (await page.request.get(new URL("api/v1/current", own.url).href)).json()).system.at);
      await expect.poll(newest, { timeout: 40_000 }).toBeGreaterThan(started + 25_000);
    } finally {
      for (const resume of goOn) resume();
    }
    for (const name of ["DatabaseConnectionLost", "RedisConnectionLost"]) await expect(page.locator(".alert", { hasText: name })).toHaveCount(0, { timeout: 30_000 });
    const points = async () => {
      const answer = await page.request.get(new URL("api/v1/range?metric=cpu_usage", own.url).href);
      const { series } = await answer.json();
      return series[0].points.map(({ at }: { at: string }) => Date.parse(at)).filter((at: number) => at > started) as number[];
    };
    const moments = [started, ...(await points()), Date.now()];
    for (const [place, at] of moments.slice(1).entries()) expect(at - moments[place]).toBeLessThan(16_000);
    // What could not be asked meanwhile is logged by the browser itself.
    expect(complaints.splice(0).filter((text) => !/WebSocket connection to|ERR_INTERNET_DISCONNECTED/.test(text))).toEqual([]);
    await page.close();
  });
});
