// The peer's page as HTML, with the values of the moment.

import { tiles } from './tiles.mjs';

const escaped = (text) => String(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt()};`);

/** `state` is also in it for the script. */
export function html(state, { script, style }) {
  const { system, application, business } = state.current;
  const panel = (name, title, more) => `<section class="panel ${name}"><h2>${title}</h2>
<dl class="tiles">${tilesOf(name, state)}</dl>${more}
<div class="graphs">${graphsOf(name, state)}</div></section>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Monitoring</title><meta name="description" content="System, application, business, alerts and database">
<link rel="icon" href="/icon.svg"><link rel="modulepreload" href="${script}"><style>${style}</style></head>
<body><header><h1>Monitoring</h1><p id="clock"></p></header><main>
${panel('system', 'System', `<ul class="disks" id="disks">${disks(system)}</ul>`)}
${panel('application', 'Application', `<table><thead><tr><th>Route</th><th>/s</th><th>P95</th></tr></thead><tbody id="routes">${routes(application)}</tbody></table>`)}
${panel('business', 'Business', '')}
<section class="panel alerts"><h2>Alerts</h2><ul id="alerts">${alerts(state.alerts)}</ul>
<div class="graphs"><figure><figcaption>Last 24 hours</figcaption><div class="box"><canvas id="day" role="img" aria-label="Alerts of the last 24 hours by severity"></canvas></div></figure></div></section>
<section class="panel database"><h2>Database</h2><ul id="stores">${stores(state.stores)}</ul></section>
</main>
<script type="application/json" id="state">${JSON.stringify(state).replaceAll('<', '\\u003c')}</script>
<script type="module" src="${script}"></script></body></html>`;
  function tilesOf(name, { current }) {
    const all = tiles({ system, application, business: business ?? current.business });
    return all.filter((tile) => tile.panel === name).map(tileOf).join('');
  }
}

const tileOf = ({ id, name, text }) => `<div><dt>${escaped(name)}</dt><dd id="${id}">${escaped(text)}</dd></div>`;

function graphsOf(name, { graphs }) {
  const own = graphs.map((graph, place) => ({ ...graph, id: `graph-${place}` })).filter(({ panel }) => panel === name);
  if (name === 'application') own.push({ id: 'durations', title: 'Distribution of response times', unit: '' });
  if (name === 'business') own.push({ id: 'week', title: 'The week', unit: '' });
  return own
    .map(
      ({ id, title, unit }) => `<figure><figcaption>${title} ${unit}</figcaption><div class="box">
<canvas id="${id}" role="img" aria-label="${title}"></canvas></div></figure>`,
    )
    .join('');
}

export function disks(system) {
  const share = (mount) => Math.round((mount.used_bytes / (mount.used_bytes + mount.available_bytes)) * 100);
  return system.mounts
    .slice(0, 5)
    .map((mount) => `<li>${escaped(mount.mount)} <meter min="0" max="100" value="${share(mount)}" aria-label="${escaped(mount.mount)}"></meter> ${share(mount)} %</li>`)
    .join('');
}

export function routes(application) {
  return [...application.routes]
    .sort((a, b) => b.per_second - a.per_second)
    .slice(0, 5)
    .map(({ method, route, per_second: rate, p95_ms: p95 }) =>
      `<tr><td>${escaped(`${method} ${route}`)}</td><td>${(rate ?? 0).toFixed(1)}</td><td>${(p95 ?? 0).toFixed(0)} ms</td></tr>`)
    .join('');
}

export function alerts(active) {
  if (!active.length) return '<li>Nothing fires</li>';
  return active
    .slice(0, 5)
    .map(({ severity, rule_name: rule, message, fired_at: at }) =>
      `<li class="${severity}"><b>${escaped(rule)}</b> ${severity}: ${escaped(message)} <time>${escaped(at)}</time></li>`)
    .join('');
}

export function stores(parts) {
  return Object.entries(parts)
    .map(([name, { state, since }]) => `<li>${escaped(name)}: <b>${escaped(state)}</b> since ${escaped(since.slice(0, 19))}</li>`)
    .join('');
}
