import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { type Dashboard, expect, link, pointAt, test } from "./dashboard";

test.use({ locale: "en-GB", timezoneId: "Asia/Tokyo" });

const graph = (page: Page, name: string) => page.getByRole("figure", { name });

/** 30 days of a sample every five minutes, without those of the tenth day before today. */
const past = (host: string) => `
  SELECT recipe_monitoring_state.make_partition(month)
  FROM generate_series(now() - interval '31 days', now(), interval '10 days') AS month;
  INSERT INTO system_metrics (timestamp, metric_name, metric_value, labels)
  SELECT moment, 'cpu_usage', 40, jsonb_build_object('host', '${host}')
  FROM generate_series(now() - interval '30 days', now() - interval '20 minutes', interval '5 minutes') AS moment
  WHERE moment NOT BETWEEN now() - interval '11 days' AND now() - interval '10 days'`;

const fill = async (dashboard: Dashboard) => {
  const current = await fetch(new URL("api/v1/current", dashboard.url));
  const { system } = (await current.json()) as { system: { host: string } };
  execFileSync("psql", ["-q", "-v", "ON_ERROR_STOP=1", "-d", dashboard.databaseUrl(), "-c", past(system.host)]);
};

test("graphs look back up to 30 days, by address, with gaps, and live again", async ({ page, own }) => {
  await fill(own);
  await page.goto(own.url);
  const ranges = page.getByRole("navigation", { name: "Time range" });
  const graph = page.getByRole("figure", { name: "CPU usage" });
  await pointAt(graph);

  await ranges.getByRole("link", { name: "30 d" }).click();
  await expect(page).toHaveURL(/\?range=30d$/);
  await expect(ranges.getByRole("link", { name: "30 d" })).toHaveAttribute("aria-current", "true");
  await expect(graph.getByRole("img")).toHaveAccessibleName(/40\.0 %.* in the last 30 d$/);

  // The page's other address has the same range.
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "System" }).click();
  await expect(page).toHaveURL(/\/system\?range=30d$/);
  await page.goBack();
  await page.goBack();
  await expect(page).toHaveURL(own.url);
  await expect(ranges.getByRole("link", { name: "Live" })).toHaveAttribute("aria-current", "true");

  // A link to it shows the same, before any script has run: two pieces, with the gap between.
  const html = await (await page.request.get(`${own.url}?range=30d`)).text();
  const lines = /class="graph-grid".*?<\/g>/s.exec(html)?.[0] ?? "";
  const runs = [...lines.matchAll(/<path d="([^"]+)" class="series-1"/g)].flatMap(([, path]) => path.split("M").slice(1));
  const [starts, ends] = [runs.map((run) => run.split("L")[0]), runs.map((run) => run.split("L").at(-1))];
  // Where a piece of the line goes on, it begins where another ends.
  expect(starts.filter((start) => !ends.includes(start)).length).toBeGreaterThanOrEqual(2);
  expect(html).toMatch(/class="graph-times"><svg[^>]*><text[^>]*>(<!---->)?\d\d-\d\d/);
  await page.goto(`${own.url}?range=7d`);
  await expect(ranges.getByRole("link", { name: "7 d" })).toHaveAttribute("aria-current", "true");
  // A socket that is still being opened when the page goes away is a complaint of the browser's.
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  await page.getByRole("button", { name: "日本語" }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  await expect(page).toHaveURL(/\?range=7d$/);
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  // Or it would go on asking after the server is gone for good.
  await page.close();
});

test("a range has the samples that are not saved yet", async ({ page, own }) => {
  await page.goto(`${own.url}?range=1h`);
  const graph = page.getByRole("figure", { name: "CPU usage" }).getByRole("img");
  await expect(graph).toHaveAccessibleName(/newest .*lowest .*highest/, { timeout: 30_000 });
  await page.close();
});

test("what a range lacks because PostgreSQL stands still is said", async ({ page, own }) => {
  const lack = page.getByText("PostgreSQL did not answer in time: the graphs lack what it keeps.");
  const goOn = own.pausePostgresql();
  try {
    await page.goto(`${own.url}?range=24h`);
    await expect(lack).toBeVisible();
  } finally {
    goOn();
  }
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  await page.reload();
  await expect(page.getByRole("figure", { name: "CPU usage" })).toBeVisible();
  await expect(lack).toBeHidden();
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  await page.close();
});

test("an address with a range that there is none of is live", async ({ page }) => {
  await page.goto("/?range=1y");
  const live = page.getByRole("navigation", { name: "Time range" }).getByRole("link", { name: "Live" });
  await expect(live).toHaveAttribute("aria-current", "true");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("ranges are links", async ({ page }) => {
    await page.goto("/");
    await page.getByRole("navigation", { name: "Time range" }).getByRole("link", { name: "24 h" }).click();
    await expect(page).toHaveURL(/\/\?range=24h$/);
    const day = page.getByRole("navigation", { name: "Time range" }).getByRole("link", { name: "24 h" });
    await expect(day).toHaveAttribute("aria-current", "true");
  });
});

