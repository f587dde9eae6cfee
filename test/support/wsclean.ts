/** WSClean on a small Measurement Set that python3-casacore makes (measurement_set.py); Debian has both. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { kPython, kRoot, missingProgram } from './cli.js';

/** Why neither can be asked for; false: they are here. */
export const kNoWsclean =
  missingProgram('sh', ['-c', 'OPENBLAS_NUM_THREADS=1 wsclean --version'], 'wsclean') ||
  missingProgram(kPython, ['-c', 'import casacore.tables'], 'python3-casacore');

/** Images of `frames` intervals of visibilities, and their PSF, in `dir`; `options` are WSClean's. */
export function imageVisibilities(dir: string, frames: number, options: readonly string[]): void {
  const array = join(kRoot, 'models/demo-transients/array.enu');
  run(dir, kPython, [join(kRoot, 'test/support/measurement_set.py'), 'small.ms', array, String(frames)]);
  run(dir, 'wsclean', ['-name', 'w', '-make-psf', ...options, '-no-update-model-required', 'small.ms']);
}

function run(cwd: string, program: string, args: string[]): void {
  // Its own threads and OpenBLAS's do not go together: it refuses to begin.
  const env = { ...process.env, OPENBLAS_NUM_THREADS: '1' };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', env, timeout: 300_000 });
  assert.equal(status, 0, `${program}: ${stdout.slice(-500)}${stderr.slice(-500)}`);
}
