// The table of all figures.
//
// A row is {what, unit, digits, ours, peer, goal, mayBeZero}. A goal is {of: 'ours' | 'ratio', most | least: number}.

const HEAD = ['measurement', 'ours', 'peer', 'ratio', 'goal', 'met'];

export function ratio(row) {
  return row.peer === undefined ? undefined : row.ours / row.peer;
}

/** Nothing compares with a peer that has none of it. */
function written(ratio) {
  return Number.isFinite(ratio) ? ratio.toFixed(2) : '-';
}

/** Whether the goal is met; undefined where there is none. */
export function met(row) {
  if (!row.goal) return undefined;
  const value = row.goal.of === 'ratio' ? ratio(row) : row.ours;
  return row.goal.most === undefined ? value >= row.goal.least : value <= row.goal.most;
}

/** What is wrong with the numbers themselves, whatever the goal. */
export function faults(row) {
  return ['ours', 'peer']
    .filter((side) => side === 'ours' || row[side] !== undefined)
    .filter((side) => !(Number.isFinite(row[side]) && (row.mayBeZero || row[side] > 0)))
    .map((side) => `${row.what}: ${side} is ${row[side]}`);
}

/** The table as text; without judgement, goals are left out. */
export function table(rows, { judge }) {
  const cells = rows.map((row) => [
    row.what,
    quantity(row, row.ours),
    row.peer === undefined ? '-' : quantity(row, row.peer),
    written(ratio(row)),
    judge ? goal(row) : '-',
    judge ? { true: 'yes', false: 'NO', undefined: '-' }[met(row)] : '-',
  ]);
  const widths = HEAD.map((head, column) => Math.max(head.length, ...cells.map((cell) => cell[column].length)));
  const aligned = (text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]));
  const line = (cell) => cell.map(aligned).join('  ');
  return [line(HEAD), widths.map((width) => '-'.repeat(width)).join('  '), ...cells.map(line)].join('\n');
}

function quantity({ digits, unit }, value) {
  return `${value.toFixed(digits)}${unit ? ` ${unit}` : ''}`;
}

function goal(row) {
  if (!row.goal) return '-';
  const limit = row.goal.most === undefined ? `>= ${row.goal.least}` : `<= ${row.goal.most}`;
  return row.goal.of === 'ratio' ? `ratio ${limit}` : `${limit}${row.unit ? ` ${row.unit}` : ''}`;
}
