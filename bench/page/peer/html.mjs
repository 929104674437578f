// The peer's page as HTML, with the values of the moment.

import { tiles } from './tiles.mjs';

const ROUTES_HEAD = '<thead><tr><th>Route</th><th>/s</th><th>P95</th></tr></thead>';

const escaped = (text) => String(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt()};`);

/** `state` is also in it for the script. */
export function html(state, { script, style }) {
  const { system, application } = state.current;
  const panel = (name, title, more) => `<section class="panel ${name}"><h2>${title}</h2>
<dl class="tiles">${tilesOf(name, state)}</dl>${more}
<div class="graphs">${graphsOf(name, state)}</div></section>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Monitoring</title><meta name="description" content="System, application, business, alerts and database">
<link rel="icon" href="/icon.svg"><link rel="modulepreload" href="${script}"><style>${style}</style></head>
<body><header><h1>Monitoring</h1><p id="clock"></p></header><main>
${panel('system', 'System', `<ul class="disks" id="disks">${disks(system)}</ul>`)}
${panel('application', 'Application', `<table>${ROUTES_HEAD}<tbody id="routes">${routes(application)}</tbody></table>`)}
${panel('business', 'Business', '')}
<section class="panel alerts"><h2>Alerts</h2><ul id="alerts">${alerts(state.alerts)}</ul>
<div class="graphs">${figure('day', 'Alerts of the last 24 hours')}</div></section>
<section class="panel database"><h2>Database</h2><ul id="stores">${stores(state.stores)}</ul></section>
</main>
<script type="application/json" id="state">${JSON.stringify(state).replaceAll('<', '\\u003c')}</script>
<script type="module" src="${script}"></script></body></html>`;
}

function tilesOf(name, { current }) {
  const own = tiles(current).filter(({ panel }) => panel === name);
  return own.map(({ id, name, text }) => `<div><dt>${escaped(name)}</dt><dd id="${id}">${escaped(text)}</dd></div>`).join('');
}

function graphsOf(name, { graphs }) {
  const own = graphs.map((graph, place) => ({ ...graph, id: `graph-${place}` })).filter(({ panel }) => panel === name);
  if (name === 'application') own.push({ id: 'durations', title: 'Distribution of response times' });
  if (name === 'business') own.push({ id: 'week', title: 'The week' });
  return own.map(({ id, title, unit }) => figure(id, title, unit)).join('');
}

const figure = (id, title, unit = '') => `<figure><figcaption>${title} ${unit}</figcaption><div class="box">
<canvas id="${id}" role="img" aria-label="${title}"></canvas></div></figure>`;

export function disks(system) {
  const share = (mount) => Math.round((mount.used_bytes / (mount.used_bytes + mount.available_bytes)) * 100);
  const item = (name, percent) =>
    `<li>${name} <meter min="0" max="100" value="${percent}" aria-label="${name}"></meter> ${percent} %</li>`;
  return system.mounts
    .slice(0, 5)
    .map((mount) => item(escaped(mount.mount), share(mount)))
    .join('');
}

export function routes(application) {
  const row = (...cells) => `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`;
  return [...application.routes]
    .sort((a, b) => b.per_second - a.per_second)
    .slice(0, 5)
    .map((of) => row(`${of.method} ${of.route}`, (of.per_second ?? 0).toFixed(1), `${(of.p95_ms ?? 0).toFixed(0)} ms`))
    .join('');
}

export function alerts(active) {
  if (!active.length) return '<li>Nothing fires</li>';
  return active
    .slice(0, 5)
    .map(({ severity, rule_name: rule, message, fired_at: at }) => {
      const text = `<b>${escaped(rule)}</b> ${severity}: ${escaped(message)} <time>${escaped(at)}</time>`;
      return `<li class="${severity}">${text}</li>`;
    })
    .join('');
}

export function stores(parts) {
  const item = ([name, { state, since }]) =>
    `<li>${escaped(name)}: <b>${escaped(state)}</b> since ${escaped(since.slice(0, 19))}</li>`;
  return Object.entries(parts).map(item).join('');
}
