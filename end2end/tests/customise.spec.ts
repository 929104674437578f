import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { Dashboard, expect, link, pointAt, test } from "./dashboard";

test.use({ locale: "en-GB" });

/** The panels from top to bottom, by the headings that are seen. */
const panels = (page: Page) => page.locator(".cell h2").allTextContents();

const open = async (page: Page) => {
  // A socket that is still being opened when the page goes away is a complaint of the browser's.
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  await page.getByText("Customise this page").click();
  await expect(page.getByRole("button", { name: "Save" })).toBeVisible();
};

test("a viewer orders the panels, leaves some out and adds a graph of any series, in this browser only", async ({ page, context, browser, own }) => {
  await page.goto(own.url);
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  expect((await panels(page)).slice(0, 4)).toEqual(["System", "Application", "Business", "Alerts"]);
  await open(page);
  await page.getByLabel("Alerts: Place").fill("1");
  await page.getByLabel("System: Place").fill("2");
  await page.getByLabel("Business: Place").fill("0");
  await page.getByLabel("System: Width").selectOption("6");
  await page.getByRole("checkbox", { name: "Load average" }).uncheck();
  const graph = page.locator(".own-graph").last();
  await graph.getByLabel("Title").fill("<b>Disk</b> & 長い名前");
  await graph.getByLabel("Series").fill('disk_usage{mount="/"}; memory_usage');
  await graph.getByLabel("Unit").selectOption("percent");
  await page.getByRole("button", { name: "Save" }).click();

  await expect.poll(() => panels(page)).toEqual(["Alerts", "System", "Application", "Database", "Own graphs"]);
  await expect(page.locator(".cell-6 h2")).toHaveText("System");
  await expect(page.getByRole("figure", { name: "Load average" })).toHaveCount(0);
  const mine = page.getByRole("figure", { name: "<b>Disk</b> & 長い名前" });
  await pointAt(mine);
  await expect(mine.getByRole("img")).toHaveAccessibleName(/memory_usage: newest [\d.]+ %/, { timeout: 30_000 });

  // What is wrong is said, and nothing is changed.
  await open(page);
  await page.locator(".own-graph").first().getByLabel("Series").fill("disk usage");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator(".server-drawn .panel-notice")).toContainText("disk usage: write a series as");
  expect(await panels(page)).toContain("Own graphs");

  // Another browser has what is set up.
  const other = await browser.newContext({ locale: "en-GB" });
  const html = await (await other.request.get(own.url)).text();
  expect(html).toContain('data-panels="system.12 application.7');
  await other.close();

  await open(page);
  await page.getByRole("button", { name: "As it was set up" }).click();
  await expect.poll(() => panels(page)).toContain("Business");
  expect((await context.cookies()).map(({ name }) => name)).not.toContain("dashboard");
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  await page.close();
});

test("for everybody it is set up in the file, and a wrong file is refused", async ({ page }) => {
  const dashboard = new Dashboard();
  const config = join(dashboard.directory, "recipe-monitoring.toml");
  writeFileSync(config, `[dashboard]\npanels = ["graphs.12", "system.12"]\nhidden = ["graph-load"]
    [[dashboard.graphs]]\ntitle = "CPU and memory"\nseries = ["cpu_usage", "memory_usage"]\nunit = "percent"\ncolumns = 12\n`);
  await dashboard.start();
  await dashboard.sampled();
  await page.goto(dashboard.url);
  await expect.poll(() => panels(page)).toEqual(["Own graphs", "System"]);
  await expect(page.getByRole("figure", { name: "Load average" })).toHaveCount(0);
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  await page.goto("about:blank");
  await dashboard.stop();
  writeFileSync(config, '[dashboard]\npanels = ["clock.12"]\n');
  await expect(dashboard.start()).rejects.toThrow(/dashboard\.panels = .*clock\.12.*system, application/);
  await dashboard.remove();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the form works, and own graphs are drawings", async ({ page, own }) => {
    await page.goto(own.url);
    await page.getByText("Customise this page").click();
    await page.locator(".own-graph").last().getByLabel("Title").fill("Load");
    await page.locator(".own-graph").last().getByLabel("Series").fill("load_average_1m");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("figure", { name: "Load", exact: true }).locator(".graph-plot path").first()).toBeAttached();
  });
});

test("a screen on a wall shows panels and nothing to press", async ({ page }) => {
  await page.goto("/?kiosk&range=1h");
  await expect(page.getByRole("heading", { name: "System", level: 2 })).toBeVisible();
  await expect(page.getByRole("navigation")).toHaveCount(0);
  await expect(page.getByText("Customise this page")).toBeHidden();
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
});

test("a form of another site changes nothing", async ({ request }) => {
  const answer = await request.post("/dashboard", { form: { reset: "1" }, headers: { origin: "https://example.com" }, maxRedirects: 0 });
  expect(answer.status()).toBe(403);
});
