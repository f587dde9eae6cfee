// How set-up talks and runs programs: one line per step with its time, how far it is meanwhile, and of a program that fails
// its last lines and the file that has all of them.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

export const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kLogs = 'build/logs';
/** Without a terminal a line that stays is written, so seldom. */
const kProgressMs = process.stderr.isTTY ? 500 : 30_000;

/** @returns {never} */
export function fail(message) {
  process.stderr.write(`${process.stderr.isTTY ? '\x1b[2K\r' : ''}setup: ${message}\n`);
  process.exit(1);
}

/** What the step in progress last said about how far it is, e.g. "45 %". */
let reached = '';

/** Run one step; its result may carry `note`, shown behind the time. */
export async function step(name, work) {
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  reached = '';
  const show = () => {
    const line = `setup: ${name} ... ${[`${elapsed().toFixed(0)} s`, reached].filter(Boolean).join(', ')}`;
    process.stderr.write(process.stderr.isTTY ? `\x1b[2K${line}\r` : `${line}\n`);
  };
  const timer = setInterval(show, kProgressMs);
  const result = (await work()) ?? {};
  clearInterval(timer);
  const note = result.note ? `  ${result.note}` : '';
  const clear = process.stderr.isTTY ? '\x1b[2K' : '';
  process.stderr.write(`${clear}setup: ${name.padEnd(24)}${elapsed().toFixed(1).padStart(7)} s${note}\n`);
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

/** Output of a program that must end well. */
export async function output(command, ...args) {
  const { code, output: text, errors } = await capture(command, args);
  if (code !== 0) fail(`${command} ${args[0]}: ${errors.trim().split('\n')[0]}`);
  return text;
}

/** Everything a program says goes to the file `log`; the exit code, 127 when there is no such program. */
async function runLogged(command, args, log, env) {
  await mkdir(join(kRoot, kLogs), { recursive: true });
  const file = createWriteStream(log);
  file.write(`${[command, ...args].join(' ')}\n`);
  const code = await new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: kRoot,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        file.write(data);
        // make's own: "[ 45%] Building CXX object ..."
        const percent = String(data)
          .match(/\[ *\d+%\]/g)
          ?.pop();
        if (percent) reached = `${percent.replace(/[^\d]/g, '')} %`;
      });
    }
    child.on('error', (error) => {
      file.write(`${error.message}\n`);
      resolve(127);
    });
    child.on('close', (status) => resolve(status ?? 1));
  });
  file.end();
  await finished(file);
  return code;
}

/**
 * Run a program whose output matters only when it fails; then its last lines are shown, with the log that has them all,
 * and set-up stops. `optional`: false is returned instead.
 */
export async function runQuietly(command, args, label, { optional = false, env = {} } = {}) {
  const log = join(kRoot, kLogs, `${label.replace(/[^a-zA-Z0-9]+/g, '-')}.log`);
  const code = await runLogged(command, args, log, env);
  if (code === 0) {
    await rm(log);
    return true;
  }
  if (optional) return false;
  const text = (await readFile(log, 'utf8'))
    .trim()
    .split('\n')
    .slice(1)
    // make's progress says nothing about what went wrong.
    .filter((line) => !/^\[ *\d+%\]/.test(line));
  // Compilers print the first error first and then repeat themselves: show both ends.
  const shown = text.length > 40 ? [...text.slice(0, 25), '...', ...text.slice(-10)] : text;
  process.stderr.write(`\n${shown.join('\n')}\n`);
  fail(`${label} failed (exit ${code}); all it said is in ${log}`);
}
