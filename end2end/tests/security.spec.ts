import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, link, pointAt, test } from "./dashboard";

const pages = ["/", "/system", "/application", "/business", "/alerts", "/database", "/api", "/no/such/page"];

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ locale: "en-GB", colorScheme });

    for (const path of pages) {
      test(`${path}: nothing of the page is against its own policy`, async ({ page, complaints }) => {
        // Chromium says in the console what it has blocked; the events say where, and of what is only reported too.
        await page.addInitScript(() => {
          (window as any).violations = [];
          addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample, sourceFile, lineNumber }) =>
            (window as any).violations.push({ violatedDirective, blockedURI, sample, sourceFile, lineNumber }),
          );
        });
        const answer = await page.goto(path);
        const policy = (await answer?.headerValue("content-security-policy")) ?? "";
        expect(policy).toContain("script-src 'self' 'nonce-");
        expect(policy).not.toContain("unsafe-inline");
        if (path.startsWith("/no/")) {
          // The document itself is what is missing.
          expect(complaints.splice(0)).toEqual([expect.stringContaining("404")]);
          // The way to the content is within the page also where its links lead from elsewhere.
          const main = await page.getByRole("link", { name: "Skip to content" }).evaluate((skip: HTMLAnchorElement) => skip.href);
          expect(main).toBe(`${page.url()}#main`);
          await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "System" }).click();
          await expect(page).toHaveURL(/\/\/[^/]+\/system$/);
        }
        if (path !== "/api" && !path.startsWith("/no/")) await expect(page.locator(link)).toHaveAttribute("data-link", "live");
        const graph = page.locator(".graph:has(.graph-canvas)").first();
        if ((await graph.count()) > 0) {
          await pointAt(graph);
          // A graph of a page that is new may have nothing to tell yet.
          if (path === "/" || path === "/system") {
            let x = 80;
            await expect(async () => {
              await graph.locator("canvas").hover({ position: { x: (x += 7), y: 60 }, timeout: 1_000 });
              await expect(page.locator(".graph-tooltip-box").first()).toBeVisible({ timeout: 1_000 });
            }).toPass();
          }
          await graph.locator("[data-tool=table]").click();
          await expect(graph.locator(".graph-table")).toBeVisible();
        }
        await page.locator("main details").evaluateAll((all) => all.forEach((more) => more.setAttribute("open", "")));
        await page.getByRole("button", { name: colorScheme === "dark" ? "Light" : "Dark" }).click();
        await expect(page.locator("html")).toHaveAttribute("data-theme", colorScheme === "dark" ? "light" : "dark");
        expect(await page.evaluate(() => (window as any).violations)).toEqual([]);
      });
    }

    test("what gets into a page does not run", async ({ page, complaints }) => {
      await page.goto("/");
      await expect(page.locator(link)).toHaveAttribute("data-link", "live");
      await page.evaluate(() => {
        const place = document.createElement("div");
        place.innerHTML = `<img src="x:" onerror="window.ran = 1"><p style="color: red">injected</p>`;
        const script = document.createElement("script");
        script.textContent = "window.ran = 2";
        document.body.append(place, script);
      });
      await expect.poll(() => complaints.length).toBeGreaterThanOrEqual(3);
      expect(await page.evaluate(() => (window as any).ran)).toBeUndefined();
      const color = await page.getByText("injected").evaluate((element) => getComputedStyle(element).color);
      expect(color).not.toBe("rgb(255, 0, 0)");
      for (const complaint of complaints.splice(0)) expect(complaint).toContain("Content Security Policy");
    });
  });
}

test("a page of another site can neither follow the live feed nor change anything", async ({ page, dashboard, complaints }) => {
  // Of this machine, or the browser itself would keep it from asking.
  const other = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<link rel=icon href=data:><p>foreign</p>"));
  await once(other.listen(0, "127.0.0.1"), "listening");
  await page.goto(`http://127.0.0.1:${String((other.address() as AddressInfo).port)}/`);
  const live = `${dashboard.url.replace("http", "ws")}api/v1/live`;
  const opens = (url: string) =>
    new Promise((done) => {
      const socket = new WebSocket(url);
      socket.onopen = () => done(true);
      socket.onerror = () => done(false);
    });
  expect(await page.evaluate(opens, live)).toBe(false);
  const refused = page.waitForResponse(`${dashboard.url}preferences`);
  await page.evaluate((url) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = url;
    document.body.append(form);
    form.submit();
  }, `${dashboard.url}preferences`);
  expect((await refused).status()).toBe(403);
  await expect.poll(() => complaints.some((text) => text.includes("responded with a status of 403"))).toBe(true);
  complaints.length = 0;
  other.close();
  await page.goto("/api");
  expect(await page.evaluate(opens, live)).toBe(true);
});
