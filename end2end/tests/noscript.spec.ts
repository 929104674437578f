import { expect, test } from "./dashboard";

test.use({ javaScriptEnabled: false, locale: "en-GB" });

test("all current values and sparklines are there without JavaScript", async ({ page, request }) => {
  const { system } = await (await request.get("/api/v1/current")).json();
  await page.goto("/");
  for (const name of ["CPU", "Memory", "Load average", "Network"]) {
    const tile = page.locator(".tile").filter({ has: page.getByRole("heading", { name, exact: true }) });
    // A host without a network interface has a dash there, and no 0.
    const missing = name === "Network" && system.network_rx === null;
    await expect(tile.locator(".tile-reading")).toHaveText(missing ? /–/ : /\d/);
    await expect(tile.locator("svg")).toBeVisible();
  }
  await expect(page.locator(".verdict-clock")).toHaveText(/UTC/);
  await expect(page.locator(".disks li").first()).toBeVisible();
  const graph = page.getByRole("figure", { name: "CPU usage" }).getByRole("img");
  await expect(graph.locator("svg").first()).toBeVisible();
  await expect(graph).toHaveAccessibleName(/^CPU usage: newest .*lowest .*highest/);
});

test("links, language and theme work without JavaScript", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("navigation").getByRole("link", { name: "System" }).click();
  await expect(page).toHaveURL(/\/system$/);
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByRole("button", { name: "日本語" }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  await expect(page).toHaveURL(/\/system$/);
});
