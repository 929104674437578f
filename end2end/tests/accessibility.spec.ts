import AxeBuilder from "@axe-core/playwright";
import { expect, link, pointAt, test } from "./dashboard";

for (const locale of ["ja-JP", "en-US"]) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [390, 1440]) {
      test.describe(`${locale} ${colorScheme} ${width} px`, () => {
        test.use({ locale, colorScheme, viewport: { width, height: 900 } });

        for (const path of ["/", "/system", "/database"]) {
          test(`${path}: axe finds nothing and nothing overflows`, async ({ page }) => {
            await page.goto(path);
            await expect(page.locator(link)).toHaveAttribute("data-link", "live");
            await pointAt(page.locator(".graph:has(.graph-canvas)").first());
            expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
            expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
          });
        }
      });
    }
  }
}

for (const [name, viewport, deviceScaleFactor] of [
  ["on the narrowest phones", { width: 360, height: 740 }, 1],
  // To a page, a window of 1280 px at 200 % is one of half the width.
  ["at 200 % zoom", { width: 640, height: 450 }, 2],
] as const) {
  test.describe(name, () => {
    test.use({ locale: "ja-JP", viewport, deviceScaleFactor });

    test("no page needs scrolling sideways, and axe finds nothing", async ({ page }) => {
      for (const path of ["/", "/system", "/application", "/business", "/alerts", "/database"]) {
        await page.goto(path);
        await expect(page.locator(link)).toHaveAttribute("data-link", "live");
        expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(viewport.width);
        expect((await new AxeBuilder({ page }).analyze()).violations, path).toEqual([]);
      }
    });
  });
}

test.describe("keyboard", () => {
  test.use({ locale: "en-US" });

  test("everything can be reached in order, with a visible focus", async ({ page }) => {
    await page.goto("/");
    await expect(page.locator(link)).toHaveAttribute("data-link", "live");
    const names: string[] = [];
    for (let step = 0; step < 24; step++) {
      await page.keyboard.press("Tab");
      const focused = page.locator(":focus");
      if ((await focused.count()) === 0) break;
      names.push(((await focused.getAttribute("aria-label")) ?? (await focused.textContent()) ?? "").trim());
      const outline = await focused.evaluate((element) => getComputedStyle(element).outlineStyle);
      expect(outline, names.at(-1)).not.toBe("none");
    }
    expect(names[0]).toBe("Skip to content");
    for (const name of ["Overview", "System", "日本語", "Dark"]) expect(names).toContain(name);
  });

});
