// The description of the API beside the server that it describes.

import AxeBuilder from "@axe-core/playwright";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { expect, link, test } from "./dashboard";

type Json = Record<string, unknown>;
type Parameter = { name: string; in: string; required: boolean; schema: Json };
type Operation = { parameters?: Parameter[]; responses: Record<string, { content?: Record<string, { schema: Json }> }> };
type Description = { paths: Record<string, Record<string, Operation>>; components: { schemas: Json } };

const described = async (url: string) => (await (await fetch(new URL("api/v1/openapi.json", url))).json()) as Description;

/** The schemas as they are, and as strict as can be: what has fields has no others. */
const strict = (value: unknown, isPart = false): unknown => {
  if (Array.isArray(value)) return value.map((one) => strict(one));
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) =>
    // What is a part of something has the fields of its other parts, too.
    name === "allOf" || name === "oneOf" ? [name, (field as unknown[]).map((one) => strict(one, true))] : [name, strict(field)],
  );
  const schema = Object.fromEntries(fields) as Json;
  const isWhole = "allOf" in schema || ("properties" in schema && schema.type === "object" && !isPart);
  return isWhole ? { ...schema, unevaluatedProperties: false } : schema;
};

const validator = (description: Description) => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  for (const format of ["double", "float", "int32", "int64", "uint64"]) ajv.addFormat(format, true);
  ajv.addSchema({ $id: "api", ...(strict({ components: description.components }) as Json) });
  const refer = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value), (name, field: unknown) => (name === "$ref" ? `api${String(field)}` : field));
  return (schema: Json, value: unknown) => {
    const validate = ajv.compile(refer(schema) as Json);
    return validate(value) ? [] : validate.errors;
  };
};

test("is valid OpenAPI", async ({ dashboard }) => {
  const result = await new Validator().validate(structuredClone(await described(dashboard.url)) as never);
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
});

test("has every answer as it is given, with no field more or less", async ({ page, dashboard }) => {
  const description = await described(dashboard.url);
  const validate = validator(description);
  const asked: Record<string, string> = { metric: "cpu_usage" };
  const seen: string[] = [];
  // There is a history from the first sample on.
  const status = async () => (await fetch(new URL("api/v1/range?metric=cpu_usage", dashboard.url))).status;
  await expect.poll(status, { timeout: 30_000 }).toBe(200);
  for (const [path, { get: operation }] of Object.entries(description.paths)) {
    const schema = operation?.responses["200"]?.content?.["application/json"]?.schema;
    if (!operation || !schema || path.includes("{")) continue;
    const given = (operation.parameters ?? []).filter(({ required }) => required).map(({ name }) => [name, asked[name]] as [string, string]);
    const answer = await fetch(new URL(`${path}?${new URLSearchParams(given).toString()}`, dashboard.url));
    expect(answer.status, path).toBe(200);
    expect(validate(schema, await answer.json()), path).toEqual([]);
    seen.push(path);
  }
  expect(seen.length).toBeGreaterThan(8);
  // And the frames of the websocket.
  const opened = page.waitForEvent("websocket");
  await page.goto("/");
  const socket = await opened;
  for (let frames = 0; frames < 3; frames++) {
    const { payload } = await socket.waitForEvent("framereceived");
    expect(validate({ $ref: "#/components/schemas/LiveEvent" }, JSON.parse(String(payload))), String(payload)).toEqual([]);
  }
});

test("has every parameter that is taken, each of which is refused by its name", async ({ dashboard }) => {
  const description = await described(dashboard.url);
  const validate = validator(description);
  for (const [path, { get: operation }] of Object.entries(description.paths)) {
    const parameters = (operation?.parameters ?? []).filter((parameter) => parameter.in === "query");
    if (!operation || parameters.length === 0 || path.endsWith("/live")) continue;
    const ask = async (name: string, value: string) => {
      const answer = await fetch(new URL(`${path}?${new URLSearchParams({ metric: "cpu_usage", [name]: value }).toString()}`, dashboard.url));
      const body: unknown = await answer.json();
      return { status: String(answer.status), body, problem: (body as { error?: { field: string; message: string } }).error };
    };
    const known = parameters.map(({ name }) => name).join(", ");
    const unknown = await ask("nothing", "x");
    expect(unknown.problem?.message, path).toContain(parameters.some(({ name }) => name === "metric") ? `use ${known}` : "there is no such parameter");
    for (const { name, schema } of parameters) {
      if (schema.type === "string" && ["metric", "rule_name", "tag"].includes(name)) continue;
      const { status, body, problem } = await ask(name, "{");
      // A metric is no parameter of every path, and is refused first where it is none.
      if (problem?.field === "metric") continue;
      expect(problem?.field, `${path} ${name}`).toBe(name);
      const described = operation.responses[status]?.content?.["application/json"]?.schema;
      expect(described, `${path} answers ${status}`).toBeTruthy();
      expect(validate(described!, body)).toEqual([]);
    }
  }
});

