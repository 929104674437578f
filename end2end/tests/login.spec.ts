import AxeBuilder from "@axe-core/playwright";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type Browser, type Page } from "@playwright/test";
import { collector, type Dashboard, expect, link, test } from "./dashboard";

const password = "correct horse battery";

test.use({ locale: "en-US" });

/** Adds a user as an administrator does; a running dashboard asks for a log-in from then on. */
function addUser(dashboard: Dashboard, name: string, role: string) {
  const data = join(dashboard.directory, "data");
  execFileSync(collector, ["user", "add", name, "--role", role, "--data-dir", data], { input: password, stdio: ["pipe", "pipe", "pipe"] });
}

async function logIn(page: Page, name: string, word = password) {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password", { exact: true }).fill(word);
  await page.getByRole("button", { name: "Log in" }).click();
}

/** What a browser says of answers such as 401, which is what is expected here. */
function forgetRefusals(complaints: string[]) {
  const others = complaints.filter((complaint) => !/40[13]|WebSocket/.test(complaint));
  complaints.splice(0, complaints.length, ...others);
}

test("a page leads to the log-in and back, and the log-out ends it", async ({ own, page, complaints }) => {
  addUser(own, "mika", "admin");
  await page.goto(new URL("alerts?range=6h", own.url).href);
  await expect(page).toHaveURL(/\/login\?next=/);
  await logIn(page, "mika", "not the password");
  const field = page.getByLabel("Password", { exact: true });
  await expect(page.getByRole("alert")).toHaveText("Name or password is not right.");
  await expect(field).toHaveAccessibleDescription("Name or password is not right.");
  await expect(field).toBeFocused();
  await logIn(page, "mika");
  await expect(page).toHaveURL(/\/alerts\?range=6h$/);
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  const who = page.getByRole("form", { name: "Logged in" });
  await expect(who).toContainText("mika admin");
  await who.getByRole("button", { name: "Log out" }).click();
  await expect(page).toHaveURL(/\/login$/);
  await page.goto(own.url);
  await expect(page).toHaveURL(/\/login/);
  forgetRefusals(complaints);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("everything of it works", async ({ own, page, complaints }) => {
    addUser(own, "mika", "admin");
    await page.goto(own.url);
    await logIn(page, "mika");
    await page.getByRole("link", { name: "Users" }).click();
    const add = page.locator("form", { has: page.getByRole("button", { name: "Add a user" }) });
    await add.getByLabel("Name").fill("ken");
    await add.getByLabel("Role").selectOption("operator");
    await add.getByLabel("Password").fill(password);
    await add.getByRole("button", { name: "Add a user" }).click();
    await expect(page.getByRole("status")).toHaveText("The user is added.");
    await expect(page.getByRole("rowheader", { name: "ken" })).toBeVisible();
    await page.getByRole("link", { name: "Audit log" }).first().click();
    await expect(page.getByRole("cell", { name: "user.add" }).first()).toBeVisible();
    await page.getByRole("button", { name: "Log out" }).click();
    await expect(page).toHaveURL(/\/login$/);
    forgetRefusals(complaints);
  });
});

/** The account page in a browser of its own. */
async function elsewhere(browser: Browser, own: Dashboard, name: string) {
  const context = await browser.newContext({ locale: "en-US" });
  const page = await context.newPage();
  await page.goto(new URL("account", own.url).href);
  await logIn(page, name);
  return page;
}

test("another password, set in another browser, ends the session with its websocket", async ({ own, page, browser, complaints }) => {
  addUser(own, "mika", "admin");
  await page.goto(own.url);
  await logIn(page, "mika");
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  const other = await elsewhere(browser, own, "mika");
  await other.getByLabel("Password now").fill(password);
  await other.getByLabel("New password", { exact: true }).fill("another long one");
  await other.getByLabel("New password once more").fill("another long one");
  await other.getByRole("button", { name: "Change the password" }).click();
  await expect(other.getByRole("status")).toContainText("all other sessions of yours have ended");
  await expect(page.locator(link)).toHaveAttribute("data-link", "reconnecting", { timeout: 5_000 });
  await page.goto(own.url);
  await expect(page).toHaveURL(/\/login/);
  await other.context().close();
  forgetRefusals(complaints);
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const locale of ["ja-JP", "en-US"]) {
    test.describe(`${locale} ${colorScheme} 390 px`, () => {
      test.use({ colorScheme, locale, viewport: { width: 390, height: 800 } });

      test("axe finds nothing on any of these pages, and nothing overflows", async ({ own, page, complaints }) => {
        addUser(own, "mika", "admin");
        const check = async (path: string) => {
          await page.goto(new URL(path, own.url).href);
          expect((await new AxeBuilder({ page }).analyze()).violations, path).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(390);
        };
        await check("login");
        await page.locator("[name=name]").fill("mika");
        await page.locator("[name=password]").fill("not the password");
        await page.locator("form .button").click();
        expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
        await page.locator("[name=password]").fill(password);
        await page.locator("form .button").click();
        await expect(page.locator(".who form")).toBeVisible();
        for (const path of ["account", "users", "audit", "system"]) await check(path);
        await expect(page.locator(link)).toHaveAttribute("data-link", "live");
        await page.close();
        forgetRefusals(complaints);
      });
    });
  }
}
