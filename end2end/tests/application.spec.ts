import AxeBuilder from "@axe-core/playwright";
import { expect, link, pointAt } from "./dashboard";
import { application, idle, instance, onFire, publish, test } from "./feed";

const panel = "section[aria-labelledby=application-title]";

test.describe("in English", () => {
  test.use({ locale: "en-GB" });

  test("values, graphs and routes are live", async ({ page, fed }) => {
    await publish(fed, "application", application());
    await page.goto(fed.url);
    await expect(page.locator(link)).toHaveAttribute("data-link", /live|stale/);
    const own = page.locator(panel);
    const tile = (name: string) => own.locator(".tile").filter({ has: page.getByRole("heading", { name, exact: true }) });
    await expect(tile("Requests").locator(".tile-reading")).toHaveText("42.1/s");
    await expect(tile("P95")).toContainText("P50 35 · P99 410");
    await expect(tile("Connections").locator(".tile-reading")).toHaveText("18");
    await expect(own.getByRole("rowheader").first()).toHaveText("GET /recipes/search");
    const bars = own.getByRole("figure", { name: /distribution/ }).getByRole("img");
    await expect(bars).toHaveAccessibleName(/up to 5 ms 210, up to 10 ms 640,.* over 10 s 0$/);
    for (const name of ["Requests", "Error rate", "Response time"]) {
      const graph = own.getByRole("figure", { name, exact: false }).first();
      await pointAt(graph);
    }

    await publish(fed, "application", onFire());
    await expect(tile("Requests").locator(".tile-reading")).toHaveText("61.7/s");
    await expect(tile("Error rate")).toContainText("over the 10 % limit");
    await expect(tile("P95")).toContainText("2,310ms");
    await expect(tile("P95")).toContainText("over the 1,000 ms limit");
    await expect(own.locator(".instance")).toContainText("127.0.0.1:5010");
    await expect(own.locator(".instance")).toContainText("does not answer");
    await expect(own.locator(".instance")).toContainText("refused the connection");
    await expect(page.getByRole("region", { name: "State" })).toContainText("1 of 2 instances of the application do not answer.");
  });

  test("zero, not collected and down are said in other words", async ({ page, fed }) => {
    await publish(fed, "application", idle());
    await page.goto(fed.url);
    await expect(page.locator(link)).toHaveAttribute("data-link", /live|stale/);
    const tiles = page.locator(panel).locator(".tile");
    await expect(tiles.nth(0).locator(".tile-reading")).toHaveText("0/s");
    await expect(tiles.nth(1)).toContainText(/–.*no requests/);
    await publish(fed, "application", idle({ active_connections: null }));
    await expect(tiles.nth(3)).toContainText(/–.*not collected/);
    const none = { per_second: null, error_rate: null, p50_ms: null, p95_ms: null, p99_ms: null };
    await publish(fed, "application", idle({ total: none, active_connections: null }));
    await expect(tiles.nth(0)).toContainText(/–.*not collected/);
    await publish(fed, "application", idle({ total: none, active_connections: null, instances: [instance({ up: false, error: "It is gone." })] }));
    await expect(tiles.nth(0)).toContainText(/–.*does not answer/);
    await expect(page.locator(panel).locator(".instance")).toContainText("It is gone.");
  });

  test("without an application the panel says how to connect one, until there is one", async ({ page, fed }) => {
    await publish(fed, "application", idle({ instances: [instance({ up: false, last_seen: null, error: "Nothing listens there." })] }));
    await page.goto(fed.url);
    await expect(page.locator(link)).toHaveAttribute("data-link", /live|stale/);
    const own = page.locator(panel);
    await expect(own).toContainText("No application is connected yet.");
    await expect(own.locator(".instance")).toContainText("has never answered");
    await expect(own.locator(".instance")).toContainText("Nothing listens there.");
    await expect(own.getByText("collector::http::HttpMetrics")).toBeVisible();
    await own.getByText("OpenTelemetry, without").click();
    await expect(own.getByText("OTEL_METRICS_EXPORTER=otlp")).toBeVisible();
    await expect(own.locator(".tile")).toHaveCount(0);
    await publish(fed, "application", application());
    await expect(own.locator(".tile")).toHaveCount(4);
    await pointAt(own.locator(".graph").first());
  });

  test("the page has every route, most failing first, and every instance; markup is text", async ({ page, fed }) => {
    const routes = Array.from({ length: 20 }, (_, index) => ({
      method: "GET",
      route: index ? `/r/${index}` : "/<img src=x onerror=alert(1)>&amp;",
      per_second: 1,
      error_rate: index,
      p50_ms: 1,
      p95_ms: 500 - index,
      p99_ms: null,
    }));
    const instances = [instance({ job: "<b>job</b>" }), instance({ instance: "b:1", up: false, error: "<i>broken</i>" })];
    await publish(fed, "application", application({ routes, instances, routes_left_out: 3 }));
    await page.goto(`${fed.url}application`);
    await expect(page.locator(link)).toHaveAttribute("data-link", /live|stale/);
    await expect(page.getByRole("rowheader", { name: "GET /<img src=x onerror=alert(1)>&amp;" })).toBeVisible();
    const tables = page.getByRole("table");
    await expect(tables.first().locator("tbody tr")).toHaveCount(20);
    await expect(tables.last().locator("tbody tr").first()).toContainText("/r/19");
    await expect(page.getByText("3 more routes are not shown.")).toBeVisible();
    await expect(page.locator(".instances").last().locator("li")).toHaveCount(2);
    await expect(page.locator(".instances").last()).toContainText("<i>broken</i>");
  });

  test("its graphs look back as far as those of the host", async ({ page, fed }) => {
    await publish(fed, "application", application());
    await page.goto(`${fed.url}application`);
    await expect(page.locator(link)).toHaveAttribute("data-link", /live|stale/);
    const graph = page.getByRole("figure", { name: "Error rate" }).getByRole("img");
    await expect(graph).toHaveAccessibleName(/in the last 15 minutes$/);
    await page.getByRole("navigation", { name: "Time range" }).getByRole("link", { name: "24 h" }).click();
    await expect(graph).toHaveAccessibleName(/in the last 24 h$/);
    await page.getByRole("navigation", { name: "Time range" }).getByRole("link", { name: "Live" }).click();
    await expect(graph).toHaveAccessibleName(/newest 0\.4 %.*in the last 15 minutes$/);
  });
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, locale: "ja-JP" });

  test("all values are there, in Japanese", async ({ page, fed }) => {
    await publish(fed, "application", application());
    const own = page.locator(panel);
    await expect(async () => {
      await page.goto(fed.url);
      await expect(own).toContainText("42.1", { timeout: 500 });
    }).toPass();
    await expect(own.getByRole("heading", { level: 2 })).toHaveText("アプリケーション");
    for (const text of ["リクエスト", "エラー率", "遅い経路", "GET /recipes/search"]) await expect(own).toContainText(text);
    await expect(own.getByRole("figure", { name: "レスポンスタイム分布" }).locator("path.bars").first()).toHaveAttribute("d", /^M/);
    await expect(own.locator("path.threshold.critical")).toHaveAttribute("d", /^M0/);
  });
});

for (const locale of ["ja-JP", "en-GB"]) {
  for (const width of [390, 1440]) {
    test.describe(`${locale} at ${width} px`, () => {
      test.use({ locale, colorScheme: locale === "ja-JP" ? "dark" : "light", viewport: { width, height: 900 } });

      test("axe finds nothing and nothing overflows: empty, normal and on fire", async ({ page, fed }) => {
        test.slow();
        for (const reading of [undefined, application(), onFire()]) {
          if (reading) await publish(fed, "application", reading);
          for (const path of ["", "application"]) {
            await page.goto(fed.url + path);
            await expect(page.locator(link)).toHaveAttribute("data-link", /live|stale/);
            await expect(page.locator(".tile-reading", { hasText: reading === undefined ? "" : /42|61/ }).or(page.locator(".connect")).first()).toBeVisible();
            expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
            expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
          }
        }
      });
    });
  }
}