test("has what is changed: bodies, answers and refusals", async ({ own }) => {
  const description = await described(own.url);
  const validate = validator(description);
  const send = async (method: string, path: string, concrete: string, body?: unknown) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const answer = await fetch(new URL(concrete, own.url), { method, ...sent });
    const response = description.paths[path]?.[method.toLowerCase()]?.responses[String(answer.status)];
    expect(response, `${method} ${path} answers ${answer.status}`).toBeTruthy();
    const schema = response?.content?.["application/json"]?.schema;
    const text = await answer.text();
    if (schema) expect(validate(schema, JSON.parse(text)), text).toEqual([]);
    else expect(text).toBe("");
    return { status: answer.status, body: (text ? JSON.parse(text) : {}) as { id: string } };
  };
  const annotations = "/api/v1/annotations";
  const mark = { id: "deploy-7", text: "Deploy 7", tags: ["deploy"] };
  expect((await send("POST", annotations, annotations, mark)).status).toBe(201);
  expect((await send("POST", annotations, annotations, mark)).status).toBe(200);
  expect((await send("POST", annotations, annotations, { text: "" })).status).toBe(400);
  expect((await send("POST", annotations, annotations, { words: "x" })).status).toBe(422);
  expect((await send("DELETE", `${annotations}/{id}`, `${annotations}/deploy-7`)).status).toBe(204);
  expect((await send("DELETE", `${annotations}/{id}`, `${annotations}/deploy-7`)).status).toBe(404);
  const silences = "/api/v1/silences";
  const silence = { matchers: "HighDisk", author: "Mika", reason: "known", ends_at: "2100-01-01T00:00:00Z" };
  const made = await send("POST", silences, silences, silence);
  expect(made.status).toBe(201);
  expect((await send("DELETE", `${silences}/{id}`, `${silences}/${made.body.id}`)).status).toBe(204);
  expect((await send("DELETE", `${silences}/{id}`, `${silences}/${made.body.id}`)).status).toBe(404);
  expect((await send("POST", silences, silences, { ...silence, reason: "" })).status).toBe(400);
  const acknowledge = "/api/v1/alerts/{id}/acknowledge";
  expect((await send("POST", acknowledge, "/api/v1/alerts/none/acknowledge", { by: "Mika" })).status).toBe(404);
  expect((await send("POST", "/api/v1/receivers/{name}/test", "/api/v1/receivers/none/test")).status).toBe(404);
  const events = "/api/v1/events";
  expect((await send("POST", events, events, [{ event: "recipe_created" }])).status).toBe(202);
  expect((await send("POST", events, events, { event: "No!" })).status).toBe(400);
  expect((await send("POST", events, events)).status).toBe(415);
});

for (const [locale, width] of [["en-GB", 1440], ["ja-JP", 390]] as const) {
  test.describe(`its page, ${locale} at ${String(width)} px`, () => {
    test.use({ locale, viewport: { width, height: 900 } });

    test("is there to read", async ({ page }) => {
      await page.goto("/");
      await page.getByRole("link", { name: "API", exact: true }).click();
      await expect(page.locator(link)).toHaveAttribute("data-link", "live");
      const range = page.locator("details", { has: page.getByText("GET /api/v1/range", { exact: true }) });
      await range.locator("summary").click();
      await expect(range.getByRole("row").filter({ hasText: "resolution" })).toContainText("Resolution");
      await range.getByRole("link", { name: "Range", exact: true }).click();
      await expect(page).toHaveURL(/#Range$/);
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    });
  });
}
