// The page about the monitoring itself.

import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "./dashboard";

for (const locale of ["ja-JP", "en-US"]) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [390, 1440]) {
      test.describe(`${locale} ${colorScheme} ${String(width)} px`, () => {
        test.use({ locale, colorScheme, viewport: { width, height: 900 } });

        test("axe finds nothing and nothing overflows", async ({ page }) => {
          await page.goto("/health");
          await expect(page.locator("#vitals section")).toHaveCount(8);
          expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        });
      });
    }
  }
}

test.describe("with scripts", () => {
  test.use({ locale: "en-US" });

  test("every page leads to it, it follows by itself, and says when it cannot", async ({ page, context, complaints }) => {
    await page.goto("/system");
    await page.getByRole("link", { name: "Own health" }).click();
    await expect(page).toHaveURL(/\/health$/);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Own health");
    const asOf = page.locator("#vitals > p time");
    const first = await asOf.getAttribute("datetime");
    await expect(asOf).not.toHaveAttribute("datetime", first ?? "");
    expect(complaints).toEqual([]);
    await context.setOffline(true);
    await expect(page.getByText("The server does not answer")).toBeVisible();
    await context.setOffline(false);
    await expect(page.getByText("The server does not answer")).toBeHidden();
    // What was asked for while it was offline is logged by the browser itself.
    expect(complaints.splice(0).filter((text) => !text.includes("ERR_INTERNET_DISCONNECTED"))).toEqual([]);
  });
});

test.describe("without scripts", () => {
  test.use({ locale: "ja-JP", javaScriptEnabled: false });

  test("all of it can be read", async ({ page }) => {
    await page.goto("/health");
    await expect(page.getByRole("heading", { name: "監視システムの状態" })).toBeVisible();
    const process = page.getByRole("row").filter({ hasText: "recipe-monitoring-dashboard" }).first();
    await expect(process).toContainText("収集・保存・表示");
    await expect(process).toContainText("MiB");
    await expect(page.getByRole("row").filter({ hasText: "PostgreSQL" })).toContainText("応答あり");
  });
});
