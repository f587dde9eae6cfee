/** Running the command as a user does, in a folder of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const kRoot = fileURLToPath(new URL('../../..', import.meta.url));
export const kFixtures = join(kRoot, 'test/fixtures');
export const kProgram = join(kRoot, 'bin/cianna-otf.js');

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export function runCli(args: string[], cwd: string, env: Record<string, string> = {}): CliResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [kProgram, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
    timeout: 300_000,
  });
  return { code: status, stdout, stderr };
}

/** As runCli; fails, with what it said, when the command did. */
export function runOk(args: string[], cwd: string): CliResult {
  const result = runCli(args, cwd);
  assert.equal(result.code, 0, result.stderr);
  return result;
}

const scratchDirs: string[] = [];

/** A temporary folder, removed when the process ends. */
export function scratchDir(): string {
  if (scratchDirs.length === 0) process.on('exit', removeScratch);
  const dir = mkdtempSync(join(tmpdir(), 'cianna-otf-test-'));
  scratchDirs.push(dir);
  return dir;
}

function removeScratch(): void {
  for (const dir of scratchDirs) rmSync(dir, { recursive: true, force: true });
}

/** The reason to skip when a program the distribution offers is not here; false when it is. */
export function missingProgram(program: string, args: string[], what: string): string | false {
  if (program.startsWith('/') && !existsSync(program)) return `${what} is not installed`;
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0 ? false : `${what} is not installed`;
}

/** Debian's python, which is the one with Debian's astropy. */
export const kPython = '/usr/bin/python3';

/** Run a python program that prints JSON. */
export function python(program: string, ...args: string[]): unknown {
  const { status, stdout, stderr } = spawnSync(kPython, ['-W', 'error', '-c', program, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`python failed: ${stderr.trim().split('\n').slice(-3).join(' | ')}`);
  return JSON.parse(stdout);
}

export const kNoAstropy = missingProgram(kPython, ['-c', 'import astropy'], 'python3-astropy');
export const kNoStilts = missingProgram('stilts', ['-version'], 'stilts');
