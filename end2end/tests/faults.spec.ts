import { expect, link, test } from "./dashboard";

const lost = { postgresql: "DatabaseConnectionLost", redis: "RedisConnectionLost" };
const words = { "en-GB": /(PostgreSQL|Redis) does not answer: \S/, "ja-JP": /(PostgreSQL|Redis) が応答しません: \S/ };

for (const locale of ["en-GB", "ja-JP"] as const) {
  test.describe(locale, () => {
    test.use({ locale });

    for (const dead of [["postgresql"], ["redis"], ["postgresql", "redis"]] as (keyof typeof lost)[][]) {
      test(`the page says within 5 s that ${dead.join(" and ")} hangs, and why, and when it is over`, async ({ page, own }) => {
        await page.goto(own.url);
        await expect(page.locator(link)).toHaveAttribute("data-link", "live");
        const start = Date.now();
        const resume = dead.map((part) => (part === "redis" ? own.pauseRedis() : own.pausePostgresql()));
        for (const part of dead) {
          const alert = page.locator(".alert").filter({ hasText: lost[part] });
          await expect(alert).toContainText(words[locale], { timeout: 5_000 });
        }
        expect(Date.now() - start).toBeLessThan(5_000);
        await expect(page.locator(link)).toHaveAttribute("data-link", "live");
        resume.forEach((go) => go());
        for (const part of dead) await expect(page.locator(".alert").filter({ hasText: lost[part] })).toHaveCount(0);
        // The server ends before the page does.
        await page.goto("about:blank");
      });
    }
  });
}
