// Progress goes to standard error, so that standard output is the table and nothing else.

export function log(line) {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}
