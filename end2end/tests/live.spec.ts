import { expect, link, test } from "./dashboard";

test.use({ locale: "en-GB" });

test("the page recovers by itself when the server is restarted, without a hole", async ({ page, own, complaints }) => {
  await page.goto(own.url);
  const state = page.locator(link);
  await expect(state).toHaveAttribute("data-link", "live");
  // Proof that it is the same page all along.
  await page.evaluate(() => ((window as any).kept = true));

  const stopped = Date.now();
  await own.stop();
  await expect(state).toHaveAttribute("data-link", "reconnecting");
  await expect(page.getByRole("region", { name: "State" })).toContainText("Connection lost since");
  await own.start();
  await expect(state).toHaveAttribute("data-link", "live");
  expect(await page.evaluate(() => (window as any).kept)).toBe(true);
  // What was sampled before the restart was saved at the stop and is part of the new server's history.
  const answer = await page.request.get(new URL("api/v1/range?metric=cpu_usage", own.url).href);
  const { series } = await answer.json();
  expect(Date.parse(series[0].points[0].at)).toBeLessThan(stopped);
  // A refused connection is logged by the browser itself; anything else would be ours.
  expect(complaints.splice(0).filter((text) => !text.includes("WebSocket connection to"))).toEqual([]);
  // Or it would go on asking after the server is gone for good.
  await page.close();
});

test("a page that was offline catches up", async ({ page, context, complaints }) => {
  await page.goto("/");
  const state = page.locator(link);
  await expect(state).toHaveAttribute("data-link", "live");
  const resumed = page.waitForEvent("websocket");
  await context.setOffline(true);
  await expect(state).toHaveAttribute("data-link", "reconnecting");
  await context.setOffline(false);
  const socket = await resumed;
  expect(socket.url()).toMatch(/since=\d+$/);
  await expect(state).toHaveAttribute("data-link", "live");
  // An attempt while it was offline is logged by the browser itself.
  expect(complaints.splice(0).filter((text) => !text.includes("WebSocket connection to"))).toEqual([]);
});

test("it says when no sample comes although the link is there", async ({ page }) => {
  await page.routeWebSocket(/\/api\/v1\/live/, (socket) => {
    const server = socket.connectToServer();
    // Only the greeting gets through.
    server.onMessage((message) => void (String(message).includes('"hello"') && socket.send(message)));
  });
  await page.goto("/");
  await expect(page.locator(link)).toHaveAttribute("data-link", "stale");
  await expect(page.getByRole("region", { name: "State" })).toContainText("No sample for");
  await expect(page).toHaveTitle(/^Critical: No sample/);
});
