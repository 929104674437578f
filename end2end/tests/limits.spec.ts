// What the dashboard withstands: each attack is refused and counted, costs little memory, and disturbs nobody else. The
// witness is a scraped application whose counter must arrive to the last one after each.

import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, type RequestListener, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable, pipeline } from "node:stream";
import { gzipSync } from "node:zlib";
import { current, exposed, today } from "./applications";
import { Dashboard, expect, test } from "./dashboard";
import { count, field } from "./protobuf";

const MiB = 1 << 20;
// The largest body is of 16 MiB, and what is made of it may be held beside it.
const mostGrowth = 40 * MiB;
const protobuf = { "content-type": "application/x-protobuf" };
const json = { "content-type": "application/json" };

/** An application in this process, that answers as it is told. */
class Target {
  answer: RequestListener = (_, response) => response.writeHead(404).end();
  #server = createServer((request, response) => this.answer(request, response));

  async start() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/metrics`;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

let dashboard: Dashboard;
let attacker: Target;
let witness: Target;
let seen = 0;

test.beforeAll(async () => {
  [dashboard, attacker, witness] = [new Dashboard(), new Target(), new Target()];
  witness.answer = (_, response) => response.end(`witness_total ${seen}\n`);
  const settings = [
    `application.targets=[{url="${await witness.start()}",job="witness"},{url="${await attacker.start()}",job="attacker"}]`,
    'business.metrics=[{name="witnessed",counter="witness_total"},{name="recipes_created_daily",event="recipe_created"}]',
    "sampling.application=1s",
    "sampling.business=1s",
  ];
  await dashboard.start(settings.flatMap((setting) => ["--set", setting]));
  await witnessed();
});

test.afterAll(async () => {
  attacker?.stop();
  witness?.stop();
  await dashboard?.remove();
});

const instance = async (job: string) => (await current(dashboard)).application?.instances.find((instance) => instance.job === job);

/** Sees that what the witness counts still arrives, to the last one. */
const witnessed = async () => {
  await expect.poll(async () => (await instance("witness"))?.up).toBe(true);
  await expect.poll(() => today(dashboard, "witnessed")).toBe(seen);
  seen += 7;
  await expect.poll(() => today(dashboard, "witnessed")).toBe(seen);
};

/** Bytes of memory by one line of what the kernel says of a process. */
const memory = (line: "VmHWM" | "VmRSS") =>
  Number(new RegExp(`^${line}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${dashboard.pid}/status`, "utf8"))?.[1]) * 1024;

/** Does an attack, and sees what it cost at its peak. */
const withstand = async (attack: () => Promise<void>) => {
  // So that the peak is of this attack.
  writeFileSync(`/proc/${dashboard.pid}/clear_refs`, "5");
  const before = memory("VmRSS");
  try {
    await attack();
    await witnessed();
  } finally {
    attacker.answer = (_, response) => response.writeHead(404).end();
  }
  expect(memory("VmHWM") - before).toBeLessThanOrEqual(mostGrowth);
};

type Answer = { status: number; headers: IncomingHttpHeaders; text: string };
const agent = new Agent({ keepAlive: true, maxSockets: 50 });

/** Sends a body, or as much of it as is taken, and reads the answer; its status is 0 where the connection was gone first. */
const post = (path: string, headers: OutgoingHttpHeaders, body: Iterable<Buffer | string>, from = "127.0.0.1") =>
  new Promise<Answer>((answered) => {
    const options = { method: "POST", headers, localAddress: from, ...(from === "127.0.0.1" && { agent }) };
    const sending = request(new URL(path, dashboard.url), options);
    sending.on("response", async (response) => {
      const { statusCode: status = 0, headers } = response;
      let text = "";
      try {
        for await (const part of response) text += part;
      } finally {
        answered({ status, headers, text });
      }
    });
    sending.on("error", () => answered({ status: 0, headers: {}, text: "" }));
    Readable.from(body, { objectMode: true }).pipe(sending);
  });

const value = async (series: string) => (await exposed(dashboard)).get(series) ?? 0;

/** How many requests to a path were answered by a status, as the dashboard counts them. */
const answered = async (path: string, status: number) => {
  const all = [...(await exposed(dashboard))];
  const own = all.filter(([series]) => series.startsWith("recipe_monitoring_http_requests_total") && series.includes(`route="${path}"`));
  return own.filter(([series]) => series.includes(`status="${status}"`)).reduce((sum, [, value]) => sum + value, 0);
};

/** Sees that a request is refused by this status, and that the refusal is counted. */
const refused = async (status: number, path: string, headers: OutgoingHttpHeaders, body: Iterable<Buffer | string>) => {
  const before = await answered(path, status);
  const answer = await post(path, headers, body);
  expect(answer.status).toBe(status);
  await expect.poll(() => answered(path, status)).toBe(before + 1);
  return answer;
};

let packed: Buffer;
const bomb = () => (packed ??= gzipSync(Buffer.alloc(128 * MiB, " "), { level: 9 }));
const gzip = { "content-encoding": "gzip" };

for (const [path, headers] of [["/v1/metrics", protobuf], ["/v1/metrics", json], ["/api/v1/events", json]] as const) {
  test(`a thousandfold gzip bomb to ${path} as ${headers["content-type"]}`, async () => {
    expect(bomb().length * 900).toBeLessThan(128 * MiB);
    await withstand(async () => {
      await refused(413, path, { ...headers, ...gzip }, [bomb()]);
    });
  });

  test(`a body over the limit to ${path} as ${headers["content-type"]}, announced or not`, async () => {
    const part = Buffer.alloc(MiB, " ");
    await withstand(async () => {
      await refused(413, path, { ...headers, "content-length": 17 * MiB }, [part]);
      await refused(413, path, headers, Array.from({ length: 64 }, () => part));
    });
  });
}

test("many gzip bombs at once share the memory of one, and leave none of it behind", async () => {
  const before = memory("VmRSS");
  await withstand(async () => {
    for (let round = 0; round < 6; round++) {
      const many = Array.from({ length: 12 }, () => post("/v1/metrics", { ...protobuf, ...gzip }, [bomb()]));
      for (const { status } of await Promise.all(many)) expect([413, 503]).toContain(status);
    }
  });
  expect(memory("VmRSS") - before).toBeLessThanOrEqual(8 * MiB);
});

test("a protobuf body whose length header claims 256 MiB", async () => {
  const claim = Buffer.concat([Buffer.from([0x0a]), count(256 * MiB), Buffer.from("nothing of it")]);
  await withstand(async () => {
    const { text } = await refused(400, "/v1/metrics", protobuf, [claim]);
    expect(text).toContain("a field is cut short");
    // The same within a resource's metrics.
    await refused(400, "/v1/metrics", protobuf, [field(1, field(2, claim))]);
  });
});

test("100,000 routes in a scraped page, others each time", async () => {
  let pages = 0;
  attacker.answer = (_, response) => {
    pages += 1;
    response.write("# TYPE http_requests_total counter\n");
    const lines = Array.from({ length: 100_000 }, (_, n) => `http_requests_total{method="GET",route="/u/${pages}-${n}",status="200"} 1\n`);
    response.end(lines.join(""));
  };
  const leftOut = 'recipe_monitoring_scrape_series_left_out_total{reason="series"}';
  const before = await value(leftOut);
  await withstand(async () => {
    await expect.poll(async () => (await value(leftOut)) - before).toBeGreaterThanOrEqual(3 * 90_000);
    expect(await instance("attacker")).toMatchObject({ up: true, series: 10_000 });
    expect((await current(dashboard)).application!.routes.length).toBeLessThanOrEqual(20);
    expect((await exposed(dashboard)).size).toBeLessThan(1_000);
  });
});

test("100,000 routes by OTLP", async () => {
  const now = BigInt(Date.now()) * 1_000_000n;
  const attribute = (name: string, value: string) => Buffer.concat([field(1, name), field(2, field(1, value))]);
  const fixed = (number: number, value: bigint) => {
    const bytes = Buffer.alloc(9, (number << 3) | 1);
    bytes.writeBigUInt64LE(value, 1);
    return bytes;
  };
  const point = (n: number) => field(1, Buffer.concat([field(7, attribute("http.route", `/u/${n}`)), fixed(2, now), fixed(3, now), fixed(6, 1n)]));
  // A cumulative, monotonic sum with so many routes.
  const push = (name: string, routes: number) => {
    const sum = Buffer.concat([...Array.from({ length: routes }, (_, n) => point(n)), Buffer.from([2 << 3, 2, 3 << 3, 1])]);
    const metric = Buffer.concat([field(1, "http.server.requests"), field(7, sum)]);
    return field(1, Buffer.concat([field(1, field(1, attribute("service.name", name))), field(2, field(2, metric))]));
  };
  const left = async () => {
    const refusals = [...(await exposed(dashboard))].filter(([series]) => series.startsWith("recipe_monitoring_otlp_points_refused_total"));
    return refusals.reduce((sum, [, value]) => sum + value, 0);
  };
  const before = await left();
  await withstand(async () => {
    const answer = await post("/v1/metrics", protobuf, [push("flood", 100_000)]);
    expect(answer.status).toBe(200);
    expect((await left()) - before).toBeGreaterThanOrEqual(90_000);
    expect(await value("recipe_monitoring_otlp_series")).toBeLessThanOrEqual(10_000);
    expect((await current(dashboard)).application!.routes.length).toBeLessThanOrEqual(20);
    // Another one that pushes is not shut out by it.
    expect((await post("/v1/metrics", protobuf, [push("other", 1)])).text).toBe("");
    await expect.poll(async () => (await instance("other"))?.up).toBe(true);
  });
});

for (const { what, piece } of [
  { what: "with one series after the other", piece: (n: number) => `flood_total{n="${n}"} 1\n` },
  { what: "with one line that is never over", piece: () => "x".repeat(20) },
]) {
  test(`a target that never ends, ${what}`, async () => {
    let most = 0;
    const parts = function* () {
      for (let [sent, n] = [0, 0]; sent < 1024 * MiB; most = Math.max(most, sent)) {
        const part = Array.from({ length: 4_000 }, () => piece(n++)).join("");
        sent += part.length;
        yield part;
      }
    };
    attacker.answer = (_, response) => pipeline(Readable.from(parts()), response, () => {});
    const failures = 'recipe_monitoring_scrapes_total{outcome="failure"}';
    await withstand(async () => {
      await expect.poll(async () => (await instance("attacker"))?.error).toContain("more than 16 MiB");
      const before = await value(failures);
      await expect.poll(() => value(failures)).toBeGreaterThan(before);
      expect((await instance("attacker"))?.up).toBe(false);
    });
    // Each time it is hung up on, not read to the end; something is always under way.
    expect(most).toBeLessThan(32 * MiB);
  });
}

test("a target that goes on by a byte at a time", async () => {
  attacker.answer = (_, response) => {
    const trickle = setInterval(() => response.write("#"), 50);
    response.on("close", () => clearInterval(trickle));
  };
  await withstand(async () => {
    await expect.poll(async () => (await instance("attacker"))?.error).toContain("did not answer in full within 4");
  });
});

test("a flood of 2,000 requests is slowed down, and one from elsewhere gets through meanwhile", async () => {
  const path = "/api/v1/events";
  const event = [JSON.stringify({ event: "recipe_created" })];
  const before = (await today(dashboard, "recipes_created_daily")) ?? 0;
  await withstand(async () => {
    const flood = Promise.all(Array.from({ length: 2_000 }, () => post(path, json, event)));
    await expect.poll(() => answered(path, 429), { intervals: [20] }).toBeGreaterThan(0);
    expect((await post(path, json, event, "127.0.0.2")).status).toBe(202);
    const answers = await flood;
    const taken = answers.filter(({ status }) => status === 202).length;
    const tooMany = answers.filter(({ status }) => status === 429);
    expect(taken + tooMany.length).toBe(2_000);
    expect(tooMany.length).toBeGreaterThan(0);
    expect(await answered(path, 429)).toBe(tooMany.length);
    expect(Number(tooMany[0]!.headers["retry-after"])).toBeGreaterThan(0);
    // Whoever waits as long as it says gets through.
    await expect.poll(async () => (await post(path, json, event)).status).toBe(202);
    // What was taken was counted to the last one.
    await expect.poll(() => today(dashboard, "recipes_created_daily")).toBe(before + taken + 2);
  });
});
