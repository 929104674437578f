// node express.mjs bare|measured [series]: the peer, an Express application with or without prom-client as its manual
// has it, beside so many series of its own. Says its URL.

import express from 'express';
import client from 'prom-client';

/** The bounds of ours. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

const [kind, series = '0'] = process.argv.slice(2);
const app = express();

if (kind === 'measured') {
  const labelNames = ['method', 'route', 'status'];
  const requests = new client.Counter({ name: 'http_requests_total', help: 'Requests answered', labelNames });
  const help = 'Time to answer';
  const durations = new client.Histogram({ name: 'http_request_duration_seconds', help, labelNames, buckets: BUCKETS });
  app.use((request, response, next) => {
    const end = durations.startTimer();
    response.once('finish', () => {
      const labels = { method: request.method, route: request.route?.path ?? 'unmatched', status: response.statusCode };
      requests.inc(labels);
      end(labels);
    });
    next();
  });
  app.get('/metrics', async (_, response) => {
    response.type(client.register.contentType).send(await client.register.metrics());
  });
  const stock = new client.Gauge({ name: 'stock', help: 'Articles in stock', labelNames: ['shop', 'article'] });
  for (let i = 0; i < Number(series); i += 1) stock.set({ shop: `shop-${i % 100}`, article: `article-${i}` }, i);
}

app.get('/recipes/:id', (request, response) => {
  response.type('text/plain').send(`{"id":${request.params.id}}`);
});

const server = app.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
