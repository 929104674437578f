// Both, watching the same application by the same rules as often as they can: every second.

import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alertmanagerVersion, withAlertmanager } from '../lib/alertmanager.mjs';
import { withDashboard } from '../lib/dashboard.mjs';
import { get } from '../lib/http.mjs';
import { withPrometheus } from '../lib/prometheus.mjs';
import { removeDirectory, temporaryDirectory } from '../lib/temporary.mjs';
import * as rules from './rules.mjs';

/** The shortest times that ours can be set to. */
export const INTERVAL_MS = 1000;
/** Of the peer's rules, which it evaluates beside each other, each group at another part of the second. */
export const GROUPS = 10;

const PATIENCE_MS = 60_000;

let peer = '';
export const peerVersion = () => peer;

/**
 * Runs `measure` with ours, `{pid, use, canTell}`, which tells a webhook: `use` gives it rules in place of those it has
 * and waits until it goes by them, `canTell` waits until nothing that fires is lost.
 */
export async function withOurs(application, webhook, measure) {
  const directory = temporaryDirectory('rules');
  const file = path.join(directory, 'rules.toml');
  replace(file, rules.ours([]));
  const settings = [
    'live.push=1s',
    'sampling.application=1s',
    `application.targets=["${application}"]`,
    `alerts.rules=${file}`,
    `notify.receivers={bench={kind="webhook",url="${webhook}",allow_private=true}}`,
    'notify.group_interval=0s',
    'notify.fire_drill=0s',
  ];
  try {
    return await withDashboard((server) => {
      const use = async (wanted) => {
        replace(file, rules.ours(wanted));
        process.kill(server.pid, 'SIGHUP');
        await until(`${wanted.length} rules`, async () => {
          const { rules } = await json(server, 'api/v1/alerting');
          return rules.some(({ name }) => name === wanted.at(-1).name);
        });
      };
      return measure({ pid: server.pid, use, canTell: async () => {} });
    }, settings);
  } finally {
    removeDirectory(directory);
  }
}

/** The same with the peer. */
export async function withPeer(application, webhook, measure) {
  const directory = temporaryDirectory('rules');
  const file = path.join(directory, 'rules.yml');
  try {
    return await withAlertmanager(webhook, (alertmanager) =>
      withPrometheus((prometheus) => {
        peer = `${prometheus.version} and ${alertmanagerVersion()}`;
        const use = async (wanted) => {
          replace(file, rules.prometheus(wanted, GROUPS));
          await prometheus.configure(configuration(application, alertmanager.host, file));
        };
        // With a configuration it forgets where its Alertmanager is, and looks for it within five seconds.
        const canTell = () =>
          until('its Alertmanager', async () => {
            const { data } = await json(prometheus, 'api/v1/alertmanagers');
            return data.activeAlertmanagers.length > 0;
          });
        return measure({ pid: prometheus.pid, use, canTell });
      }),
    );
  } finally {
    removeDirectory(directory);
  }
}

const configuration = (application, alertmanager, file) => `global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files: ['${file}']
alerting:
  alertmanagers:
    - static_configs:
        - targets: ['${alertmanager}']
scrape_configs:
  - job_name: application
    static_configs:
      - targets: ['${new URL(application).host}']
`;

/** Who reads the file meanwhile sees the one or the other as a whole. */
function replace(file, text) {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

async function json({ url }, resource) {
  const { status, body } = await get(new URL(resource, url));
  if (status !== 200) throw new Error(`${resource} was answered with ${status}`);
  return JSON.parse(body);
}

async function until(what, holds) {
  for (const end = performance.now() + PATIENCE_MS; !(await holds()); await sleep(100)) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
  }
}
