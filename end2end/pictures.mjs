// node end2end/pictures.mjs [URL]: the pictures of README, of a dashboard that runs: `make demo`, after a while.

import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const url = process.argv[2] ?? "http://127.0.0.1:5001/";
const docs = new URL("../docs/", import.meta.url);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const [colorScheme, name] of [["light", "dashboard.png"], ["dark", "dashboard-dark.png"]]) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, colorScheme, locale: "en-GB" });
  await page.goto(url);
  await page.locator('[data-link="live"]').waitFor();
  // Two readings more, so that nothing is on its way any more.
  await page.waitForTimeout(5_000);
  const path = fileURLToPath(new URL(name, docs));
  await page.screenshot({ path, fullPage: true });
  console.log(path);
  await page.close();
}
await browser.close();
