// node end2end/installed.mjs URL: a dashboard that was started by somebody else is live in the browser.

import { chromium, expect } from "@playwright/test";

const url = process.argv[2];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic"],
});
const page = await browser.newPage({ locale: "en-GB" });
const complaints = [];
page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(error.message));
const frames = new Set();
page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.add(JSON.parse(payload).event)));

await page.goto(url);
await expect(page.locator("[data-link]")).toHaveAttribute("data-link", "live", { timeout: 30_000 });
// What is pushed arrives, and the page shows it: the age of the newest reading starts again.
await expect.poll(() => frames.has("metrics:system"), { timeout: 30_000 }).toBe(true);
await expect(page.locator("body")).toContainText("CPU");
await page.goto(new URL("alerts", url).href);
await expect(page.locator("[data-link]")).toHaveAttribute("data-link", "live", { timeout: 30_000 });
expect(complaints).toEqual([]);
await browser.close();
console.log(`${url} is live in the browser`);
