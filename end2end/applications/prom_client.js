// An application with prom-client as most write it.

const express = require("express");
const client = require("prom-client");

const labelNames = ["method", "route", "status_code"];
const durations = new client.Histogram({ name: "http_request_duration_seconds", help: "Duration of requests", labelNames });
const requests = new client.Counter({ name: "http_requests_total", help: "Requests", labelNames });

const app = express();
app.get("/metrics", async (_, response) => {
  response.set("Content-Type", client.register.contentType).end(await client.register.metrics());
});
app.use((request, response, next) => {
  const end = durations.startTimer();
  response.on("finish", () => {
    const labels = { method: request.method, route: request.route?.path ?? "unmatched", status_code: response.statusCode };
    requests.inc(labels);
    end(labels);
  });
  next();
});
require("./routes")(app);
app.listen(process.env.PORT, "127.0.0.1");
