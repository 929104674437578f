// What the peer's page shows: read from the real dashboard's API once, and kept up to date by its live feed.

import { EventEmitter } from 'node:events';
import WebSocket from 'ws';
import { get } from '../../lib/http.mjs';
import { past } from '../past.mjs';
import { APPLICATION, HOST } from './metrics.mjs';

const SPAN_MS = 15 * 60_000;
const POINTS = 90;
/** The archive has bytes of the network per sample, which is one in so many seconds. */
const SAMPLE_SECONDS = 10;
const READ_STORES_MS = 5000;
const SOURCES = { 'metrics:system': ['system', HOST], 'metrics:application': ['application', APPLICATION] };

/** Emits `event` with its name and data. */
export class State extends EventEmitter {
  #url;
  #current;
  #alerts;
  #day;
  #stores;
  /** `[milliseconds, value]` of each metric. */
  #history = {};

  constructor(url) {
    super();
    this.#url = url;
  }

  async start() {
    this.#current = await this.#json('api/v1/current');
    this.#alerts = await this.#json('api/v1/alerts');
    const dayAgo = new Date(Date.now() - 86_400_000).toISOString();
    const history = await this.#json(`api/v1/alerts/history?from=${dayAgo}`);
    const of = (wanted) => history.filter(({ severity }) => severity === wanted).length;
    this.#day = ['critical', 'warning', 'info'].map(of);
    await this.#readStores();
    for (const metric of Object.keys({ ...HOST, ...APPLICATION })) this.#history[metric] = await this.#range(metric);
    this.#listen();
    setInterval(() => this.#readStores().catch(() => {}), READ_STORES_MS).unref();
  }

  /** All of it; with a past that did not go by where `made` says how long: `{number, seconds}`. */
  snapshot(made) {
    return {
      current: this.#current,
      history: made ? this.#made(made) : this.#history,
      alerts: this.#alerts,
      day: this.#day,
      stores: this.#stores,
    };
  }

  #made(made) {
    const newest = {};
    for (const [source, metrics] of Object.values(SOURCES)) {
      for (const [metric, read] of Object.entries(metrics)) newest[metric] = read(this.#current[source]) ?? 0;
    }
    const points = past(newest, { ...made, to: Date.now() - 1000 });
    const of = (metric) => points.map((point) => [Date.parse(point.at), point[metric]]);
    return Object.fromEntries(Object.keys(newest).map((metric) => [metric, of(metric)]));
  }

  #listen() {
    const live = new WebSocket(new URL('api/v1/live', this.#url.replace('http:', 'ws:')), { perMessageDeflate: false });
    live.on('error', () => process.exit(1));
    live.on('message', (text) => {
      const { event, at, data } = JSON.parse(text);
      const source = SOURCES[event];
      if (source) {
        const [name, metrics] = source;
        this.#current[name] = data;
        for (const [metric, read] of Object.entries(metrics)) this.#keep(metric, Date.parse(at), read(data));
      } else if (event === 'metrics:business') {
        this.#current.business = data;
      } else if (event.startsWith('alert:')) {
        this.#alerts = this.#alerts.filter(({ id }) => id !== data.id);
        if (!data.resolved_at) this.#alerts.unshift(data);
      } else {
        return;
      }
      this.emit('event', event, event.startsWith('alert:') ? this.#alerts : data);
    });
  }

  #keep(metric, at, value) {
    const points = this.#history[metric];
    points.push([at, value ?? null]);
    while (points[0][0] < at - SPAN_MS) points.shift();
  }

  async #readStores() {
    const { body } = await get(new URL('readyz', this.#url));
    this.#stores = JSON.parse(body).parts;
    this.emit('event', 'stores', this.#stores);
  }

  async #range(metric) {
    const [from, to] = [Date.now() - SPAN_MS, Date.now()].map((at) => new Date(at).toISOString());
    const asked = `api/v1/range?metric=${metric}&from=${from}&to=${to}&points=${POINTS}`;
    const { status, body } = await get(new URL(asked, this.#url));
    // Nothing was kept of it yet.
    if (status === 404) return [];
    const { series } = JSON.parse(body);
    const divisor = metric.startsWith('network_') ? SAMPLE_SECONDS : 1;
    return (series[0]?.points ?? []).map(({ at, avg }) => [Date.parse(at), avg / divisor]);
  }

  async #json(resource) {
    const { status, body } = await get(new URL(resource, this.#url));
    if (status !== 200) throw new Error(`${resource} was answered with ${status}: ${body}`);
    return JSON.parse(body);
  }
}
