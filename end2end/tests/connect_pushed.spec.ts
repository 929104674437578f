// Real applications that push, with OpenTelemetry's own parts and README's own lines.

import { execFileSync } from "node:child_process";
import {
  Program,
  counted,
  current,
  exposed,
  freePort,
  linesOf,
  listening,
  neverBackwards,
  openPanel,
  python,
  query,
  save,
  today,
  up,
  visit,
} from "./applications";
import { Dashboard, expect, test } from "./dashboard";

test.use({ locale: "en-GB" });

// Nothing is scraped, and the readings come as often as the settings allow.
const settings = ["application.targets=[]", "sampling.application=1s", "sampling.business=1s", "live.push=1s"];
const often = settings.flatMap((setting) => ["--set", setting]);
// OpenTelemetry pushes once a minute unless it is told to.
const soon = { OTEL_METRIC_EXPORT_INTERVAL: "500", OTEL_METRIC_EXPORT_TIMEOUT: "400" };

/** Starts the Express application that knows nothing of it, by README's lines. */
const startByReadme = async (dashboard: Dashboard, env: Record<string, string> = {}) => {
  const port = await freePort();
  const lines = linesOf("auto-instrumentations").replace("http://127.0.0.1:5001", new URL(dashboard.url).origin);
  expect(lines).toContain(new URL(dashboard.url).port);
  // What a test wants otherwise is set last.
  const wanted = Object.entries(env).map(([name, value]) => `export ${name}=${value}\n`);
  const program = new Program("sh", ["-euc", lines.replace(/^node /m, `${wanted.join("")}node `)], { PORT: String(port), ...soon });
  await listening(port);
  return { program, port };
};

// A silence lasts for two and a half minutes until it counts as one, so this begins before all else here.
const instance = /^recipe-api [0-9a-f-]{36}$/;
let silent: Dashboard;
let last: Awaited<ReturnType<typeof startByReadme>>;

test.beforeAll(async () => {
  silent = new Dashboard();
  await silent.start(often);
  last = await startByReadme(silent);
  await expect.poll(() => up(silent)).toEqual([expect.stringMatching(instance)]);
  await visit(last.port);
});

test.afterAll(async () => {
  await last?.program.kill();
  await silent?.remove();
});

test("an Express application without a change of code pushes, over restarts and in JSON, and no number goes backwards", async ({ page }) => {
  const [first] = await up(silent);
  const panel = await openPanel(page, silent, "application");
  await expect(panel).toContainText(first!);

  await expect.poll(() => counted(silent)).toBe(100);
  await expect(panel.locator(".tile").first().locator(".tile-reading")).toHaveText(/^[1-9][\d.,]*\/s$/);
  await expect(panel.getByRole("rowheader", { name: "GET /recipes/:slug" }).first()).toBeVisible();
  const metrics = await exposed(silent);
  expect(metrics.get('http_error_rate{method="GET",route="/broken"}')).toBe(100);
  expect([...metrics.keys()].filter((series) => /miso-soup|nowhere/.test(series))).toEqual([]);

  await neverBackwards(silent, async () => {
    const starts: Record<string, string>[] = [{}, { OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }];
    for (const [times, env] of starts.entries()) {
      await last.program.kill();
      last = await startByReadme(silent, env);
      await expect.poll(async () => (await current(silent)).application?.instances.length).toBe(times + 2);
      await visit(last.port);
      await expect.poll(() => counted(silent)).toBe(100 * (times + 2));
    }
  });
  await last.program.kill();
  await page.close();
});