test.describe("a part of the time", () => {
  /** The time axis of what is drawn in a graph, as its table has it: the newest and the oldest row. */
  const times = async (page: Page, name: string) => {
    const rows = graph(page, name).getByRole("rowheader");
    return [await rows.first().textContent(), await rows.last().textContent()].map((text) => Date.parse(`${text}+09:00`));
  };

  test("is dragged over one graph, seen in all, undone by the back button, and the same by its address", async ({ page, own }) => {
    await fill(own);
    await page.goto(`${own.url}?range=7d`);
    const box = graph(page, "CPU usage").locator("canvas");
    await pointAt(graph(page, "CPU usage"));
    const { x, y, width, height } = (await box.boundingBox())!;
    await page.mouse.move(x + width * 0.4, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.6, y + height / 2, { steps: 4 });
    await expect(page.locator(".graph-selection")).not.toHaveCount(0);
    await page.mouse.up();
    await expect(page.locator(".graph-selection")).toHaveCount(0);
    await expect(page).toHaveURL(/\?from=\d+&to=\d+$/);
    const address = new URL(page.url());
    const [from, to] = ["from", "to"].map((name) => Number(address.searchParams.get(name)) * 1000);
    expect(to - from).toBeGreaterThan(24 * 3600e3);
    expect(to - from).toBeLessThan(2 * 24 * 3600e3);
    const label = new RegExp(` in .* – .*$`);
    for (const name of ["CPU usage", "Memory usage"]) await expect(graph(page, name).getByRole("img")).toHaveAccessibleName(label);
    await graph(page, "CPU usage").hover();
    await graph(page, "CPU usage").getByRole("button", { name: "Table" }).click();
    await expect(graph(page, "CPU usage").getByRole("rowheader").first()).toBeVisible();
    const [newest, oldest] = await times(page, "CPU usage");
    expect(oldest).toBeGreaterThan(from);
    expect(newest).toBeLessThanOrEqual(to);

    // Escape gives a drag up.
    await page.mouse.move(x + width * 0.4, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.6, y + height / 2, { steps: 4 });
    await page.keyboard.press("Escape");
    await page.mouse.up();
    expect(page.url()).toBe(address.href);

    const other = await page.request.get(address.href);
    expect(await other.text()).toContain("class=\"graph-plot\"");
    await page.goBack();
    await expect(page).toHaveURL(/\?range=7d$/);
    await page.close();
  });

  test("is asked for by a form, which says what is wrong", async ({ page, own }) => {
    await page.goto(own.url);
    await pointAt(graph(page, "CPU usage"));
    await page.getByRole("navigation", { name: "Time range" }).locator("summary").click();
    await page.getByLabel("From").fill("2026-11-20T10:00:00");
    await page.getByLabel("To", { exact: true }).fill("2026-11-20T09:00:00");
    await page.getByRole("button", { name: "Show" }).click();
    expect(await page.getByLabel("To", { exact: true }).evaluate((field: HTMLInputElement) => field.validationMessage)).toMatch(/10 seconds/);
    await page.getByLabel("To", { exact: true }).fill("2026-11-20T11:00:00");
    await page.getByRole("button", { name: "Show" }).click();
    // By the viewer's clock, which is in Tokyo.
    const from = Date.parse("2026-11-20T10:00:00+09:00") / 1000;
    await expect(page).toHaveURL(new RegExp(`\\?from=${from}&to=${from + 3600}$`));
    await expect(page.getByRole("navigation", { name: "Time range" })).toContainText("11-20 10:00 – 11:00");
    await page.close();
  });

  test("is seen beside the same time a day before, as a table and as a file", async ({ page, own }) => {
    await fill(own);
    await page.goto(`${own.url}?range=24h`);
    const cpu = graph(page, "CPU usage");
    await pointAt(cpu);
    await page.getByRole("navigation", { name: "Time range" }).locator("summary").click();
    await page.getByRole("link", { name: "yesterday" }).click();
    await expect(page).toHaveURL(/\?range=24h&compare=1d$/);
    await cpu.hover();
    await cpu.getByRole("button", { name: "Table" }).click();
    await expect(cpu.getByRole("columnheader", { name: "CPU usage (yesterday) (%)" })).toBeVisible();
    await expect(cpu.getByRole("cell", { name: "40.0" }).first()).toBeVisible();
    const saved = page.waitForEvent("download");
    await cpu.getByRole("button", { name: "CSV" }).click();
    const file = await saved;
    expect(file.suggestedFilename()).toMatch(/^CPU_usage_.*Z\.csv$/);
    const lines = readFileSync(await file.path(), "utf8").split("\r\n");
    expect(lines[0]).toBe("time,CPU usage (yesterday) (%),CPU usage (%)");
    expect(lines.length).toBeGreaterThan(100);
    expect(lines[1]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z,/);
    await page.close();
  });
});

test("thresholds are those of the rules, and the time of an alert is shaded", async ({ page, own }) => {
  own.rules(`[[rule]]\nalert = "HighCPU"\nexpr = "cpu_usage > 61"\nseverity = "warning"
    \n[[rule]]\nalert = "Always"\nexpr = "load_average_1m >= 0"\nseverity = "critical"\n`);
  await own.stop();
  await own.start();
  await page.goto(own.url);
  const load = graph(page, "Load average");
  await expect(load.locator(".graph-marks .critical")).toHaveCount(1, { timeout: 30_000 });
  await expect(load.locator(".graph-marks title")).toHaveText("Always");
  await expect(graph(page, "CPU usage").locator(".graph-marks rect")).toHaveCount(0);
  const html = await (await page.request.get(own.url)).text();
  // 61 of 100 %, from the top.
  expect(html).toMatch(/d="M0 39\.0H1000" class="threshold warning"/);
  await page.close();
});
