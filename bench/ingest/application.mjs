// The application whose metrics are ingested: 50 routes, 5 methods and 4 statuses, a thousand series of each kind, all
// of which have a request more in every turn. `/metrics` is made by prom-client, pushes by OpenTelemetry's SDK.

import http from 'node:http';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import client from 'prom-client';

const ROUTES = Array.from({ length: 50 }, (_, i) => `/api/v1/shops/:shop/articles-${i}/:article`);
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];
const STATUSES = ['200', '304', '404', '500'];
const STOCKS = 100;
/** With `+Inf` there is one more. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

const SERIES = ROUTES.flatMap((route) =>
  METHODS.flatMap((method) => STATUSES.map((status) => ({ method, route, status }))),
);

/** Data points of a push: histograms, counters, gauges. */
export const POINTS = 2 * SERIES.length + STOCKS;
/** Samples of a scrape of the same: a histogram has its buckets, sum and count. */
export const SAMPLES = SERIES.length * (BOUNDS.length + 3) + SERIES.length + STOCKS;

/** From 1 ms to 20 s, another in every turn; in the same order in every round. */
const seconds = (turn, series) => 0.001 * 20_000 ** (((turn * 31 + series * 17) % 97) / 96);

/** What is scraped: `{url, scraped, stop}`; `scraped` is done when a scrape has got its answer. */
export async function startTarget() {
  const registry = new client.Registry();
  const registers = [registry];
  const labelNames = ['method', 'route', 'status'];
  const durations = new client.Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to answer',
    labelNames,
    buckets: BOUNDS,
    registers,
  });
  const requests = new client.Counter({ name: 'http_requests_total', help: 'Requests', labelNames, registers });
  const stock = new client.Gauge({ name: 'stock', help: 'Articles in stock', labelNames: ['shop'], registers });
  let turn = 0;
  const server = http.createServer(async (_, response) => {
    turn += 1;
    SERIES.forEach((labels, i) => {
      durations.observe(labels, seconds(turn, i));
      requests.inc(labels);
    });
    for (let i = 0; i < STOCKS; i += 1) stock.set({ shop: `shop-${i}` }, turn + i);
    response.setHeader('content-type', registry.contentType);
    response.end(await registry.metrics(), () => server.emit('scraped'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const scraped = () => once(server, 'scraped', { signal: AbortSignal.timeout(10_000) });
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/metrics`, scraped, stop };
}

class OnDemand extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

/** What pushes: every call makes the body of the next push. */
export function pushes() {
  const reader = new OnDemand();
  const resource = resourceFromAttributes({ 'service.name': 'shop', 'service.instance.id': 'shop-1' });
  const meter = new MeterProvider({ resource, readers: [reader] }).getMeter('shop');
  const durations = meter.createHistogram('http.server.request.duration', {
    unit: 's',
    advice: { explicitBucketBoundaries: BOUNDS },
  });
  const requests = meter.createCounter('http.requests');
  const stock = meter.createGauge('stock');
  const attributes = SERIES.map(({ method, route, status }) => ({
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': Number(status),
  }));
  let turn = 0;
  return async () => {
    turn += 1;
    attributes.forEach((of, i) => {
      durations.record(seconds(turn, i), of);
      requests.add(1, of);
    });
    for (let i = 0; i < STOCKS; i += 1) stock.record(turn + i, { shop: `shop-${i}` });
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length) throw errors[0];
    return ProtobufMetricsSerializer.serializeRequest(resourceMetrics);
  };
}

export function versions() {
  const require = createRequire(import.meta.url);
  const of = (name) => `${name} ${require(`${name}/package.json`).version}`;
  return { scraped: of('prom-client'), pushed: of('@opentelemetry/sdk-metrics') };
}
