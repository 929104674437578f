import AxeBuilder from "@axe-core/playwright";
import { Dashboard, expect, link, test as base } from "./dashboard";

/** Three rules that hold whatever the host does, one of each severity. */
const rules = `
[[rule]]
alert = "AlwaysCritical"
expr = "cpu_usage >= 0"
severity = "critical"
summary = "CPU <b>usage</b> of {{ $labels.host }} is at least {{ $threshold }} %"
summary_ja = "CPU 使用率は {{ $threshold }} % 以上です"
runbook_url = "https://example.com/runbook"

[[rule]]
alert = "AlwaysWarning"
expr = "memory_usage >= 0"
severity = "warning"

[[rule]]
alert = "AlwaysInfo"
expr = "load_average_1m >= 0"
severity = "info"
`;

const test = base.extend<object, { firing: Dashboard }>({
  firing: [
    async ({}, use) => {
      const dashboard = new Dashboard();
      dashboard.rules(rules);
      await dashboard.start(["--set", "live.push=1s"]);
      await dashboard.sampled();
      await use(dashboard);
      await dashboard.remove();
    },
    { scope: "worker" },
  ],
});

const panel = "section[aria-labelledby=alerts-title]";

test.describe("in English", () => {
  test.use({ locale: "en-GB" });

  test("what fires is in the panel, the strip, the title and the API, the worst first", async ({ page, firing }) => {
    await page.goto(firing.url);
    await expect(page.locator(link)).toHaveAttribute("data-link", "live");
    const alerts = page.locator(panel).locator(".alert");
    await expect(alerts).toHaveCount(3);
    await expect(alerts.nth(0)).toContainText("AlwaysCritical critical");
    await expect(alerts.nth(0)).toContainText(/CPU <b>usage<\/b> of \S+ is at least 0 %/);
    await expect(alerts.nth(0).getByRole("link", { name: "What to do" })).toHaveAttribute("href", "https://example.com/runbook");
    await expect(alerts.nth(1)).toContainText("AlwaysWarning warning");
    await expect(alerts.nth(2)).toContainText("AlwaysInfo info");
    await expect(page.locator(".verdict")).toContainText(/AlwaysCritical for .*: CPU/);
    await expect(page.locator(".verdict")).toContainText("2 other alerts fire.");
    await expect(page).toHaveTitle(/^Critical: AlwaysCritical/);
    const icon = page.locator("link[rel=icon]");
    await expect(icon).toHaveAttribute("href", /^data:image\/svg\+xml,.*%23d92d3a/);
    const drawn = page.evaluate(async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      return image.naturalWidth;
    }, (await icon.getAttribute("href")) ?? "");
    expect(await drawn).toBeGreaterThan(0);
    const age = alerts.nth(0).locator(".alert-age");
    const before = await age.textContent();
    await expect(age).not.toHaveText(before ?? "");
    const answer = await page.request.get(`${firing.url}api/v1/alerts`);
    expect(((await answer.json()) as { rule_name: string }[]).map((alert) => alert.rule_name)).toEqual(["AlwaysCritical", "AlwaysWarning", "AlwaysInfo"]);
    await expect(async () => {
      const past = await page.request.get(`${firing.url}api/v1/alerts/history?severity=critical`);
      expect(((await past.json()) as { rule_name: string }[]).map((alert) => alert.rule_name)).toEqual(["AlwaysCritical"]);
    }).toPass();
    const wrong = await page.request.get(`${firing.url}api/v1/alerts/history?severity=fatal`);
    expect(wrong.status()).toBe(400);
    expect(((await wrong.json()) as { error: { field: string } }).error.field).toBe("severity");
  });

  for (const path of ["", "alerts"]) {
    for (const width of [360, 1440]) {
      for (const colorScheme of ["light", "dark"] as const) {
        test(`/${path}, ${width} px, ${colorScheme}: axe finds nothing and nothing overflows`, async ({ page, firing }) => {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height: 900 });
          await page.goto(firing.url + path);
          await expect(page.locator(link)).toHaveAttribute("data-link", "live");
          await expect(page.locator(".alert")).toHaveCount(3);
          expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        });
      }
    }
  }
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, locale: "ja-JP" });

  test("what fires is there, in Japanese", async ({ page, firing }) => {
    await page.goto(`${firing.url}alerts`);
    await expect(page.locator(".alert").first()).toContainText("AlwaysCritical 緊急");
    await expect(page.locator(".alert").first()).toContainText("CPU 使用率は 0 % 以上です");
    await expect(page.locator(".verdict")).toContainText("ほかに 2 件のアラートが発生中です。");
  });
});

test.describe("when the rules change", () => {
  test.use({ locale: "en-GB" });

  test("the page says live what is over, and what is wrong with the file", async ({ page, firing }) => {
    await page.goto(`${firing.url}alerts`);
    await expect(page.locator(link)).toHaveAttribute("data-link", "live");
    await expect(page.locator(".alert")).toHaveCount(3);
    firing.rules(`${rules}\n[[rule]]\nalert = "HighCPU"\nfro = "5m"\n`);
    await expect(page.locator(panel)).toContainText(/The alert rules stay as they were: [^]*the nearest is for/);
    await expect(page.locator(".alert")).toHaveCount(3);
    firing.rules(rules.replace('alert = "AlwaysCritical"', 'alert = "AlwaysCritical"\nenabled = false'));
    await expect(page.locator(".alert")).toHaveCount(2);
    await expect(page.locator(panel)).not.toContainText("stay as they were");
    await expect(page.locator(".verdict")).toContainText("AlwaysWarning for");
    const history = page.locator("section[aria-labelledby=alert-history-title]");
    const past = history.getByRole("row").filter({ hasText: "AlwaysCritical" });
    await expect(past).toContainText("critical");
    await expect(past).not.toContainText("still fires");
    await expect(history.getByRole("row").filter({ hasText: "AlwaysWarning" })).toContainText("still fires");
    await expect(page.getByRole("img", { name: "1 critical, 1 warning, 1 info" })).toBeVisible();
    firing.rules(rules);
    await expect(page.locator(".alert")).toHaveCount(3);
  });
});
