import type { Locator } from "@playwright/test";
import { expect, link, pointAt, test } from "./dashboard";

test.use({ locale: "en-GB" });

/** The line that is drawn goes on. */
const lives = async (graph: Locator) => {
  const pieces = graph.locator(".graph-plot g");
  const shape = await pieces.innerHTML();
  await expect.poll(() => pieces.innerHTML(), { timeout: 15_000 }).not.toBe(shape);
};

test("values, clock and graphs are alive within seconds", async ({ page }) => {
  await page.goto("/");
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  const clock = page.locator(".verdict-clock");
  const load = page.locator(".tile", { hasText: "CPU" }).locator(".tile-reading");
  const [time, reading] = [await clock.textContent(), await load.textContent()];
  expect(reading).toMatch(/^\d+(\.\d)? ?%$/);
  await expect(clock).not.toHaveText(time ?? "");
  // A percentage may stay the same for a while; the graph's newest point does not.
  const line = page.locator(".tile path[d]").first();
  const shape = await line.getAttribute("d");
  await expect(line).not.toHaveAttribute("d", shape ?? "");
});

test("pointing at a graph puts it on a canvas and going away takes it off, without moving anything", async ({ page, request }) => {
  const { system } = await (await request.get("/api/v1/current")).json();
  await page.addInitScript(() => {
    (window as any).shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as any[]) if (!entry.hadRecentInput) (window as any).shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto("/");
  for (const name of ["CPU usage", "Memory usage", "Network", "Load average"]) {
    const graph = page.getByRole("figure", { name }).getByRole("img");
    await pointAt(graph);
    const missing = name === "Network" && system.network_rx === null;
    await expect(graph).toHaveAccessibleName(missing ? /no samples/ : /newest .*lowest .*highest/);
  }
  await page.mouse.move(0, 0);
  await expect(page.locator("canvas")).toHaveCount(0, { timeout: 20_000 });
  await lives(page.getByRole("figure", { name: "CPU usage" }));
  expect(await page.evaluate(() => (window as any).shift)).toBeLessThan(0.01);
});

test("a tool that is pressed before there is a canvas does what it says", async ({ page }) => {
  // As slow as it may be.
  await page.route(/echarts-/, async (route) => {
    await new Promise((done) => setTimeout(done, 1_500));
    await route.continue();
  });
  await page.goto("/");
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  const table = page.getByRole("figure", { name: "CPU usage" }).getByRole("button", { name: "Table" });
  await table.focus();
  await page.keyboard.press("Enter");
  await expect(table).toHaveAttribute("aria-expanded", "true");
  await expect(page.getByRole("figure", { name: "CPU usage" }).getByRole("row")).not.toHaveCount(0);
});

test("what the tiles say is what the API says", async ({ page, request }) => {
  await page.goto("/");
  const { system } = await (await request.get("/api/v1/current")).json();
  const gib = (system.memory_total_bytes / 2 ** 30).toFixed(1);
  await expect(page.locator(".tile", { hasText: "Memory" }).first()).toContainText(gib.replace(/\.0$/, ""));
  await expect(page.locator(".verdict-host")).toHaveText(system.host);
  await expect(page.locator(".disks")).toContainText(system.mounts[0].mount);
});

test("the page of the system has every file system and interface", async ({ page, request }) => {
  await page.goto("/");
  await page.getByRole("navigation").getByRole("link", { name: "System" }).click();
  await expect(page).toHaveURL(/\/system$/);
  const { system } = await (await request.get("/api/v1/current")).json();
  for (const { mount } of system.mounts) await expect(page.getByRole("rowheader", { name: mount }).first()).toBeVisible();
  for (const { interface: name } of system.interfaces) await expect(page.getByRole("rowheader", { name }).first()).toBeVisible();
  // One page, one websocket: it was not opened again.
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
});

test("a graph whose script cannot be had stays a drawing and stays live", async ({ page, complaints }) => {
  await page.route(/echarts-/, (route) => route.abort());
  await page.goto("/");
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  const graph = page.getByRole("figure", { name: "CPU usage" });
  await graph.hover();
  await expect.poll(() => complaints.length).toBeGreaterThan(0);
  await lives(graph);
  expect(complaints.splice(0).filter((text) => !text.includes("ERR_FAILED"))).toEqual([]);
});

test("an address without a page says so", async ({ page, complaints }) => {
  const answer = await page.goto("/no/such/page");
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("There is no page at this address.");
  await page.getByRole("link", { name: "Go to the overview" }).click();
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  expect(complaints.splice(0)).toEqual([expect.stringContaining("404")]);
});
