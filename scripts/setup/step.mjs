// How set-up talks and runs programs: one line per step with its time; a program's output only when it fails.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const kRoot = fileURLToPath(new URL('../..', import.meta.url));

/** @returns {never} */
export function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

/** Run one step; its result may carry `note`, shown behind the time. */
export async function step(name, work) {
  const started = performance.now();
  if (process.stderr.isTTY) process.stderr.write(`setup: ${name} ...\r`);
  const result = (await work()) ?? {};
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const note = result.note ? `  ${result.note}` : '';
  process.stderr.write(`setup: ${name.padEnd(24)}${seconds.padStart(7)} s${note}\n`);
  return result;
}

/** Standard output of a program, and its exit code; a missing program is exit code 127. */
export function capture(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: kRoot, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stderr.on('data', (data) => {
      errors += data;
    });
    child.on('error', () => resolve({ code: 127, output, errors }));
    child.on('close', (code) => resolve({ code: code ?? 1, output, errors }));
  });
}

/** Run a program whose output matters only when it fails; then its last lines are shown and set-up stops. */
export async function runQuietly(command, args, label, { optional = false } = {}) {
  const { code, output, errors } = await capture(command, args);
  if (code === 0) return true;
  if (optional) return false;
  const text = `${output}\n${errors}`
    .trim()
    .split('\n')
    // make's progress says nothing about what went wrong.
    .filter((line) => !/^\[ *\d+%\]/.test(line));
  // Compilers print the first error first and then repeat themselves: show both ends.
  const shown = text.length > 40 ? [...text.slice(0, 25), '...', ...text.slice(-10)] : text;
  process.stderr.write(`${shown.join('\n')}\n`);
  fail(`${label} failed (exit ${code}): ${[command, ...args].join(' ')}`);
}
