// The peer's script: charts of Chart.js, kept live by socket.io.

import {
  ArcElement,
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  Decimation,
  DoughnutController,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from 'chart.js';
import { io } from 'socket.io-client';
import { alerts, disks, routes, stores } from './html.mjs';
import { APPLICATION, HOST } from './metrics.mjs';
import { tiles } from './tiles.mjs';

Chart.register(
  ArcElement,
  BarController,
  BarElement,
  CategoryScale,
  Decimation,
  DoughnutController,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
);
// What Chart.js advises for speed: no animation, data as it is drawn, no points, labels of one size, decimation.
Object.assign(Chart.defaults, { animation: false, maintainAspectRatio: false, normalized: true });
Chart.defaults.font.size = 11;

const SPAN_MS = 15 * 60_000;
const COLOURS = ['#2f6fed', '#d9822b', '#1c9a6c', '#8b5cf6', '#c2417c'];
const SEVERITIES = ['critical', 'warning', 'info'];
const element = (id) => document.getElementById(id);
const state = JSON.parse(element('state').textContent);
const history = Object.fromEntries(
  Object.entries(state.history).map(([metric, points]) => [metric, points.map(([x, y]) => ({ x, y }))]),
);

const twoDigits = (number) => String(number).padStart(2, '0');
const minute = (milliseconds) => {
  const date = new Date(milliseconds);
  return `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
};

class LineChart {
  constructor(canvas, { lines, top }) {
    this.metrics = lines.map(([metric]) => metric);
    this.chart = new Chart(canvas, {
      type: 'line',
      data: {
        datasets: lines.map(([metric, label], place) => ({
          label,
          data: history[metric],
          borderColor: COLOURS[place % COLOURS.length],
          backgroundColor: `${COLOURS[place % COLOURS.length]}20`,
          borderWidth: 1.5,
          pointRadius: 0,
          fill: lines.length === 1,
        })),
      },
      options: {
        parsing: false,
        interaction: { mode: 'index', intersect: false },
        scales: {
          x: {
            type: 'linear',
            ticks: { callback: minute, stepSize: 300_000, maxRotation: 0, sampleSize: 1 },
            grid: { display: false },
          },
          y: { min: 0, max: top, ticks: { maxTicksLimit: 3 } },
        },
        plugins: {
          legend: { display: lines.length > 1, labels: { boxWidth: 12, boxHeight: 2 } },
          decimation: { enabled: true, algorithm: 'min-max', threshold: 500 },
          tooltip: { callbacks: { title: ([item]) => new Date(item.parsed.x).toLocaleTimeString() } },
        },
      },
    });
    this.draw();
  }

  draw() {
    const newest = history[this.metrics[0]].at(-1)?.x ?? Date.now();
    Object.assign(this.chart.options.scales.x, { min: newest - SPAN_MS, max: newest });
    // The decimation has put what it draws in the place of the data.
    this.chart.data.datasets.forEach((line, place) => {
      line.data = history[this.metrics[place]];
    });
    this.chart.update('none');
  }

  points() {
    return this.metrics.map((metric) => history[metric].length);
  }
}

const lineCharts = state.graphs.map((graph, place) => new LineChart(element(`graph-${place}`), graph));
window.lineCharts = lineCharts;

const bars = (id, labels, datasets) =>
  new Chart(element(id), {
    type: 'bar',
    data: { labels, datasets },
    options: { scales: { x: { grid: { display: false } } }, plugins: { legend: { display: datasets.length > 1 } } },
  });

const { durations } = state.current.application;
const inMilliseconds = ({ le }) => (le === undefined ? 'more' : `${le * 1000}`);
const counts = (all) => all.map(({ count }) => count);
const durationBars = bars('durations', durations.map(inMilliseconds), [
  { data: counts(durations), backgroundColor: COLOURS[0] },
]);

const { metrics } = state.current.business;
const weekBars = bars(
  'week',
  (metrics[0]?.week ?? []).map(({ date }) => date.slice(5)),
  metrics.map(({ title_en: label, week }, place) => ({
    label,
    data: counts(week),
    backgroundColor: COLOURS[place % COLOURS.length],
  })),
);

new Chart(element('day'), {
  type: 'doughnut',
  data: { labels: SEVERITIES, datasets: [{ data: state.day, backgroundColor: ['#d92d3a', '#f2b01e', '#2563eb'] }] },
});

const write = (id, text) => {
  const node = element(id);
  if (node && node.textContent !== text) node.textContent = text;
};

const writeTiles = () => {
  for (const { id, text } of tiles(state.current)) write(id, text);
};

const take = (data, readers) => {
  const at = Date.parse(data.at);
  for (const [metric, read] of Object.entries(readers)) {
    const points = history[metric];
    points.push({ x: at, y: read(data) ?? null });
    let old = 0;
    while (points[old].x < at - SPAN_MS) old += 1;
    points.splice(0, old);
  }
  lineCharts.filter((chart) => chart.metrics.some((metric) => metric in readers)).forEach((chart) => chart.draw());
  writeTiles();
};

const socket = io({ transports: ['websocket'] });
socket.on('metrics:system', (system) => {
  state.current.system = system;
  take(system, HOST);
  element('disks').innerHTML = disks(system);
});
socket.on('metrics:application', (application) => {
  state.current.application = application;
  take(application, APPLICATION);
  element('routes').innerHTML = routes(application);
  durationBars.data.datasets[0].data = counts(application.durations);
  durationBars.update('none');
});
socket.on('metrics:business', (business) => {
  state.current.business = business;
  writeTiles();
  business.metrics.forEach(({ week }, place) => {
    if (weekBars.data.datasets[place]) weekBars.data.datasets[place].data = counts(week);
  });
  weekBars.update('none');
});
for (const event of ['alert:new', 'alert:changed', 'alert:resolved']) {
  socket.on(event, (active) => {
    element('alerts').innerHTML = alerts(active);
  });
}
socket.on('stores', (parts) => {
  element('stores').innerHTML = stores(parts);
});

setInterval(() => write('clock', new Date().toLocaleTimeString()), 1000);
