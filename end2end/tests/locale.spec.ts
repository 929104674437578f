import { expect, link, test } from "./dashboard";

const languages = [
  { locale: "ja-JP", lang: "ja", title: /概要/, heading: "システム", other: "English" },
  { locale: "en-US", lang: "en", title: /Overview/, heading: "System", other: "日本語" },
];

for (const { locale, lang, title, heading, other } of languages) {
  test.describe(lang, () => {
    test.use({ locale });

    test("the page comes in the browser's language and stays in it", async ({ page }) => {
      await page.goto("/");
      await expect(page.locator("html")).toHaveAttribute("lang", lang);
      await expect(page).toHaveTitle(title);
      await expect(page.getByRole("heading", { level: 2 }).first()).toHaveText(heading);
      await expect(page.locator(link)).toHaveAttribute("data-link", "live");
      await expect(page.getByRole("heading", { level: 2 }).first()).toHaveText(heading);
    });

    test("the switch changes it and is remembered", async ({ page }) => {
      await page.goto("/system");
      await page.getByRole("button", { name: other }).click();
      await expect(page).toHaveURL(/\/system$/);
      await expect(page.locator("html")).not.toHaveAttribute("lang", lang);
      await page.goto("/");
      await expect(page.locator("html")).not.toHaveAttribute("lang", lang);
    });
  });
}

test.describe("theme", () => {
  test.use({ locale: "en-US", colorScheme: "light" });

  test("the switch changes it at once, without loading, and is remembered", async ({ page }) => {
    await page.goto("/");
    await expect(page.locator(link)).toHaveAttribute("data-link", "live");
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await background();
    await page.evaluate(() => ((window as any).kept = true));
    await page.getByRole("button", { name: "Dark" }).click();
    await expect.poll(background).not.toBe(light);
    expect(await page.evaluate(() => (window as any).kept)).toBe(true);
    await page.reload();
    await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
    expect(await background()).not.toBe(light);
  });
});