for (const temporality of ["cumulative", "delta"]) {
  test(`the SDK of Python pushes ${temporality} histograms and counters, also after a restart under its old name`, async () => {
    const dashboard = new Dashboard();
    const business = '[{name="recipes_created_daily",counter="recipes_created_total"}]';
    await dashboard.start([...often, "--set", `business.metrics=${business}`]);
    const start = () =>
      new Program(python, ["opentelemetry_sdk.py"], {
        OTEL_EXPORTER_OTLP_ENDPOINT: new URL(dashboard.url).origin,
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality,
        OTEL_SERVICE_NAME: "recipe-worker",
        OTEL_RESOURCE_ATTRIBUTES: "service.instance.id=worker-1",
        ...soon,
      });
    let program = start();
    try {
      expect(await program.ask(0)).toBe("pushed");
      await expect.poll(() => up(dashboard)).toEqual(["recipe-worker worker-1"]);
      expect(await program.ask(200)).toBe("pushed");
      await expect.poll(() => counted(dashboard)).toBe(200);
      await expect.poll(() => today(dashboard, "recipes_created_daily")).toBe(20);
      const { total, routes } = (await current(dashboard)).application!;
      expect(total.error_rate).toBe(20);
      expect(total.per_second).toBeGreaterThan(0);
      expect(routes.map(({ route }) => route).sort()).toEqual(["/broken", "/recipes/{slug}"]);
      await neverBackwards(dashboard, async () => {
        await program.kill();
        program = start();
        expect(await program.ask(50)).toBe("pushed");
        await expect.poll(() => counted(dashboard)).toBe(250);
        await expect.poll(() => today(dashboard, "recipes_created_daily")).toBe(25);
      });
      expect(await up(dashboard)).toEqual(["recipe-worker worker-1"]);
      const refused = [...(await exposed(dashboard))].filter(([series, value]) => series.startsWith("recipe_monitoring_otlp_points_refused") && value > 0);
      expect(refused).toEqual([]);
    } finally {
      await program.kill();
      await dashboard.remove();
    }
  });
}

test("an event by README's line is on the page at once, and counts once however often it is sent", async ({ page }) => {
  const dashboard = new Dashboard();
  try {
    await dashboard.start(often);
    const line = linesOf("/api/v1/events").replace("http://127.0.0.1:5001/", dashboard.url);
    expect(line).toContain(dashboard.url);
    const send = (line: string) => JSON.parse(execFileSync("sh", ["-euc", line], { encoding: "utf8" }));
    const panel = await openPanel(page, dashboard, "business");
    const count = panel.locator(".count").filter({ has: page.getByRole("heading", { name: "Recipes created" }) });
    await expect(panel).toContainText("Nothing has been counted yet.");

    expect(send(line)).toEqual({ accepted: 1, repeated: 0 });
    await expect(count.locator(".tile-reading")).toHaveText("1");
    const named = line.replace('"recipe_created"', '"recipe_created","id":"recipe 7"');
    expect(send(named)).toEqual({ accepted: 1, repeated: 0 });
    expect(send(named)).toEqual({ accepted: 0, repeated: 1 });
    expect(send(line)).toEqual({ accepted: 1, repeated: 0 });
    await expect(count.locator(".tile-reading")).toHaveText("3");
    expect(await today(dashboard, "recipes_created_daily")).toBe(3);
    expect((await exposed(dashboard)).get("recipes_created_daily")).toBe(3);
  } finally {
    await page.close();
    await dashboard.remove();
  }
});

test("an application that was killed is said to be silent, and what it did is in PostgreSQL by route", async ({ page }) => {
  test.setTimeout(240_000);
  await last.program.kill();
  await expect.poll(() => up(silent), { timeout: 200_000, intervals: [1_000] }).toEqual([]);
  const panel = await openPanel(page, silent, "application");
  await expect(panel.locator(".instance").first()).toContainText("does not answer");
  await expect(panel.locator(".instance").first()).toContainText(/it has not pushed for 1[5-9]\d s/);
  await expect(panel.locator(".tile").first()).toContainText(/–.*does not answer/);
  save(silent);
  const routes = "SELECT DISTINCT labels->>'route' FROM system_metrics WHERE metric_name = 'http_error_rate' AND labels ? 'route' ORDER BY 1";
  expect(query(silent, routes)).toEqual(["/broken", "/recipes", "/recipes/:slug"]);
  await page.close();
});
