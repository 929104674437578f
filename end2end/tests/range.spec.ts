import { execFileSync } from "node:child_process";
import { type Dashboard, expect, link, test } from "./dashboard";

test.use({ locale: "en-GB", timezoneId: "Asia/Tokyo" });

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
  await expect(graph.locator("canvas")).toBeVisible();

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
  const path = /class="graph-grid".*?<path d="([^"]*)" class="series-1"/s.exec(html)?.[1] ?? "";
  expect(path.split("M").length - 1).toBeGreaterThanOrEqual(2);
  expect(html).toMatch(/class="graph-times"><text[^>]*>(<!---->)?\d\d-\d\d/);
  await page.goto(`${own.url}?range=7d`);
  await expect(ranges.getByRole("link", { name: "7 d" })).toHaveAttribute("aria-current", "true");
  // A socket that is still being opened when the page goes away is a complaint of the browser's.
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  await page.getByRole("button", { name: "日本語" }).click();
  await expect(page).toHaveURL(/\?range=7d$/);
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
  await page.reload();
  await expect(page.getByRole("figure", { name: "CPU usage" })).toBeVisible();
  await expect(lack).toBeHidden();
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
