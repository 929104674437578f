// Real applications that are scraped, with what README has for them.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  applications,
  counted,
  current,
  exposed,
  freePort,
  linesOf,
  neverBackwards,
  openPanel,
  packagesOfReadme,
  query,
  save,
  startNode,
  up,
  visit,
} from "./applications";
import { Dashboard, expect, test } from "./dashboard";

test.use({ locale: "en-GB" });

// As often as the settings allow, so that nobody waits.
const often = ["--set", "sampling.application=1s", "--set", "live.push=1s"];

const scraped = [
  { name: "prom-client as it is", file: "prom_client.js", lines: () => "" },
  { name: "express-prom-bundle by README's lines", file: "prom_bundle.js", lines: () => linesOf("express-prom-bundle") },
];

for (const { name, file, lines } of scraped) {
  test(`an Express application with ${name} is seen alike in all places, and a restart takes nothing away`, async ({ page }) => {
    const [dashboard, port, env] = [new Dashboard(), await freePort(), { LINES: lines() }];
    let application = await startNode(file, port, env);
    try {
      await dashboard.start([...often, "--set", `application.targets=["http://127.0.0.1:${port}/metrics"]`]);
      await expect.poll(() => up(dashboard)).toEqual([`app 127.0.0.1:${port}`]);
      const panel = await openPanel(page, dashboard, "application");
      await visit(port);
      await expect.poll(() => counted(dashboard)).toBe(100);

      const tile = (name: string) => panel.locator(".tile").filter({ has: page.getByRole("heading", { name, exact: true }) });
      await expect(tile("Requests").locator(".tile-reading")).toHaveText(/^[1-9][\d.,]*\/s$/);
      await expect(tile("Error rate")).toContainText("over the 10 % limit");
      await expect(tile("Error rate").locator(".tile-reading")).toHaveText(/^20(\.0)? ?%$/);
      await expect(panel.getByRole("rowheader", { name: "GET /broken" }).first()).toBeVisible();
      await expect(panel.getByRole("rowheader", { name: "GET /recipes/:slug" }).first()).toBeVisible();

      const { total, routes } = (await current(dashboard)).application!;
      expect(total.error_rate).toBe(20);
      expect(routes.map(({ method, route }) => `${method} ${route}`).sort()).toEqual([
        "GET /broken",
        "GET /recipes",
        "GET /recipes/:slug",
        "GET unmatched",
        "POST /recipes",
      ]);
      const metrics = await exposed(dashboard);
      expect(metrics.get("http_requests_total")).toBe(100);
      expect(metrics.get("http_error_rate")).toBe(20);
      expect(metrics.get('http_error_rate{method="GET",route="/broken"}')).toBe(100);
      expect([...metrics.keys()].filter((series) => /miso-soup|nowhere/.test(series))).toEqual([]);
      save(dashboard);
      const newest = "SELECT metric_name, metric_value::float FROM latest_metrics WHERE metric_name IN ('http_error_rate', 'http_requests_total') ORDER BY 1";
      expect(query(dashboard, newest)).toEqual(["http_error_rate|20", "http_requests_total|100"]);

      await neverBackwards(dashboard, async () => {
        await application.kill();
        await expect(panel.locator(".instance")).toContainText("does not answer");
        await expect(panel.locator(".instance")).toContainText("refuses connections");
        application = await startNode(file, port, env);
        await expect(panel.locator(".instance")).toBeHidden();
        await visit(port);
        await expect.poll(() => counted(dashboard)).toBe(200);
      });
    } finally {
      await page.close();
      await application.kill();
      await dashboard.remove();
    }
  });
}

test("every package that README has installed is one that is tested", () => {
  const { devDependencies } = JSON.parse(readFileSync(resolve(applications, "../package.json"), "utf8"));
  const packages = packagesOfReadme();
  expect(packages).toContain("@opentelemetry/auto-instrumentations-node");
  expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(packages));
});
