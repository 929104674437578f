import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { collector, Dashboard, expect, link, test } from "./dashboard";

const password = "correct horse battery";
/** What runs, or breaks out of where it is written, unless it is taken for text. Each is on one line, as names have to be. */
const attacks = [
  "<script>window.ran=1</script>",
  "</script><img src=x: onerror=window.ran=2>",
  '"><svg onload=window.ran=3>',
  "'onmouseover='window.ran=4",
  "<!--{{window.ran=5}}${window.ran=6}]]>",
  "</title></textarea></style><iframe srcdoc='<script>parent.ran=7</script>'>",
  "\u2028window.ran=8//&lt;b&gt;\u202e",
];
const all = attacks.join("");
const toml = (text: string) => JSON.stringify(text).replace("\u2028", "\\u2028").replace("\u202e", "\\u202e");

/** An application whose labels are what an attacker asked it for. */
async function application() {
  let requests = 0;
  const escaped = (text: string) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  const server = createServer((_, answer) => {
    requests += 7;
    const series = attacks.map((attack) => `{method="GET",route="/${escaped(attack)}",status="500"} ${String(requests)}`);
    const lines = [`# HELP http_requests_total ${all}`, "# TYPE http_requests_total counter", ...series.map((one) => `http_requests_total${one}`)];
    answer.setHeader("Content-Type", "text/plain; version=0.0.4").end(`${lines.join("\n")}\n`);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/metrics`, stop: () => server.close() };
}

const rules = `
[[rule]]
alert = "AlwaysOn"
expr = "cpu_usage >= 0"
severity = "critical"
summary = ${toml(all.replace("{{", "{"))}
runbook_url = ${toml(`https://example.com/?${encodeURI(all)}`)}
`;

/** Sends what a program sends; it has to be taken. */
async function push(dashboard: Dashboard, path: string, body: unknown) {
  const answer = await fetch(new URL(path, dashboard.url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(answer.status, `${path}: ${await answer.clone().text()}`).toBeLessThan(300);
}

/** Whether somebody takes it or not: what is refused is stored nowhere. */
async function form(page: Page, path: string, fields: Record<string, string>) {
  await page.request.post(path, { form: fields, maxRedirects: 0, headers: { "User-Agent": "a form" } });
}

test.use({ locale: "en-GB", userAgent: `Chromium ${attacks[0] ?? ""}${attacks[2] ?? ""}` });
test.setTimeout(180_000);

test("what is stored as markup is shown as text, on every page, and nothing of it runs", async ({ page, complaints }) => {
  const dashboard = new Dashboard();
  const watched = await application();
  dashboard.rules(rules);
  const metrics = attacks.map((attack, index) =>
    `[[business.metrics]]\nname = "metric_${String(index)}"\nevent = "event_${String(index)}"\ntitle_en = ${toml(attack)}\ntitle_ja = ${toml(attack)}\nunit = ${toml(attack.slice(0, 20))}\n`,
  );
  const own = attacks.map((attack) => `[[dashboard.graphs]]\ntitle = ${toml(attack)}\nseries = ["cpu_usage"]\n`);
  const file = join(dashboard.directory, "settings.toml");
  const job = toml(`a${attacks[1] ?? ""}`);
  writeFileSync(
    file,
    `[live]\npush = "1s"\n[sampling]\napplication = "1s"\nsystem = "1s"\n[[application.targets]]\nurl = "${watched.url}"\njob = ${job}\n${metrics.join("")}${own.join("")}`,
  );
  await dashboard.start(["--config", file]);
  try {
    await dashboard.sampled();
    for (const [index, attack] of attacks.entries()) {
      const line = attack.replaceAll(/[\u2028\u202e]/g, "");
      await push(dashboard, "api/v1/annotations", { text: line, tags: [line.slice(0, 50)], created_by: line, id: line });
      await push(dashboard, "api/v1/silences", { matchers: `{mount="${line.replaceAll('"', '\\"')}"}`, author: line, reason: line, ends_at: new Date(Date.now() + 3_600_000) });
      await push(dashboard, "api/v1/events", { event: `event_${String(index)}`, count: index + 1 });
    }
    await push(dashboard, "v1/metrics", {
      resourceMetrics: [
        {
          resource: { attributes: [{ key: "service.name", value: { stringValue: all } }] },
          scopeMetrics: [{ metrics: attacks.map((attack) => ({ name: attack, description: all, unit: attack, gauge: { dataPoints: [
            { asDouble: 1, timeUnixNano: `${String(Date.now())}000000`, attributes: [{ key: "a", value: { stringValue: attack } }] },
          ] } })) }],
        },
      ],
    });
    // What PostgreSQL knows by name.
    const sql = attacks
      .map((attack) => attack.replaceAll('"', '""').slice(0, 60))
      .map((name) => `CREATE TABLE "${name}" (id int PRIMARY KEY); SELECT count(*) AS "${name}", pg_sleep(0.05) FROM "${name}";`);
    execFileSync("psql", ["-v", "ON_ERROR_STOP=1", "-q", dashboard.databaseUrl()], { input: sql.join("\n"), stdio: ["pipe", "pipe", "pipe"] });
    execFileSync(collector, ["user", "add", "mika", "--role", "admin", "--data-dir", join(dashboard.directory, "data")], {
      input: password,
      stdio: ["pipe", "pipe", "pipe"],
    });
    // After some more of them the log-in would have to wait.
    for (const name of attacks.slice(0, 3)) await form(page, `${dashboard.url}login`, { name, password: name });

    await page.addInitScript(() => {
      (window as any).violations = [];
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
        (window as any).violations.push({ violatedDirective, blockedURI, sample }),
      );
    });
    const dialogs: string[] = [];
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.goto(`${dashboard.url}login?next=${encodeURIComponent(`/"><svg/onload=window.ran=9>`)}`);
    await page.getByLabel("Name", { exact: true }).fill("mika");
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Log in" }).click();
    // Where it leads there is no page.
    await expect(page).not.toHaveURL(/login/);
    await expect.poll(() => complaints.splice(0)).toEqual([expect.stringContaining("404")]);
    for (const name of attacks) {
      await form(page, `${dashboard.url}users`, { do: "token_add", name, scope: "read", days: "1" });
      await form(page, `${dashboard.url}users`, { do: "add", name, role: "viewer", password });
      await form(page, `${dashboard.url}alerts/act`, { do: name, name, reason: name });
    }
    // Now and later: what is saved is in the tables, too.
    await expect.poll(() => page.request.get(`${dashboard.url}api/v1/alerts`).then((answer) => answer.text())).toContain("window.ran=1");

    /** What each page must show as it is, since it is stored there. */
    const shown: [string, string[]][] = [
      ["", [...attacks.slice(0, 5)]],
      ["system", [attacks[0] ?? ""]],
      ["application", [attacks[1] ?? ""]],
      ["business", [...attacks.slice(0, 5)]],
      ["alerts", [attacks[0] ?? "", attacks[1] ?? ""]],
      ["database", [attacks[0]?.slice(0, 60) ?? ""]],
      ["audit", [attacks[0] ?? ""]],
      ["users", []],
      ["account", [attacks[0] ?? ""]],
      ["health", []],
      ["api", []],
      ["?range=1h", [...attacks.slice(0, 5)]],
      [`alerts?rule=${encodeURIComponent(all)}&severity=${encodeURIComponent(all)}`, []],
      [`system?range=${encodeURIComponent(all)}&from=${encodeURIComponent(all)}`, [attacks[0] ?? ""]],
      [`no/such/${encodeURIComponent(all)}`, []],
    ];
    for (const language of ["en", "ja"]) {
      await page.context().addCookies([{ name: "lang", value: language, url: dashboard.url }]);
      for (const [path, texts] of shown) {
        await test.step(`${language} /${path.slice(0, 40)}`, async () => {
          await page.goto(dashboard.url + path);
          if (/^(system|application|business|alerts|database|\?|$)/.test(path)) {
            await expect(page.locator(link)).toHaveAttribute("data-link", "live");
          }
          await page.locator("details").evaluateAll((all) => all.forEach((more) => more.setAttribute("open", "")));
          await page.mouse.move(200, 200);
          for (const text of texts) {
            // As a text of the page, or in what a reader of the screen or the mouse gets to know.
            await expect.poll(() => page.evaluate((wanted) => {
              const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
              let texts = document.body.innerText;
              for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                if (node.parentElement?.tagName !== "SCRIPT") texts += node.nodeValue ?? "";
              }
              const attributes = [...document.body.querySelectorAll("*")].flatMap((element) => [...element.attributes].map(({ value }) => value));
              return texts.includes(wanted) || attributes.some((value) => value.includes(wanted));
            }, text), { message: `${path} shows ${text}` }).toBe(true);
          }
          const found = await page.evaluate(() => ({
            ran: (window as any).ran as unknown,
            violations: (window as any).violations as unknown[],
            // None of our pages has one.
            foreign: document.querySelectorAll("iframe, [onerror], [onload], [onmouseover], [srcdoc], img[src='x:']").length,
            links: [...document.querySelectorAll("a, form, button")].flatMap((element) =>
              ["href", "action", "formaction"].map((name) => element.getAttribute(name) ?? "").filter((value) => /^\s*(javascript|data|vbscript):/i.test(value)),
            ),
          }));
          expect(found).toEqual({ ran: undefined, violations: [], foreign: 0, links: [] });
          expect(dialogs).toEqual([]);
          // The document itself is what is missing.
          if (path.startsWith("no/")) complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes("404")));
          expect(complaints).toEqual([]);
        });
      }
    }
  } finally {
    await page.close();
    await dashboard.remove();
    watched.stop();
  }
});

test("a rule cannot lead to a script", async ({ complaints }) => {
  for (const url of ["javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "data:text/html,<script>", "java\tscript:alert(1)", "//evil.example", "x"]) {
    const dashboard = new Dashboard();
    dashboard.rules(`[[rule]]\nalert = "AlwaysOn"\nexpr = "cpu_usage >= 0"\nrunbook_url = ${JSON.stringify(url)}\n`);
    const check = () =>
      execFileSync(collector, ["rules", "check", ...dashboard.settings], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    expect(check, url).toThrow("runbook_url");
    await dashboard.remove();
  }
  expect(complaints).toEqual([]);
});
