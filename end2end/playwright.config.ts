import { defineConfig } from "@playwright/test";

// The built product in Debian's Chromium. Each worker starts a dashboard of its own on a free port.
export default defineConfig({
  testDir: "tests",
  snapshotPathTemplate: "{testDir}/snapshots/{arg}{ext}",
  workers: 3,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: !!process.env.CI,
  // Traces of all tests would take a sixth of the time: one that fails is run again with one, and has failed nevertheless.
  retries: 1,
  failOnFlakyTests: true,
  reporter: [["list"], ["html", { open: "never" }]],
  use: {
    trace: "on-first-retry",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
