// Behind Debian's nginx, with just the lines of docs/nginx.conf: HTTPS there, a base path, forwarded headers.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Dashboard, expect, link, pointAt, test as base } from "./dashboard";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const nginx = "/usr/sbin/nginx";
const fixtures = join(root, "server/tests/fixtures/tls");

/** Behind a proxy one has to log in, which is another spec's, unless nobody has to. */
const OPEN = ["access.mode=open", "access.unprotected=everybody may read and change everything"];

const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
};

/** The lines of the documentation, for another port, certificate and dashboard. */
const documented = (port: number, upstream: string) => {
  let lines = readFileSync(join(root, "docs/nginx.conf"), "utf8");
  for (const [said, here] of [
    ["listen 443 ssl", `listen 127.0.0.1:${String(port)} ssl`],
    ["/etc/ssl/certs/example.com.pem", join(fixtures, "first.pem")],
    ["/etc/ssl/private/example.com.key", join(fixtures, "first.key")],
    ["http://127.0.0.1:5001", upstream],
  ]) {
    expect(lines).toContain(said);
    lines = lines.replace(said, here);
  }
  return lines;
};

const test = base.extend<{ site: string }, { behind: { dashboard: Dashboard; site: string } }>({
  behind: [
    async ({}, use) => {
      const dashboard = new Dashboard();
      const more = ["server.base_path=/monitoring", 'server.trusted_proxies=["127.0.0.1"]', ...OPEN];
      await dashboard.start(more.flatMap((setting) => ["--set", setting]));
      await dashboard.sampled();
      const directory = mkdtempSync(join(tmpdir(), "rm-nginx-"));
      chmodSync(directory, 0o755);
      mkdirSync(join(directory, "logs"));
      const port = await freePort();
      const own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${directory}/${name};`);
      const configuration = `daemon off; pid ${directory}/pid; error_log ${directory}/error.log;
events {}
http {
access_log off; ${own.join(" ")}
${documented(port, new URL(dashboard.url).origin)}
}`;
      writeFileSync(join(directory, "nginx.conf"), configuration);
      const arguments_ = ["-p", directory, "-c", join(directory, "nginx.conf"), "-e", join(directory, "error.log")];
      execFileSync(nginx, ["-t", ...arguments_], { stdio: ["ignore", "ignore", "pipe"] });
      const process_ = spawn(nginx, arguments_, { stdio: "ignore" });
      await use({ dashboard, site: `https://127.0.0.1:${String(port)}/monitoring/` });
      process_.kill("SIGQUIT");
      if (process_.exitCode === null) await once(process_, "exit");
      rmSync(directory, { recursive: true, force: true });
      await dashboard.remove();
    },
    { scope: "worker" },
  ],
  site: async ({ behind }, use) => use(behind.site),
});

test.use({ locale: "en-GB", ignoreHTTPSErrors: true });

test("every page is live under the base path, and leads only to pages under it", async ({ page, site }) => {
  const outside: string[] = [];
  page.on("request", (request) => {
    if (/^(https?|wss?):/.test(request.url()) && !request.url().replace(/^ws/, "http").startsWith(site)) outside.push(request.url());
  });
  page.on("websocket", (socket) => expect(socket.url()).toContain(`${site.replace("http", "ws")}api/v1/live`));
  // nginx may take a moment until it listens.
  await expect(async () => void (await page.goto(site, { timeout: 2_000 }))).toPass();
  const state = page.locator(link);
  await expect(state).toHaveAttribute("data-link", "live");
  await page.evaluate(() => ((window as any).kept = true));
  const pages = page.getByRole("navigation", { name: "Pages" });
  for (const [name, path] of [["System", "system"], ["Application", "application"], ["Alerts", "alerts"], ["Database", "database"], ["Overview", ""]]) {
    await pages.getByRole("link", { name, exact: true }).click();
    await expect(page).toHaveURL(`${site}${path}`);
    await expect(pages.getByRole("link", { name, exact: true })).toHaveAttribute("aria-current", "page");
    await expect(state).toHaveAttribute("data-link", "live");
  }
  await page.getByRole("navigation", { name: "Time range" }).getByRole("link").nth(1).click();
  await expect(page).toHaveURL(/\/monitoring\/\?range=/);
  // The app has done that itself, without loading the page anew.
  expect(await page.evaluate(() => (window as any).kept)).toBe(true);
  await pointAt(page.locator(".graph:has(.graph-canvas)").first());
  expect(outside).toEqual([]);

  for (const path of ["system?range=1h", "api"]) {
    await page.goto(`${site}${path}`);
    if (path !== "api") await expect(state).toHaveAttribute("data-link", "live");
  }
  expect(outside).toEqual([]);
});

test("forms, cookies and redirects stay under the base path", async ({ page, site, context }) => {
  await expect(async () => void (await page.goto(`${site}system`, { timeout: 2_000 }))).toPass();
  await expect(page.locator(link)).toHaveAttribute("data-link", "live");
  await page.getByRole("button", { name: "Dark" }).click();
  await page.getByRole("button", { name: "日本語" }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page).toHaveURL(`${site}system`);
  const cookies = await context.cookies();
  expect(cookies.map(({ name }) => name).sort()).toEqual(["lang", "theme"]);
  for (const cookie of cookies) expect(cookie).toMatchObject({ path: "/monitoring/", secure: true, sameSite: "Lax" });
});

test("the dashboard knows that it is reached by HTTPS, and what a client claims is dropped", async ({ request, site }) => {
  await expect(async () => {
    const answer = await request.get(`${site}healthz`);
    expect(answer.headers()["strict-transport-security"]).toBe("max-age=31536000");
  }).toPass();
  const origin = new URL(site).origin;
  const post = (headers: Record<string, string>) =>
    request.post(`${site}preferences`, { form: { lang: "en" }, headers, maxRedirects: 0 }).then((response) => response.status());
  expect(await post({ origin })).toBe(303);
  expect(await post({ origin: "https://evil.example" })).toBe(403);
  expect(await post({ origin: "https://evil.example", "x-forwarded-host": "evil.example" })).toBe(403);
  expect(await post({ origin: "https://evil.example", forwarded: "host=evil.example" })).toBe(403);
  expect(await post({ origin: origin.replace("https", "http"), "x-forwarded-proto": "http" })).toBe(403);
});
