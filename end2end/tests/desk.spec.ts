import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { Dashboard, expect, link, test as base } from "./dashboard";

/** Two that hold whatever the host does. */
const rules = `
[[rule]]
alert = "AlwaysCritical"
expr = "cpu_usage >= 0"
severity = "critical"
action = "notify"

[[rule]]
alert = "AlwaysWarning"
expr = "memory_usage >= 0"
`;

interface Message {
  status: string;
  title: string;
  alerts: { labels: Record<string, string> }[];
}

/** A receiver of webhooks that remembers what it was told. */
class Receiver {
  readonly told: Message[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece: Buffer) => (body += piece.toString()));
      request.on("end", () => {
        this.told.push(JSON.parse(body) as Message);
        response.end();
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}/hook`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const test = base.extend<object, { team: Dashboard & { receiver: Receiver } }>({
  team: [
    async ({}, use) => {
      const dashboard = new Dashboard();
      const receiver = new Receiver();
      dashboard.rules(rules);
      const url = await receiver.start();
      const receivers = `{ team = { kind = "webhook", url = "${url}", allow_private = true }, broken = { kind = "webhook", url = "${url}" } }`;
      await dashboard.start(["--set", "live.push=1s", "--set", `notify.receivers=${receivers}`]);
      await dashboard.sampled();
      await use(Object.assign(dashboard, { receiver }));
      await dashboard.remove();
      receiver.stop();
    },
    { scope: "worker" },
  ],
});

const row = (page: Page, rule: string) => page.locator(".alert").filter({ hasText: rule });
const table = (page: Page, name: string) => page.getByRole("region", { name, exact: true }).getByRole("table");

async function open(page: Page, dashboard: Dashboard): Promise<void> {
  await page.goto(`${dashboard.url}alerts`);
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  await expect(page.locator(".alert")).toHaveCount(2);
}

test.describe.configure({ mode: "serial" });
test.use({ locale: "en-GB" });

test("receivers: the drill that proved them, a test by button, and why one does not work", async ({ page, team }) => {
  await open(page, team);
  await expect.poll(() => team.receiver.told.map((message) => message.title)).toContainEqual(expect.stringMatching(/^\[FIRE DRILL\] /));
  await expect.poll(() => team.receiver.told.map((message) => message.title)).toContainEqual(expect.stringMatching(/^\[FIRING:1\] AlwaysCritical/));
  await page.reload();
  const receivers = table(page, "Notifications");
  const good = receivers.getByRole("row").filter({ hasText: "team" });
  await expect(good).toContainText("delivers");
  await expect(good).toContainText(/paging proven .* ago/);
  const broken = receivers.getByRole("row").filter({ hasText: "broken" });
  await expect(broken).toContainText("set allow_private = true");
  await expect(broken).toContainText("the last fire drill did not arrive");
  const told = team.receiver.told.length;
  await good.getByRole("button", { name: "Send a test" }).click();
  await expect(page.getByRole("status").filter({ hasText: "The test has arrived" })).toBeVisible();
  await expect.poll(() => team.receiver.told.slice(told).map((message) => message.title)).toContain("[TEST] this receiver works; nothing is wrong");
  await table(page, "Notifications").getByRole("row").filter({ hasText: "broken" }).getByRole("button").click();
  await expect(page.getByRole("status").filter({ hasText: "set allow_private = true" })).toBeVisible();
  const health = await (await page.request.get(`${team.url}readyz`)).json();
  expect((health as { paging_error: string }).paging_error).toContain("broken: ");
});

test("an alert is looked after and silenced in place, which everybody sees, and loud again", async ({ page, context, team }) => {
  const other = await context.newPage();
  await open(other, team);
  await open(page, team);
  const critical = row(page, "AlwaysCritical");
  await critical.getByText("Look after it or silence it").click();
  await critical.getByLabel("Your name").fill("Mika");
  // A form stays as it is while the page goes on.
  const clock = page.locator(".verdict-clock");
  const before = await clock.textContent();
  await expect(clock).not.toHaveText(before ?? "");
  await expect(critical.getByLabel("Your name")).toHaveValue("Mika");
  await critical.getByRole("button", { name: "Look after it" }).click();
  await expect(row(page, "AlwaysCritical")).toContainText("Looked after by: Mika");
  await expect(row(other, "AlwaysCritical")).toContainText("Looked after by: Mika");

  const warning = row(page, "AlwaysWarning");
  await warning.getByText("Look after it or silence it").click();
  await warning.getByLabel("Your name").fill("Mika");
  await warning.getByLabel("Reason").fill("<b>known</b>");
  await warning.getByLabel("For").selectOption("1 hour");
  await warning.getByRole("button", { name: "Silence" }).click();
  await expect(row(page, "AlwaysWarning")).toContainText(/Silenced: Mika <b>known<\/b> · until \d/);
  await expect(row(other, "AlwaysWarning")).toContainText("Silenced: Mika");
  await expect(page.locator(".verdict")).toContainText("No other alert fires.");
  const silence = table(page, "Silences").getByRole("row").filter({ hasText: "AlwaysWarning{host=" });
  await expect(silence).toContainText("<b>known</b>");
  await silence.getByRole("button", { name: "End it" }).click();
  await expect(page.getByText("Nothing is silenced.")).toBeVisible();
  await expect(row(other, "AlwaysWarning")).not.toContainText("Silenced");
  await expect(page.locator(".verdict")).toContainText("1 other alert fires.");
});

test("other alerts are silenced by a form that says what is wrong with it", async ({ page, team }) => {
  await open(page, team);
  await page.getByText("Silence other alerts").click();
  const form = page.locator("section[aria-labelledby=silences-title] form.act");
  await form.getByLabel(/Rule, labels or both/).fill("HighDisk{mount=");
  await form.getByLabel("Your name").fill("Mika");
  await form.getByLabel("Reason").fill("a new disk comes");
  await form.getByRole("button").click();
  await expect(page.getByRole("status").filter({ hasText: "write them as in {mount=\"/\"}" })).toBeVisible();
});

test("each rule has its condition, value, state and last hour, and the history has filters", async ({ page, team }) => {
  await open(page, team);
  const rule = table(page, "Rules").getByRole("row").filter({ hasText: "AlwaysCritical" });
  await expect(rule).toContainText("firing");
  await expect(rule).toContainText("cpu_usage >= 0");
  await expect(rule.getByRole("cell").nth(2)).toHaveText(/^\d/);
  const calm = table(page, "Rules").getByRole("row").filter({ hasText: "HighErrorRate" });
  await expect(calm).toContainText("inactive");
  await expect(calm).toContainText("5 min");
  const history = page.locator("section[aria-labelledby=alert-history-title]");
  await expect(history.getByRole("row").filter({ hasText: "AlwaysWarning" })).toContainText("still fires");
  await history.getByLabel("Severity").selectOption("critical");
  await history.getByRole("button", { name: "Show" }).click();
  await expect(page).toHaveURL(/severity=critical/);
  await expect(history.getByRole("row").filter({ hasText: "AlwaysCritical" })).toHaveCount(1);
  await expect(history.getByRole("row").filter({ hasText: "AlwaysWarning" })).toHaveCount(0);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, locale: "ja-JP" });

  test("forms work too, in Japanese", async ({ page, team }) => {
    await page.goto(`${team.url}alerts`);
    const warning = row(page, "AlwaysWarning");
    await warning.getByText("対応・サイレンス").click();
    await warning.getByLabel("お名前").fill("美香");
    await warning.getByRole("button", { name: "対応する" }).click();
    await expect(page.getByText("対応者を記録しました。")).toBeVisible();
    await expect(row(page, "AlwaysWarning")).toContainText("対応者: 美香");
    await expect(table(page, "ルール").getByRole("row").filter({ hasText: "AlwaysWarning" })).toContainText("発生中");
  });
});
