#!/usr/bin/env node
// What this is built of: licences, where crates come from, and what is publicly known to be wrong with them. What is
// found fails; what cannot be asked for, because a tool or its data are not to be had here, is said in a sentence.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const crates = "registry+https://github.com/rust-lang/crates.io-index";
const folders = ["frontend/echarts", "end2end", "bench"];
const deny = readFileSync("deny.toml", "utf8");
let failed = false;

const fail = (what) => {
  failed = true;
  console.error(`  no  ${what}`);
};
const leftOut = (what) => console.log(`  --  left out: ${what}`);

function output(command, ...words) {
  const { status, stdout, error } = spawnSync(command, words, { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "pipe"] });
  return { ok: !error && status === 0, text: stdout ?? "" };
}

const done = (command, ...words) => spawnSync(command, words, { stdio: "inherit" }).status === 0;

/** The texts of a list in deny.toml. */
function list(name) {
  const [, texts] = new RegExp(`^${name} = \\[([^\\]]*)\\]`, "m").exec(deny) ?? [];
  return [...(texts ?? "").matchAll(/"([^"]+)"/g)].map(([, text]) => text);
}

/** Whether an SPDX expression, without brackets within brackets, can be met by licences that are allowed. */
function isAllowed(expression, allowed) {
  const inner = expression.replaceAll(/\(([^()]*)\)/g, (_, part) => (isAllowed(part, allowed) ? "yes" : "no"));
  const one = (name) => name === "yes" || allowed.has(name);
  return inner.split(/ OR |\//).some((choice) => choice.split(" AND ").every((name) => one(name.trim())));
}

/** What `cargo deny check licenses sources` looks at, by cargo alone. */
function licencesAndSources() {
  const platforms = list("targets").flatMap((target) => ["--filter-platform", target]);
  const { ok, text } = output("cargo", "metadata", "--locked", "--format-version=1", ...platforms);
  if (!ok) return fail("cargo metadata: see what 'cargo metadata --locked' says");
  const { packages, resolve } = JSON.parse(text);
  const used = new Set(resolve.nodes.map(({ id }) => id));
  const allowed = new Set(list("allow"));
  const all = packages.filter(({ id }) => used.has(id));
  for (const { name, version, license, source } of all) {
    if (source !== null && source !== crates) fail(`${name} ${version} comes from ${source}`);
    if (!isAllowed(license ?? "none", allowed)) fail(`${name} ${version} has the licence ${license}, which deny.toml does not allow`);
  }
  if (!failed) console.log(`  ok  licences and sources of ${all.length} crates`);
}

function cargoDeny() {
  if (!output("cargo", "deny", "--version").ok) {
    return leftOut("bans and advisories of crates, as cargo-deny is not installed (cargo install --locked cargo-deny)");
  }
  if (done("cargo", "deny", "--log-level", "error", "check", "bans", "licenses", "sources")) console.log("  ok  cargo deny: bans, licences, sources");
  else fail("cargo deny check bans licenses sources");
  if (!output("cargo", "deny", "fetch", "db").ok) {
    return leftOut("advisories of crates, as the database of RustSec cannot be fetched here");
  }
  if (done("cargo", "deny", "--log-level", "error", "check", "--disable-fetch", "advisories")) console.log("  ok  cargo deny: advisories");
  else fail("cargo deny check advisories");
}

/** Only its own answer says whether the registry knew anything: the exit status is that of a finding and of a failure. */
function npmAudit(folder) {
  const { text } = output("npm", "audit", "--prefix", folder, "--package-lock-only", "--json");
  let answer = {};
  try {
    answer = JSON.parse(text);
  } catch {
    // Said below.
  }
  const found = answer.metadata?.vulnerabilities;
  if (!found) return leftOut(`npm audit of ${folder}, as the registry does not answer it here`);
  if (found.total === 0) return console.log(`  ok  npm audit: ${folder}`);
  const names = Object.entries(answer.vulnerabilities ?? {}).map(([name, { severity }]) => `${name} (${severity})`);
  fail(`npm audit of ${folder}: ${names.join(", ")}`);
}

licencesAndSources();
cargoDeny();
folders.filter((folder) => existsSync(`${folder}/package-lock.json`)).forEach(npmAudit);
process.exitCode = failed ? 1 : 0;
