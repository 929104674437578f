// The two processes under PM2: `pm2 start ecosystem.config.js`, then `pm2 save` to have them back after a boot.
//
// Settings come from the environment, from recipe-monitoring.toml and from .env in the directory that `pm2 start` is
// called in (`recipe-monitoring-collector setup` writes them), LOG_DIR too.

const { existsSync } = require("node:fs");
const { join } = require("node:path");

const beside = join(__dirname, "bin");
const bin = existsSync(beside) ? beside : "/usr/bin";
const logs = process.env.LOG_DIR ?? join(process.env.PM2_HOME ?? join(process.env.HOME ?? ".", ".pm2"), "logs");

const app = (name, args) => ({
  name,
  args,
  script: join(bin, name),
  interpreter: "none",
  cwd: process.cwd(),
  // Some 50 MiB are usual, without PostgreSQL and Redis, which are processes of their own.
  max_memory_restart: process.env.MAX_MEMORY ?? "512M",
  // The end saves what was sampled, then stops PostgreSQL.
  kill_timeout: 60_000,
  exp_backoff_restart_delay: 500,
  out_file: join(logs, `${name}-out.log`),
  error_file: join(logs, `${name}-error.log`), // where the programs log, a line of JSON each
});

module.exports = {
  apps: [
    app("recipe-monitoring-collector", "run"),
    // Shows what the other one samples.
    app("recipe-monitoring-dashboard", "--set server.collector=separate"),
  ],
};
