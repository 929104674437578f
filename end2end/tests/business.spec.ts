import AxeBuilder from "@axe-core/playwright";
import { expect, link } from "./dashboard";
import { business, metric, publish, test } from "./feed";

const panel = "section[aria-labelledby=business-title]";

test.describe("in English", () => {
  test.use({ locale: "en-GB" });

  test("today's counts are live, beside yesterday's at the same time", async ({ page, fed }) => {
    await publish(fed, "business", business());
    await page.goto(fed.url);
    await expect(page.locator(link)).toHaveAttribute("data-link", /live|stale/);
    const own = page.locator(panel);
    const count = (name: string) => own.locator(".count").filter({ has: page.getByRole("heading", { name, exact: true }) });
    await expect(count("Registrations")).toContainText("38");
    await expect(count("Registrations")).toContainText("6 (+19 %) more than yesterday by now");
    await expect(count("Searches")).toContainText("212 (−4 %) fewer than yesterday by now");
    await expect(count("Ratings")).toContainText("as many as yesterday by now");
    await expect(count("Searches").getByRole("img")).toHaveAccessibleName(/not collected, .*today so far 4,906$/);

    await publish(fed, "business", business([metric("user_registrations_daily", "Registrations", "ユーザー登録", 39, 32, [31])]));
    await expect(count("Registrations").locator(".tile-reading")).toHaveText("39");
    await expect(own.locator(".count")).toHaveCount(1);
  });

  test("without a count the panel says how to count, and zero and unknown are not the same", async ({ page, fed }) => {
    await publish(fed, "business", business([metric("a_daily", "A", "", 0, 0, [0, 0, 0, 0, 0, 0])]));
    await page.goto(fed.url);
    await expect(page.locator(link)).toHaveAttribute("data-link", /live|stale/);
    const own = page.locator(panel);
    await expect(own).toContainText("Nothing has been counted yet.");
    await expect(own).toContainText("/api/v1/events");
    const week = [0, 0, 0, 0, 0, 1];
    await publish(
      fed,
      "business",
      business([
        metric("a_daily", "A", "", 0, 0, week),
        metric("b_daily", "B", "", null, null, week, { error: "The query failed: correct business.metrics." }),
        metric("c_daily", "C", "", null, 3, week),
      ]),
    );
    const counts = own.locator(".count");
    await expect(counts).toHaveCount(3);
    await expect(own.getByText("Nothing has been counted yet.")).toBeHidden();
    await expect(counts.nth(0).locator(".tile-reading")).toHaveText("0");
    await expect(counts.nth(1)).toContainText(/–.*The query failed: correct business\.metrics\./);
    await expect(counts.nth(2)).toContainText(/–.*not collected/);
  });

  test("the page has every metric and the week as numbers", async ({ page, fed }) => {
    const many = Array.from({ length: 30 }, (_, index) =>
      metric(`m${index}_daily`, index ? `Metric ${index}` : "<script>alert(1)</script>", "", 1_234_567, 5, [1, 2, 3, 4, 5, null], { unit: "recipes" }),
    );
    await publish(fed, "business", business(many));
    await page.goto(fed.url);
    await expect(page.locator(link)).toHaveAttribute("data-link", /live|stale/);
    await expect(page.locator(panel).locator(".count")).toHaveCount(6);
    await page.getByRole("link", { name: "24 more" }).click();
    await expect(page).toHaveURL(/\/business$/);
    await expect(page.locator(".count")).toHaveCount(30);
    await expect(page.getByRole("heading", { name: "<script>alert(1)</script>" })).toBeVisible();
    const row = page.getByRole("row").nth(1).getByRole("cell");
    await expect(row).toHaveText(["1,234,567", "–", "5", "4", "3", "2", "1"]);
  });
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, locale: "ja-JP" });

  test("the counts and the week are there, in Japanese", async ({ page, fed }) => {
    await publish(fed, "business", business());
    const own = page.locator(panel);
    await expect(async () => {
      await page.goto(`${fed.url}business`);
      await expect(own).toContainText("ユーザー登録", { timeout: 500 });
    }).toPass();
    await expect(own.locator(".count").first()).toContainText("昨日の同時刻より 6 (+19 %) 増");
    await expect(own.locator(".count").first().locator("path.bars").first()).toHaveAttribute("d", /^M/);
    await expect(page.getByRole("columnheader", { name: /^今日これまで/ })).toBeVisible();
  });
});

for (const locale of ["ja-JP", "en-GB"]) {
  for (const width of [390, 1440]) {
    test.describe(`${locale} at ${width} px`, () => {
      test.use({ locale, colorScheme: locale === "ja-JP" ? "dark" : "light", viewport: { width, height: 900 } });

      test("axe finds nothing and long names do not overflow", async ({ page, fed }) => {
        test.slow();
        const long = metric("long_daily", "W".repeat(200), "長い名前の指標".repeat(29).slice(0, 200), 9_876_543, 1, [1, 2, 3, 4, 5, 6]);
        for (const reading of [undefined, business(), business([long, ...(business().metrics as [])])]) {
          if (reading) await publish(fed, "business", reading);
          for (const path of ["", "business"]) {
            await page.goto(fed.url + path);
            await expect(page.locator(link)).toHaveAttribute("data-link", /live|stale/);
            await expect(page.locator(reading ? ".count" : ".connect").first()).toBeVisible();
            expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
            expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
          }
        }
      });
    });
  }
}
