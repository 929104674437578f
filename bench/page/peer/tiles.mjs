// The large numbers of each panel, as text: for the first HTML, and for every event after it.

const fixed = (value, decimals, unit) => (Number.isFinite(value) ? `${value.toFixed(decimals)} ${unit}` : '–');

/** `[{panel, id, name, text}]` */
export function tiles({ system, application, business }) {
  const bytes = (system.network_rx + system.network_tx) / system.interval_seconds;
  const { per_second: rate, error_rate: errors, p95_ms: p95 } = application.total;
  const tile = (panel, id, name, text) => ({ panel, id, name, text });
  return [
    tile('system', 'cpu', 'CPU', fixed(system.cpu_usage, 1, '%')),
    tile('system', 'memory', 'Memory', fixed(system.memory_usage, 1, '%')),
    tile('system', 'load', 'Load', fixed(system.load_average_1m, 2, '')),
    tile('system', 'network', 'Network', fixed(bytes / 1024, 1, 'KiB/s')),
    tile('application', 'requests', 'Requests', fixed(rate, 1, '/s')),
    tile('application', 'errors', 'Error rate', fixed(errors, 2, '%')),
    tile('application', 'p95', 'P95', fixed(p95, 0, 'ms')),
    tile('application', 'connections', 'Connections', fixed(application.active_connections, 0, '')),
    ...business.metrics.map((metric) => tile('business', metric.name, metric.title_en, fixed(metric.today, 0, ''))),
  ];
}
