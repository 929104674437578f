// The same rules in both files. A rule is {name, expression}.

import { METRICS, threshold } from './application.mjs';

/** Nothing that is measured here comes near. */
const NEVER = 1e12;
/** A rule for each step of open connections. */
export const ladder = (steps) =>
  Array.from({ length: steps }, (_, i) => ({
    name: `Step${i + 1}`,
    expression: `active_connections > ${threshold(i + 1)}`,
  }));

/** So many rules: the last one fires at the first step, none of the others ever does. */
export const many = (number) => [
  ...Array.from({ length: number - 1 }, (_, i) => ({
    name: `Never${i + 1}`,
    expression: `${METRICS[i % METRICS.length]} > ${NEVER + i}`,
  })),
  { name: 'Last', expression: `active_connections > ${threshold(1)}` },
];

export const ours = (rules) =>
  rules
    .map(({ name, expression }) => `[[rule]]\nalert = "${name}"\nexpr = "${expression}"\naction = "notify"\n`)
    .join('\n');

export function prometheus(rules, groups) {
  const group = (_, place) => {
    const lines = rules
      .filter((_, i) => i % groups === place)
      .map(({ name, expression }) => `      - alert: ${name}\n        expr: ${expression}\n`);
    return `  - name: group-${place}\n    rules:${lines.length ? `\n${lines.join('')}` : ' []\n'}`;
  };
  return `groups:\n${Array.from({ length: groups }, group).join('')}`;
}
