// What the graphs show, from an event of the live feed: of the host and of the application.

export const HOST = {
  cpu_usage: (system) => system.cpu_usage,
  memory_usage: (system) => system.memory_usage,
  network_rx: (system) => system.network_rx / system.interval_seconds,
  network_tx: (system) => system.network_tx / system.interval_seconds,
  load_average_1m: (system) => system.load_average_1m,
};

export const APPLICATION = {
  http_requests_per_second: (application) => application.total.per_second,
  http_error_rate: (application) => application.total.error_rate,
  response_time_p50: (application) => application.total.p50_ms,
  response_time_p95: (application) => application.total.p95_ms,
  response_time_p99: (application) => application.total.p99_ms,
  active_connections: (application) => application.active_connections,
};

/** Every graph: where it is, its title, what its numbers are, and the metric and name of each line. */
export const GRAPHS = [
  { panel: 'system', title: 'CPU', unit: '%', top: 100, lines: [['cpu_usage', 'CPU']] },
  { panel: 'system', title: 'Memory', unit: '%', top: 100, lines: [['memory_usage', 'Memory']] },
  {
    panel: 'system',
    title: 'Network',
    unit: 'B/s',
    lines: [
      ['network_rx', 'received'],
      ['network_tx', 'sent'],
    ],
  },
  { panel: 'system', title: 'Load', unit: '', lines: [['load_average_1m', '1 min']] },
  { panel: 'application', title: 'Requests', unit: '/s', lines: [['http_requests_per_second', 'Requests']] },
  { panel: 'application', title: 'Error rate', unit: '%', lines: [['http_error_rate', 'Error rate']] },
  {
    panel: 'application',
    title: 'Response time',
    unit: 'ms',
    lines: [
      ['response_time_p50', 'P50'],
      ['response_time_p95', 'P95'],
      ['response_time_p99', 'P99'],
    ],
  },
  { panel: 'application', title: 'Connections', unit: '', lines: [['active_connections', 'Connections']] },
];

/** So many lines in each graph as wanted, `[1, 2, ...]`; without a wish, the graphs of an overview. */
export function graphs(wanted) {
  if (!wanted) return GRAPHS.slice(0, 7);
  const rest = [...GRAPHS];
  return wanted.map((count, place) => {
    const fitting = rest.findIndex(({ lines }) => lines.length === count);
    const [graph] = fitting < 0 ? [GRAPHS[place % GRAPHS.length]] : rest.splice(fitting, 1);
    const metrics = Object.keys({ ...HOST, ...APPLICATION });
    const line = (i) => graph.lines[i] ?? [metrics[(place + i) % metrics.length], `line ${i + 1}`];
    return { ...graph, lines: Array.from({ length: count }, (_, i) => line(i)) };
  });
}
