"""Counts with the OpenTelemetry SDK as it is, set by its own environment variables alone.

Every line of the input is a number of requests, of which every fifth fails and every tenth makes a recipe. Each is
pushed, and then answered by a line.
"""

import sys

from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
metrics.set_meter_provider(provider)
meter = metrics.get_meter("recipes")
durations = meter.create_histogram("http.server.request.duration", unit="s")
created = meter.create_counter("recipes.created")
created.add(0)

for line in sys.stdin:
    for number in range(int(line)):
        route, status = ("/broken", 500) if number % 5 == 0 else ("/recipes/{slug}", 200)
        durations.record(0.02, {"http.request.method": "GET", "http.route": route, "http.response.status_code": status})
        if number % 10 == 0:
            created.add(1)
    print("pushed" if provider.force_flush() else "failed", flush=True)
